//! Alerts there and back, and what is refused.

use kernel::message::Precedence;
use proptest::prelude::*;

use super::*;
use crate::arrival::Item;

pub(crate) fn alert() -> Alert {
    Alert {
        identifier: "UNA-2026-0007".to_owned(),
        sender: "radio.una.example".to_owned(),
        sent: Timestamp(1_795_262_400_000_000),
        status: "Exercise".to_owned(),
        msg_type: "Alert".to_owned(),
        scope: "Restricted".to_owned(),
        source: Some("radio room".to_owned()),
        restriction: Some("staff".to_owned()),
        addresses: None,
        codes: vec!["IPAWSv1.0".to_owned()],
        note: None,
        references: None,
        incidents: None,
        infos: vec![Info {
            language: Some("pt".to_owned()),
            categories: vec!["Security".to_owned(), "Transport".to_owned()],
            event: "Estrada cortada <Comoro> & ponte".to_owned(),
            responses: vec!["Avoid".to_owned()],
            urgency: "Immediate".to_owned(),
            severity: "Severe".to_owned(),
            certainty: "Observed".to_owned(),
            effective: None,
            onset: None,
            expires: Some(Timestamp(1_795_266_000_000_000)),
            sender_name: Some("Radio room".to_owned()),
            headline: Some("Ponte fechada".to_owned()),
            description: Some("تم إغلاق الجسر".to_owned()),
            instruction: Some("Avoid the bridge".to_owned()),
            web: None,
            contact: Some("+67077231234".to_owned()),
            areas: vec![Area {
                description: "Dili".to_owned(),
                polygons: vec![vec![(-8.5, 125.5), (-8.6, 125.5), (-8.6, 125.6), (-8.5, 125.5)]],
                circles: vec![(-8.55, 125.57, 2.5)],
            }],
        }],
    }
}

#[test]
fn what_is_written_is_read() {
    let text = write(&alert()).unwrap();
    assert!(text.contains("<sent>2026-11-21T12:00:00-00:00</sent>"), "{text}");
    assert_eq!(read(text.as_bytes()), (Some(alert()), Vec::new()));
}

#[test]
fn what_cap_does_not_allow_is_refused_by_element() {
    let check = |change: fn(&mut Alert), expected: &str| {
        let mut wrong = alert();
        change(&mut wrong);
        let faults = write(&wrong).unwrap_err();
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected}: {faults:?}");
    };
    check(|alert| alert.scope = "Everybody".to_owned(), "scope");
    check(|alert| alert.identifier = "a b".to_owned(), "identifier");
    check(|alert| alert.restriction = None, "restriction");
    check(|alert| alert.msg_type = "Cancel".to_owned(), "references");
    check(|alert| alert.infos[0].categories.clear(), "category");
    check(|alert| alert.infos[0].areas[0].polygons[0].truncate(3), "polygon");
    check(|alert| alert.infos[0].areas[0].circles[0].0 = 99.0, "area");
    check(|alert| alert.infos[0].areas[0].circles[0].2 = -1.0, "circle");
    check(|alert| alert.infos[0].language = Some("not a language!".to_owned()), "language");
    check(|alert| alert.references = Some("garbage".to_owned()), "references");
    check(|alert| alert.references = Some("una.example,UNA-6,2026-11-21T12:00:00Z".to_owned()), "references");
    check(|alert| alert.infos[0].expires = Some(alert.sent), "expires");
    let mut update = alert();
    let earlier = "una.example,UNA-6,2026-11-21T11:00:00-00:00 una.example,UNA-5,2026-11-21T19:00:00+09:00";
    (update.msg_type, update.references) = ("Update".to_owned(), Some(earlier.to_owned()));
    assert!(write(&update).is_ok());
}

#[test]
fn an_alert_of_an_exercise_is_told_as_one() {
    let reading = read_feed(write(&alert()).unwrap().as_bytes());
    let [Item::Text(text)] = reading.items.as_slice() else { panic!("{reading:?}") };
    assert!(text.exercise && text.automatic && text.text.contains("تم إغلاق الجسر"));
    assert_eq!(text.subject.as_deref(), Some("Ponte fechada"));
    let odd = "<alert><identifier>1</identifier><sender>x</sender><sent>2026-11-21T12:00:00+09:00</sent><scope>Evrybody</scope></alert>";
    let reading = read_feed(odd.as_bytes());
    assert_eq!((reading.items.len(), reading.findings.len()), (1, 3), "{reading:?}");
    assert!(read_feed(b"<rss/>").findings[0].contains("the root is `rss`"));
}

/// Urgency, severity, message type; whether the desk must act on it (CAP 1.2 §3.2.2).
#[test]
fn an_alert_that_cannot_wait_is_one() {
    for (urgency, severity, msg_type, acts) in [
        ("Immediate", "Extreme", "Alert", true),
        ("Expected", "Severe", "Update", true),
        ("Future", "Extreme", "Alert", false),
        ("Immediate", "Moderate", "Alert", false),
        ("Immediate", "Extreme", "Cancel", false),
    ] {
        let mut one = alert();
        // The second language says so, too.
        let info = one.infos.len() - 1;
        for info in &mut one.infos {
            (info.urgency, info.severity) = ("Future".to_owned(), "Minor".to_owned());
        }
        (one.infos[info].urgency, one.infos[info].severity) = (urgency.to_owned(), severity.to_owned());
        one.msg_type = msg_type.to_owned();
        one.references = Some("x@una.example,1,2026-11-21T12:00:00+09:00".to_owned());
        let reading = read_feed(write(&one).unwrap().as_bytes());
        let [Item::Text(text)] = reading.items.as_slice() else { panic!("{reading:?}") };
        assert_eq!(text.precedence == Some(Precedence::Immediate), acts, "{urgency} {severity} {msg_type}");
        let called_off = text.precedence == Some(Precedence::Routine);
        assert_eq!(called_off, msg_type == "Cancel", "what is called off has to be read, too");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let reading = read_feed(&bytes);
        prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
    }
}
