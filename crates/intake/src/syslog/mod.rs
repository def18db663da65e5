//! Syslog: RFC 5424, RFC 3164 and what devices make of it, with CEF and auditd records inside.

mod cef;
mod frame;
mod header;
mod pairs;

use kernel::Timestamp;

use crate::decode::finish;
use crate::generic::PathLayout;
use crate::mapping;
use crate::output::Output;
use crate::record::{Fields, Part, Shapes, Slot};
use crate::request::{DecodeRequest, Decoded};
use crate::time::{self, Moment};

pub(crate) use frame::{Framed, write_frame};
pub(crate) use header::looks_like_syslog;

/// Decodes messages: in frames as the listeners write them (`[@peer ]length message`), else one for each line.
pub(crate) fn syslog(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let layout = PathLayout;
    let mut shapes = Shapes::new(&layout, &mapping::syslog().names, request.limits.field_names);
    let mut messages = Messages::new(&mut shapes);
    for frame in Framed::new(request.payload) {
        if frame.bytes.trim_ascii().is_empty() {
            continue;
        }
        out.begin();
        if frame.bytes.len() > request.limits.record_bytes {
            out.unparsed(&format!("byte {}", frame.at), "the message is longer than the limit", frame.bytes);
            continue;
        }
        let text = String::from_utf8_lossy(frame.bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            let reason = "the message is not UTF-8; bad bytes are replaced in its row";
            out.keep_bytes(&format!("byte {}", frame.at), reason, frame.bytes);
        }
        messages.message(text.trim_end_matches(['\r', '\n', '\0']), frame.peer, &mut shapes, &mut out);
    }
    finish(out, &shapes)
}

/// Turns messages into rows.
struct Messages {
    fields: Fields,
    product: Slot,
    service: Slot,
    category: Slot,
    vendor_and_product: [Slot; 2],
    rules: Vec<usize>,
}

/// What a message turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Plain,
    Cef,
    Auditd,
}

impl Messages {
    fn new(shapes: &mut Shapes<'_>) -> Messages {
        Messages {
            fields: Fields::default(),
            product: shapes.slot("@product"),
            service: shapes.slot("@service"),
            category: shapes.slot("@category"),
            vendor_and_product: [shapes.slot("DeviceVendor"), shapes.slot("DeviceProduct")],
            rules: Vec::new(),
        }
    }

    fn message(&mut self, text: &str, peer: Option<&str>, shapes: &mut Shapes<'_>, out: &mut Output<'_>) {
        let header = header::parse(text);
        self.fields.clear();
        let inside = match header.message {
            message if message.starts_with("CEF:") => Inside::Cef,
            message if pairs::is_auditd(message) => Inside::Auditd,
            _ => Inside::Plain,
        };
        let mut at = match header.time {
            header::Stamp::None => None,
            header::Stamp::Iso(text) => Some((time::parse(text, &out.request.zone), text)),
            header::Stamp::Yearless(text) => {
                let moment = time::without_year(text, out.request.received, &out.request.zone);
                Some((moment.map_or(Moment::Unreadable, Moment::At), text))
            }
        };
        match inside {
            Inside::Plain => {}
            Inside::Cef => {
                if let Err(reason) = cef::fields(header.message, shapes, &mut self.fields) {
                    let position = format!("record {}", out.record_no());
                    return out.unparsed(&position, reason, text.as_bytes());
                }
                at = cef_time(&self.fields, text, shapes, out).or(at);
            }
            Inside::Auditd => {
                if let Some(stamp) = pairs::auditd(header.message, shapes, &mut self.fields) {
                    at = Some((time::parse(stamp, &out.request.zone), stamp));
                }
            }
        }
        let at = out.moment(at.map(|(moment, _)| moment), at.map_or("", |(_, text)| text));
        self.header_fields(&header, peer, at, shapes, out);
        let record = self.fields.of(text, 0..text.len());
        let kind = if inside == Inside::Cef { "cef" } else { "syslog" };
        mapping::syslog().rules_for(kind, None, &mut self.rules);
        out.rows(mapping::syslog(), shapes.names(), &self.rules, record, at);
        if inside != Inside::Cef {
            out.events.set(self.product, "linux");
            let service = if inside == Inside::Auditd { Some("auditd") } else { service_of(header.program) };
            if let Some(service) = service {
                out.events.set(self.service, service);
            }
        }
        if inside == Inside::Cef {
            let [vendor, product] = self.vendor_and_product.map(|slot| record.get(slot).unwrap_or_default());
            if let Some(category) = mapping::syslog().category_of(vendor, product) {
                out.events.set(self.category, category);
            }
        }
        out.event(record, at);
    }

    fn header_fields(
        &mut self,
        header: &header::Header<'_>,
        peer: Option<&str>,
        at: Timestamp,
        shapes: &mut Shapes<'_>,
        out: &Output<'_>,
    ) {
        let mut put = |name: &str, text: &str| {
            if !text.is_empty() {
                self.fields.push_text(shapes.slot(name), Part::Header, text);
            }
        };
        put("Computer", if header.host.is_empty() { peer.unwrap_or("") } else { header.host });
        put("HostIP", peer.unwrap_or(""));
        put("CollectorHostName", out.request.source);
        put("Facility", header.facility.unwrap_or(""));
        put("SeverityLevel", header.severity.unwrap_or(""));
        put("ProcessName", header.program);
        put("ProcessID", header.process_id);
        put("MessageID", header.message_id);
        put("EventTime", &at.to_string());
        put("SyslogMessage", header.message);
        for (name, value) in &header.structured {
            put(name, value);
        }
    }
}

/// CEF names its own time: `end`, `rt` or `start`.
fn cef_time<'t>(
    fields: &Fields,
    text: &'t str,
    shapes: &mut Shapes<'_>,
    out: &Output<'_>,
) -> Option<(Moment, &'t str)> {
    let record = fields.of(text, 0..text.len());
    ["end", "rt", "start"].iter().find_map(|name| {
        let value = record.get(shapes.slot(name))?;
        let moment = match time::parse(value, &out.request.zone) {
            Moment::Unreadable => time::cef(value, &out.request.zone),
            found => found,
        };
        (moment != Moment::Unreadable).then_some((moment, ""))
    })
}

/// Sigma's name for the service behind a program.
fn service_of(program: &str) -> Option<&'static str> {
    Some(match program {
        "sshd" => "sshd",
        "sudo" => "sudo",
        "cron" | "CRON" | "crond" => "cron",
        "auditd" | "audispd" => "auditd",
        "clamd" | "freshclam" => "clamav",
        "vsftpd" => "vsftpd",
        "guacd" => "guacamole",
        "su" | "login" | "systemd-logind" => "auth",
        _ => return None,
    })
}
