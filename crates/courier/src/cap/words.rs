//! The words that CAP 1.2 has, by element.

pub const STATUSES: [&str; 5] = ["Actual", "Exercise", "System", "Test", "Draft"];
pub const MESSAGE_TYPES: [&str; 5] = ["Alert", "Update", "Cancel", "Ack", "Error"];
pub const SCOPES: [&str; 3] = ["Public", "Restricted", "Private"];
pub const CATEGORIES: [&str; 12] =
    ["Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"];
pub const RESPONSES: [&str; 9] =
    ["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"];
pub const URGENCIES: [&str; 5] = ["Immediate", "Expected", "Future", "Past", "Unknown"];
pub const SEVERITIES: [&str; 5] = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"];
pub const CERTAINTIES: [&str; 5] = ["Observed", "Likely", "Possible", "Unlikely", "Unknown"];

use super::{Alert, Area};

/// What an alert says that CAP does not allow, each with its element.
pub(super) fn faults(alert: &Alert) -> Vec<String> {
    let mut faults = Vec::new();
    let mut one_of = |element: &str, word: &str, words: &[&str]| {
        if !words.contains(&word) {
            faults.push(format!("{element}: `{word}` is not one of {}", words.join(", ")));
        }
    };
    one_of("status", &alert.status, &STATUSES);
    one_of("msgType", &alert.msg_type, &MESSAGE_TYPES);
    one_of("scope", &alert.scope, &SCOPES);
    for info in &alert.infos {
        info.categories.iter().for_each(|word| one_of("category", word, &CATEGORIES));
        info.responses.iter().for_each(|word| one_of("responseType", word, &RESPONSES));
        one_of("urgency", &info.urgency, &URGENCIES);
        one_of("severity", &info.severity, &SEVERITIES);
        one_of("certainty", &info.certainty, &CERTAINTIES);
    }
    for (element, text) in [("identifier", &alert.identifier), ("sender", &alert.sender)] {
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&')) {
            faults.push(format!("{element}: `{text}` is empty or has a blank, a comma, `<` or `&`"));
        }
    }
    if alert.scope == "Restricted" && alert.restriction.is_none() {
        faults.push("restriction: scope Restricted needs it".to_owned());
    }
    if alert.scope == "Private" && alert.addresses.is_none() {
        faults.push("addresses: scope Private needs them".to_owned());
    }
    if matches!(alert.msg_type.as_str(), "Update" | "Cancel" | "Ack" | "Error") && alert.references.is_none() {
        faults.push(format!("references: msgType {} needs them", alert.msg_type));
    }
    let references = alert.references.as_deref().unwrap_or_default().split_whitespace();
    for reference in references.filter(|reference| !is_reference(reference)) {
        let form = "sender,identifier,sent (2026-11-21T12:00:00-00:00)";
        faults.push(format!("references: `{reference}` is not {form}, several apart by blanks"));
    }
    for info in &alert.infos {
        if let Some(language) = info.language.as_deref().filter(|language| !is_language(language)) {
            faults.push(format!("language: `{language}` is no language tag such as `en` or `pt-TL`"));
        }
        // A correction may say that something is over; an alert that is over when it is sent alerts nobody.
        if alert.msg_type == "Alert" && info.expires.is_some_and(|expires| expires <= alert.sent) {
            faults.push("expires: it is over when the alert is sent".to_owned());
        }
        if info.categories.is_empty() {
            faults.push("category: at least one is needed".to_owned());
        }
        if info.event.trim().is_empty() {
            faults.push("event: it is empty".to_owned());
        }
        info.areas.iter().for_each(|area| area_faults(area, &mut faults));
    }
    faults
}

/// Half way round the earth.
const HALF_ROUND_KM: f64 = 20_040.0;

/// Section 3.2.1: the extended message identifier.
fn is_reference(text: &str) -> bool {
    let mut parts = text.split(',');
    let (sender, identifier, sent) = (parts.next(), parts.next(), parts.next());
    let named = |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && !part.contains(['<', '&']));
    named(sender) && named(identifier) && sent.is_some_and(is_instant) && parts.next().is_none()
}

/// Whole seconds with a numeric offset: section 3.3.2.
fn is_instant(text: &str) -> bool {
    let form = text.len() == 25 && matches!(text.as_bytes()[19], b'+' | b'-');
    form && text.parse::<kernel::Timestamp>().is_ok()
}

/// The lexical space of `xs:language`: RFC 3066.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let fits = |part: &str| (1..=8).contains(&part.len());
    let first = parts.next().is_some_and(|part| fits(part) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    first && parts.all(|part| fits(part) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn area_faults(area: &Area, faults: &mut Vec<String>) {
    if area.description.trim().is_empty() {
        faults.push("areaDesc: it is empty".to_owned());
    }
    for ring in &area.polygons {
        if ring.len() < 4 || ring.first() != ring.last() {
            faults.push("polygon: it needs four points at least, the last the first".to_owned());
        }
    }
    for (_, _, radius_km) in &area.circles {
        if !(0.0..=HALF_ROUND_KM).contains(radius_km) {
            faults.push(format!("circle: a radius of {radius_km} km is not from 0 to {HALF_ROUND_KM} km"));
        }
    }
    let points = area.polygons.iter().flatten().map(|point| (point.0, point.1));
    for (latitude, longitude) in points.chain(area.circles.iter().map(|circle| (circle.0, circle.1))) {
        if let Err(problem) = crate::arrival::on_globe(latitude, longitude) {
            faults.push(format!("area: {problem}"));
        }
    }
}
