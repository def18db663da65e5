//! Writing an alert.

use kernel::Timestamp;

use super::words::faults;
use super::{Alert, Area, Info};
use crate::xml::Pen;

/// Writes an alert, in the order that the schema wants.
///
/// # Errors
/// Everything in it that CAP does not allow.
pub fn write(alert: &Alert) -> Result<String, Vec<String>> {
    let faults = faults(alert);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut pen = Pen::document();
    pen.begin("alert", &[("xmlns", "urn:oasis:names:tc:emergency:cap:1.2")])
        .line("identifier", &alert.identifier)
        .line("sender", &alert.sender)
        .line("sent", &instant(alert.sent))
        .line("status", &alert.status)
        .line("msgType", &alert.msg_type)
        .line_of("source", alert.source.as_deref())
        .line("scope", &alert.scope)
        .line_of("restriction", alert.restriction.as_deref())
        .line_of("addresses", alert.addresses.as_deref());
    for code in &alert.codes {
        pen.line("code", code);
    }
    pen.line_of("note", alert.note.as_deref())
        .line_of("references", alert.references.as_deref())
        .line_of("incidents", alert.incidents.as_deref());
    for info in &alert.infos {
        write_info(&mut pen, info);
    }
    Ok(pen.finish())
}

fn write_info(pen: &mut Pen, info: &Info) {
    pen.begin("info", &[]).line_of("language", info.language.as_deref());
    for category in &info.categories {
        pen.line("category", category);
    }
    pen.line("event", &info.event);
    for response in &info.responses {
        pen.line("responseType", response);
    }
    pen.line("urgency", &info.urgency).line("severity", &info.severity).line("certainty", &info.certainty);
    for (name, at) in [("effective", info.effective), ("onset", info.onset), ("expires", info.expires)] {
        pen.line_of(name, at.map(instant).as_deref());
    }
    pen.line_of("senderName", info.sender_name.as_deref())
        .line_of("headline", info.headline.as_deref())
        .line_of("description", info.description.as_deref())
        .line_of("instruction", info.instruction.as_deref())
        .line_of("web", info.web.as_deref())
        .line_of("contact", info.contact.as_deref());
    for area in &info.areas {
        write_area(pen, area);
    }
    pen.end();
}

fn write_area(pen: &mut Pen, area: &Area) {
    pen.begin("area", &[]).line("areaDesc", &area.description);
    for ring in &area.polygons {
        let points: Vec<String> = ring.iter().map(|(latitude, longitude)| format!("{latitude},{longitude}")).collect();
        pen.line("polygon", &points.join(" "));
    }
    for (latitude, longitude, radius_km) in &area.circles {
        pen.line("circle", &format!("{latitude},{longitude} {radius_km}"));
    }
    pen.end();
}

/// CAP wants whole seconds and a numeric offset, never `Z`: section 3.3.2.
fn instant(at: Timestamp) -> String {
    format!("{}-00:00", &at.to_string()[..19])
}
