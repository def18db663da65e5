//! Reading an alert. What CAP does not allow is said; what can be understood all the same is kept.

use kernel::Timestamp;
use kernel::message::{Means, Precedence};

use super::words::faults;
use super::{Alert, Area, Info};
use crate::arrival::{Item, Reading, Text};
use crate::xml::Element;

/// Reads an alert, and says what is wrong with it. `None`: it is no alert.
pub fn read(bytes: &[u8]) -> (Option<Alert>, Vec<String>) {
    let root = match Element::read(bytes) {
        Ok(root) => root,
        Err(problem) => return (None, vec![format!("this is not XML: {problem}")]),
    };
    let Some(alert) = root.walk().into_iter().find(|element| element.name == "alert") else {
        return (None, vec![format!("the root is `{}`; CAP has `alert`", root.name)]);
    };
    let mut findings = Vec::new();
    let Some(sent) = instant(alert, "sent", &mut findings) else {
        findings.push("sent: it is missing; the alert cannot be told from others".to_owned());
        return (None, findings);
    };
    let said = |name: &str| alert.said(name).map(str::to_owned);
    let read = Alert {
        identifier: said("identifier").unwrap_or_default(),
        sender: said("sender").unwrap_or_default(),
        sent,
        status: said("status").unwrap_or_default(),
        msg_type: said("msgType").unwrap_or_default(),
        scope: said("scope").unwrap_or_default(),
        source: said("source"),
        restriction: said("restriction"),
        addresses: said("addresses"),
        codes: texts(alert, "code"),
        note: said("note"),
        references: said("references"),
        incidents: said("incidents"),
        infos: alert.all("info").map(|info| read_info(info, &mut findings)).collect(),
    };
    findings.extend(faults(&read));
    (Some(read), findings)
}

fn texts(element: &Element, name: &str) -> Vec<String> {
    element.all(name).map(|child| child.text.clone()).filter(|text| !text.is_empty()).collect()
}

fn instant(element: &Element, name: &str, findings: &mut Vec<String>) -> Option<Timestamp> {
    let text = element.said(name)?;
    match text.parse() {
        Ok(at) => Some(at),
        Err(_) => {
            findings.push(format!("{name}: `{text}` is not an instant such as 2026-11-30T14:25:00-00:00"));
            None
        }
    }
}

fn read_info(info: &Element, findings: &mut Vec<String>) -> Info {
    let said = |name: &str| info.said(name).map(str::to_owned);
    Info {
        language: said("language"),
        categories: texts(info, "category"),
        event: said("event").unwrap_or_default(),
        responses: texts(info, "responseType"),
        urgency: said("urgency").unwrap_or_default(),
        severity: said("severity").unwrap_or_default(),
        certainty: said("certainty").unwrap_or_default(),
        effective: instant(info, "effective", findings),
        onset: instant(info, "onset", findings),
        expires: instant(info, "expires", findings),
        sender_name: said("senderName"),
        headline: said("headline"),
        description: said("description"),
        instruction: said("instruction"),
        web: said("web"),
        contact: said("contact"),
        areas: info.all("area").map(|area| read_area(area, findings)).collect(),
    }
}

fn read_area(area: &Element, findings: &mut Vec<String>) -> Area {
    let pair = |text: &str| {
        let (latitude, longitude) = text.split_once(',')?;
        Some((latitude.trim().parse().ok()?, longitude.trim().parse().ok()?))
    };
    let mut polygons = Vec::new();
    for ring in area.all("polygon") {
        match ring.text.split_ascii_whitespace().map(pair).collect::<Option<Vec<(f64, f64)>>>() {
            Some(points) => polygons.push(points),
            None => findings.push("polygon: a point is not `latitude,longitude`".to_owned()),
        }
    }
    let mut circles = Vec::new();
    for circle in area.all("circle") {
        let read = circle.text.split_once(' ').and_then(|(centre, radius)| {
            let (latitude, longitude): (f64, f64) = pair(centre)?;
            Some((latitude, longitude, radius.trim().parse().ok()?))
        });
        match read {
            Some(circle) => circles.push(circle),
            None => findings.push("circle: it is not `latitude,longitude radius`".to_owned()),
        }
    }
    Area { description: area.said("areaDesc").unwrap_or_default().to_owned(), polygons, circles }
}

/// An alert as a message for the desk.
pub fn read_feed(bytes: &[u8]) -> Reading {
    let (alert, findings) = read(bytes);
    let mut reading = Reading { items: Vec::new(), findings };
    let Some(alert) = alert else { return reading };
    let info = alert.infos.first();
    let mut lines = vec![format!("CAP {} {} from {}", alert.status, alert.msg_type, alert.sender)];
    // One for each language, of whoever reads it.
    for info in &alert.infos {
        lines.push(format!("{} ({}, {}, {})", info.event, info.severity, info.urgency, info.certainty));
        lines.extend(info.areas.iter().map(|area| area.description.clone()).filter(|text| !text.is_empty()));
        lines.extend([&info.description, &info.instruction].into_iter().flatten().cloned());
        lines.extend(info.expires.map(|at| format!("until {at}")));
    }
    let mut text = Text::plain(Means::Webhook, alert.sender.clone(), "cap", lines.join("\n"));
    text.subject = info.and_then(|info| info.headline.clone()).or_else(|| info.map(|info| info.event.clone()));
    text.sent = Some(alert.sent);
    text.provider_id = Some(format!("{},{},{}", alert.sender, alert.identifier, alert.sent));
    text.automatic = true;
    text.exercise = matches!(alert.status.as_str(), "Exercise" | "Test" | "Draft");
    let warns = matches!(alert.msg_type.as_str(), "Alert" | "Update") && alert.infos.iter().any(must_be_acted_on);
    // What is called off, somebody may still act on.
    let called_off = alert.msg_type == "Cancel";
    text.precedence = warns.then_some(Precedence::Immediate).or(called_off.then_some(Precedence::Routine));
    reading.items.push(Item::Text(text));
    reading
}

/// CAP 1.2 §3.2.2: responsive action should be taken immediately or soon, against an extraordinary or significant threat.
fn must_be_acted_on(info: &Info) -> bool {
    matches!(info.urgency.as_str(), "Immediate" | "Expected") && matches!(info.severity.as_str(), "Extreme" | "Severe")
}
