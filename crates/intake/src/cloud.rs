//! Logs of cloud services: Entra and CloudTrail.

use crate::decode::{finish, json_records};
use crate::mapping::{self, Source};
use crate::output::Output;
use crate::record::{Layout, Naming, Part, Record, Shapes, Slot};
use crate::request::{DecodeRequest, Decoded};

/// Names values by their path; keeps whole what the mapping takes whole.
struct CloudLayout(&'static Source);

impl Layout for CloudLayout {
    fn name(&self, path: &[&str]) -> Naming {
        let name = path.join(".");
        let whole = self.0.names.iter().any(|known| **known == *name);
        Naming { name, part: Part::Data, whole }
    }
}

/// Decodes Entra logs: exports of diagnostic settings (one by one or as `{"records": […]}`) and the Graph API's own
/// (one by one or as `{"value": […]}`).
pub(crate) fn entra(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let source = mapping::entra();
    let layout = CloudLayout(source);
    let mut shapes = Shapes::new(&layout, &source.names, request.limits.field_names);
    let mut rows = CloudRows::new(source, &mut shapes, "azure", &ENTRA_TIMES);
    let category = shapes.slot("category");
    let by_shape = [
        ("AuditLogs", ["activityDisplayName", "properties.activityDisplayName"].map(|name| shapes.slot(name))),
        ("SignInLogs", ["userPrincipalName", "properties.userPrincipalName"].map(|name| shapes.slot(name))),
    ];
    let interactive = ["isInteractive", "properties.isInteractive"].map(|name| shapes.slot(name));
    let inner = unwrap(request, &["records", "value"]);
    json_records(&inner, &mut shapes, &mut out, |record, shapes, out| {
        let named = record.get(category).filter(|name| source_knows(source, name));
        let shown = || {
            let (kind, _) = by_shape.iter().find(|(_, slots)| slots.iter().any(|slot| record.get(*slot).is_some()))?;
            let silent = interactive.iter().any(|slot| record.get(*slot) == Some("false"));
            Some(if *kind == "SignInLogs" && silent { "NonInteractiveUserSignInLogs" } else { kind })
        };
        match named.or_else(shown) {
            Some(kind) => {
                let service = if kind == "AuditLogs" { "auditlogs" } else { "signinlogs" };
                rows.record(record, kind, service, shapes, out);
            }
            None => no_kind(out, record, "neither a sign-in nor an audit record of Entra: no known `category`"),
        }
    });
    finish(out, &shapes)
}

const ENTRA_TIMES: [&str; 5] =
    ["properties.createdDateTime", "createdDateTime", "time", "activityDateTime", "properties.activityDateTime"];

fn source_knows(source: &Source, channel: &str) -> bool {
    let mut found = Vec::new();
    source.rules_for(channel, None, &mut found);
    !found.is_empty()
}

/// Decodes CloudTrail: `{"Records": […]}` or one record after another.
pub(crate) fn cloudtrail(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let source = mapping::cloudtrail();
    let layout = CloudLayout(source);
    let mut shapes = Shapes::new(&layout, &source.names, request.limits.field_names);
    let mut rows = CloudRows::new(source, &mut shapes, "aws", &["eventTime", "@timestamp"]);
    let (name, origin) = (shapes.slot("eventName"), shapes.slot("eventSource"));
    let inner = unwrap(request, &["Records"]);
    json_records(&inner, &mut shapes, &mut out, |record, shapes, out| {
        if record.get(name).is_some() && record.get(origin).is_some() {
            rows.record(record, "", "cloudtrail", shapes, out);
        } else {
            no_kind(out, record, "no record of CloudTrail: `eventName` and `eventSource` are missing");
        }
    });
    finish(out, &shapes)
}

fn no_kind(out: &mut Output<'_>, record: Record<'_>, reason: &str) {
    let position = format!("record {}", out.record_no());
    out.unparsed(&position, reason, record.raw().as_bytes());
}

/// The request with the payload narrowed to the array under one of `keys`, when the payload is one object that
/// begins with it.
fn unwrap<'a>(request: &DecodeRequest<'a>, keys: &[&str]) -> DecodeRequest<'a> {
    let inner = array_under(request.payload, keys).unwrap_or(request.payload);
    DecodeRequest { payload: inner, ..request.clone() }
}

/// The array of `{ …, "key": [ … ] … }`, found by the key's first appearance at the top.
fn array_under<'a>(payload: &'a [u8], keys: &[&str]) -> Option<&'a [u8]> {
    let head = &payload[..payload.len().min(4096)];
    keys.iter().find_map(|key| {
        let quoted = format!("\"{key}\"");
        let at = memchr::memmem::find(head, quoted.as_bytes())?;
        let before = &head[..at];
        // A brace in between would mean that the key is inside of a record.
        if before.iter().filter(|byte| **byte == b'{').count() != 1 {
            return None;
        }
        let rest = payload[at + quoted.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let end = rest.iter().rposition(|byte| *byte == b']')?;
        rest.starts_with(b"[").then(|| &rest[..=end])
    })
}

/// Turns records of one service into rows.
struct CloudRows {
    source: &'static Source,
    product: Slot,
    service: Slot,
    product_name: &'static str,
    times: Vec<Slot>,
    rules: Vec<usize>,
}

impl CloudRows {
    fn new(source: &'static Source, shapes: &mut Shapes<'_>, product_name: &'static str, times: &[&str]) -> CloudRows {
        CloudRows {
            source,
            product: shapes.slot("@product"),
            service: shapes.slot("@service"),
            product_name,
            times: times.iter().map(|name| shapes.slot(name)).collect(),
            rules: Vec::new(),
        }
    }

    fn record(&mut self, record: Record<'_>, kind: &str, service: &str, shapes: &Shapes<'_>, out: &mut Output<'_>) {
        let time = self.times.iter().find_map(|slot| record.get(*slot));
        let at = out.event_time(time);
        self.source.rules_for(kind, None, &mut self.rules);
        out.rows(self.source, shapes.names(), &self.rules, record, at);
        out.events.set(self.product, self.product_name);
        out.events.set(self.service, service);
        out.event(record, at);
    }
}
