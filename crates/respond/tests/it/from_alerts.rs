//! Alerts become incidents.

use kernel::fact::{DuressUsed, IncidentReported, PersonUnderDuress};
use kernel::id::{AlarmId, LogEntryId};
use kernel::{Actor, Fact, Severity};
use respond::{Classification, Command, Status};

use crate::rig;

pub async fn one_incident_per_group(url: String) {
    let rig = rig::open(&url).await;
    let alerts = [
        rig::alert(3, 1, Severity::Medium),
        rig::alert(1, 1, Severity::Medium),
        rig::alert(2, 2, Severity::Medium),
        rig::alert(4, 1, Severity::Low),
    ];
    rig.raise(&alerts).await;
    let queue = rig.queue().await;
    assert_eq!(queue.iter().map(|incident| incident.alert_count).collect::<Vec<_>>(), [1, 3]);
    let incident = &queue[1];
    assert_eq!(incident.first_event, Some(alerts[1].event_time));
    assert_eq!(incident.last_event, Some(alerts[3].event_time));
    assert_eq!(incident.techniques, ["T1000", "T1001"]);
    let members = rig.respond.alerts(incident.id, 10).await.unwrap();
    assert_eq!(members.iter().map(|member| member.alert).collect::<Vec<_>>(), [1, 0, 3].map(|at| alerts[at].alert));
    assert_eq!(rig.respond.alerts(incident.id, 1).await.unwrap().len(), 1);
    assert_eq!(rig.respond.incident_of_alert(alerts[0].alert).await.unwrap(), Some(incident.id));

    let entities = rig.respond.entities(incident.id, 10).await.unwrap();
    let counts: Vec<_> = entities.iter().map(|entity| (entity.entity.key.as_str(), entity.alert_count)).collect();
    assert_eq!(counts, [("amina.diallo@corp", 3), ("srv-file-02", 2), ("ws-041", 1)]);
    assert_eq!((entities[0].first_seen, entities[0].last_seen), (alerts[1].event_time, alerts[3].event_time));
}

pub async fn mild_alerts_wait(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(5, 1, Severity::Informational), rig::alert(2, 1, Severity::Informational)]).await;
    assert_eq!(rig.queue().await, []);
    rig.raise(&[rig::alert(9, 2, Severity::High)]).await;
    assert_eq!(rig.queue().await[0].alert_count, 1, "another group does not take them");
    rig.raise(&[rig::alert(1, 1, Severity::Low), rig::alert(7, 1, Severity::Informational)]).await;
    let incident = rig.queue().await.remove(1);
    assert_eq!((incident.alert_count, incident.severity), (4, Severity::Low), "those that waited and those after");
    rig.raise(&[rig::alert(8, 1, Severity::Low)]).await;
    assert_eq!(rig.queue().await[1].alert_count, 5, "none joins twice");
}

pub async fn a_closed_incident_swallows_nothing(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High)]).await;
    let first = rig.queue().await.remove(0);
    let close = Command::Close { classification: Classification::BenignPositive };
    let first = rig.order(&first, close.clone()).await.unwrap();

    rig.raise(&[rig::alert(2, 1, Severity::High), rig::alert(3, 1, Severity::High)]).await;
    let queue = rig.queue().await;
    assert_eq!(queue.iter().map(|incident| incident.status).collect::<Vec<_>>(), [Status::New, Status::Closed]);
    assert_eq!((queue[0].alert_count, queue[0].previous), (2, Some(first.id)));
    assert_eq!(queue[1], first, "the closed one is untouched");
    let line = &rig.respond.timeline(queue[0].id, 0, 1).await.unwrap()[0];
    assert_eq!(line.parameters["previous"], first.id.to_string());

    // Reopened, it does not take back the group.
    rig.order(&first, Command::Reopen).await.unwrap();
    rig.raise(&[rig::alert(4, 1, Severity::High)]).await;
    let taker = rig.respond.incident(queue[0].id).await.unwrap();
    assert_eq!(taker.alert_count, 3);
}

