//! Statements, queue and KQL.

use kernel::port::{FactScan, FactTables};
use kernel::{EntityKind, Severity, Value};
use respond::{Command, Filter, Owner, Status};

use crate::rig;

pub async fn every_statement_prepares(url: String) {
    let rig = rig::open(&url).await;
    for statement in respond::sql::STATEMENTS {
        rig.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in respond::FACT_TABLES {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

pub async fn the_queue_pages_and_filters(url: String) {
    let rig = rig::open(&url).await;
    let severities = [Severity::Low, Severity::High, Severity::Medium, Severity::High, Severity::Critical];
    for (number, severity) in (1..).zip(severities) {
        rig.raise(&[rig::alert(number, number, severity)]).await;
    }
    let worst = rig.queue().await.remove(0);
    let command = Command::Close { classification: respond::Classification::FalsePositive };
    rig.order(&worst, command).await.unwrap();

    let numbers = async |filter: Filter| -> Vec<i64> {
        let mut numbers = Vec::new();
        let mut after = None;
        loop {
            let page = rig.respond.list(&filter, after, 2).await.unwrap();
            assert!(page.incidents.len() <= 2);
            numbers.extend(page.incidents.iter().map(|incident| incident.number));
            // As a client does: the cursor goes out as text and comes back.
            let Some(next) = page.next else { return numbers };
            after = Some(next.to_string().parse().unwrap());
        }
    };
    let all = Filter::default();
    assert_eq!(numbers(all.clone()).await, [4, 2, 3, 1, 5], "open first, worst first, newest first");
    assert_eq!(numbers(Filter { open: Some(true), ..all.clone() }).await, [4, 2, 3, 1]);
    assert_eq!(numbers(Filter { open: Some(false), ..all.clone() }).await, [5]);
    assert_eq!(numbers(Filter { severity: Some(Severity::High), ..all.clone() }).await, [4, 2, 5]);
    assert_eq!(numbers(Filter { status: Some(Status::Active), ..all.clone() }).await, [0; 0]);
    let entity = |name: &str| Some((EntityKind::Host, name.to_owned()));
    assert_eq!(numbers(Filter { entity: entity("ws-041"), ..all.clone() }).await, [2, 3, 5]);
    assert_eq!(numbers(Filter { entity: entity("nowhere"), ..all.clone() }).await, [0; 0]);
    let second = rig.queue().await.remove(1);
    rig.order(&second, Command::Assign { owner: Some("user-1".into()) }).await.unwrap();
    assert_eq!(numbers(Filter { owner: Some(Owner::User("user-1".into())), ..all.clone() }).await, [2]);
    assert_eq!(numbers(Filter { owner: Some(Owner::Nobody), ..all }).await, [4, 3, 1, 5]);
    assert!("open.worse.3".parse::<respond::Cursor>().is_err());

    let counts = rig.respond.open_counts().await.unwrap();
    let counts: Vec<_> = counts.iter().map(|count| (count.severity, count.incidents, count.unowned)).collect();
    let expected = [
        (Severity::Critical, 0, 0),
        (Severity::High, 2, 1),
        (Severity::Medium, 1, 1),
        (Severity::Low, 1, 1),
        (Severity::Informational, 0, 0),
    ];
    assert_eq!(counts, expected);
}

pub async fn kql_sees_incidents(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High), rig::alert(2, 1, Severity::Low)]).await;
    let wanted = FactScan::of("Incidents", &["IncidentNumber", "Severity", "AlertsCount", "Techniques", "ClosedTime"]);
    let rows = rig.store.scan(&wanted).await.unwrap();
    let techniques = Value::Dynamic(serde_json::json!(["T1001", "T1002"]));
    let row = [Value::Long(1), Value::String("high".into()), Value::Long(2), techniques, Value::Null];
    assert_eq!(rows, [row]);
    let lines = rig.store.scan(&FactScan::of("IncidentTimeline", &["Kind", "Actor"])).await.unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line[1] == Value::String("system:respond".into())), "{lines:?}");
}
