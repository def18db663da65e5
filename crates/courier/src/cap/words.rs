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
    for info in &alert.infos {
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

fn area_faults(area: &Area, faults: &mut Vec<String>) {
    if area.description.trim().is_empty() {
        faults.push("areaDesc: it is empty".to_owned());
    }
    for ring in &area.polygons {
        if ring.len() < 4 || ring.first() != ring.last() {
            faults.push("polygon: it needs four points at least, the last the first".to_owned());
        }
    }
    let points = area.polygons.iter().flatten().map(|point| (point.0, point.1));
    for (latitude, longitude) in points.chain(area.circles.iter().map(|circle| (circle.0, circle.1))) {
        if let Err(problem) = crate::arrival::on_globe(latitude, longitude) {
            faults.push(format!("area: {problem}"));
        }
    }
}