pub async fn severity_rises_to_the_worst(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::Low), rig::alert(2, 1, Severity::High), rig::alert(3, 1, Severity::Medium)])
        .await;
    let incident = rig.queue().await.remove(0);
    assert_eq!(incident.severity, Severity::High);
    let incident = rig.order(&incident, Command::SetSeverity { severity: Severity::Low }).await.unwrap();
    rig.raise(&[rig::alert(4, 1, Severity::High)]).await;
    assert_eq!(rig.queue().await[0].severity, Severity::Low, "more of the same does not undo a judgement");
    rig.raise(&[rig::alert(5, 1, Severity::Critical)]).await;
    assert_eq!(rig.queue().await[0].severity, Severity::Critical, "something worse does");
    let lines = rig.lines(&incident).await;
    assert_eq!(lines.iter().filter(|line| line.starts_with("severity")).count(), 3);
}

pub async fn a_repeated_delivery_has_no_effect(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High), rig::alert(2, 1, Severity::Informational)]).await;
    let before = rig.queue().await;
    // The same facts again under new numbers, as after a replay of the event log.
    rig.raise(&[rig::alert(1, 1, Severity::High), rig::alert(2, 1, Severity::Informational)]).await;
    assert_eq!(rig.queue().await, before);
    // And the same deliveries, as after a crash before the cursor moved.
    let subscriber = rig.respond.subscriber();
    for seq in 1..=2 {
        use store::OutboxPort;
        let stored = rig.store.facts_after(seq - 1, 1).await.unwrap().remove(0);
        let fact = stored.fact.unwrap();
        let delivery = store::Delivery { subscriber: subscriber.name(), seq, fact, time: stored.time };
        subscriber.handle(&delivery).await.unwrap();
    }
    assert_eq!(rig.queue().await, before);
}

pub async fn what_the_radio_room_hears_is_an_incident(url: String) {
    let rig = rig::open(&url).await;
    let report = |number: u8, who: &str, place: Option<&str>, what: &str| IncidentReported {
        entry: LogEntryId::derived([number; 16]),
        who: who.into(),
        place: place.map(str::to_owned),
        what: what.into(),
        severity: Severity::High,
        at: rig.store.now(),
    };
    let mut tx = rig.store.begin().await.unwrap();
    tx.emit(Fact::IncidentReported(report(1, "BF12 (White van)", Some("comoro"), "carjack")));
    tx.emit(Fact::IncidentReported(report(2, "", None, &"x".repeat(400))));
    tx.emit(Fact::IncidentReported(report(3, "P-7", None, "")));
    tx.commit(store::Entry::new(&Actor::system("field"), "log.append", "log-1")).await.unwrap();
    rig.deliver().await;
    let queue = rig.queue().await;
    let titles: Vec<&str> = queue.iter().rev().map(|incident| incident.title.as_str()).collect();
    assert_eq!(titles, ["carjack at comoro: BF12 (White van)", &"x".repeat(300), "Incident: P-7"]);
    assert!(queue[2].description.contains("Where: comoro\nWhat: carjack"), "{}", queue[2].description);
    rig.deliver().await;
    assert_eq!(rig.queue().await, queue, "one entry opens one incident");
}

/// Many read incidents: what is opened because of duress says nothing of it.
pub async fn what_duress_asks_for_is_an_incident_that_does_not_say_so(url: String) {
    let rig = rig::open(&url).await;
    let person = PersonUnderDuress { key: "P-1".into(), name: "Ana Soares".into(), email: None };
    let used = |number: u8, person: Option<PersonUnderDuress>, open_incident: bool| DuressUsed {
        alarm: AlarmId::derived([number; 16]),
        label: format!("A-000{number}"),
        person,
        lock_accounts: true,
        open_incident,
        at: rig.store.now(),
    };
    let mut tx = rig.store.begin().await.unwrap();
    for used in [used(1, Some(person.clone()), true), used(2, None, true), used(3, Some(person.clone()), false)] {
        tx.emit(Fact::DuressUsed(Box::new(used)));
    }
    tx.commit(store::Entry::new(&Actor::system("field"), "alarm.raise", "alarm-1")).await.unwrap();
    rig.deliver().await;
    let queue = rig.queue().await;
    let titles: Vec<&str> = queue.iter().rev().map(|incident| incident.title.as_str()).collect();
    assert_eq!(
        titles,
        ["Protect what Ana Soares (P-1) has access to", "Protect what somebody in the field has access to"]
    );
    assert!(queue[1].description.contains("radio room (A-0001)"), "{}", queue[1].description);
    assert!(!format!("{queue:?}").to_lowercase().contains("duress"));
}
