//! What the checks share: the room on an opened store, and alerts.

use std::sync::Arc;

use kernel::fact::AlertRaised;
use kernel::id::{AlertGroupId, AlertId};
use kernel::{Actor, Entity, EntityKind, Fact, Severity};
use respond::{Command, Error, Filter, Incident, Order, Policy, Respond};
use store::{Entry, Store};
use testkit::{CountingRandomness, TestClock};

pub struct Rig {
    pub store: Store,
    pub respond: Respond,
    pub clock: Arc<TestClock>,
}

pub async fn open(url: &str) -> Rig {
    let clock = TestClock::noon();
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap();
    Rig { respond: Respond::new(store.clone(), Policy::default()), store, clock }
}

pub fn analyst() -> Actor {
    Actor::User("user-analyst".to_owned())
}

pub fn group(number: u8) -> AlertGroupId {
    AlertGroupId::derived([number; 16])
}

/// An alert whose event lies `number` seconds after noon.
pub fn alert(number: u8, in_group: u8, severity: Severity) -> AlertRaised {
    let host = ["WS-041", "SRV-FILE-02", "ws-041.corp.example"][usize::from(number) % 3];
    AlertRaised {
        alert: AlertId::derived([number; 16]),
        group: group(in_group),
        rule_id: format!("rule-{}", number % 4),
        title: "Credential dump".to_owned(),
        severity,
        event_time: TestClock::NOON.plus_micros(i64::from(number) * 1_000_000),
        entities: vec![Entity::new(EntityKind::Host, host), Entity::new(EntityKind::Account, "CORP\\amina.diallo")],
        techniques: vec![format!("T100{}", number % 3)],
    }
}

impl Rig {
    /// Raises alerts, as `detect` does, and lets them arrive.
    pub async fn raise(&self, alerts: &[AlertRaised]) {
        let mut tx = self.store.begin().await.unwrap();
        for alert in alerts {
            tx.emit(Fact::AlertRaised(alert.clone()));
        }
        tx.commit(Entry::new(&Actor::system("detect"), "alert.raise", "alerts")).await.unwrap();
        self.deliver().await;
    }

    pub async fn deliver(&self) {
        let progress = self.store.postman(self.respond.subscriber()).round().await.unwrap();
        assert_eq!((progress.parked, progress.waiting_until), (0, None), "the subscriber failed");
    }

    /// The whole queue.
    pub async fn queue(&self) -> Vec<Incident> {
        let page = self.respond.list(&Filter::default(), None, 1_000).await.unwrap();
        assert_eq!(page.next, None);
        page.incidents
    }

    pub async fn order(&self, incident: &Incident, command: Command) -> Result<Incident, Error> {
        let (incident, version) = (incident.id, incident.version);
        let order = Order { incident, version, actor: analyst(), reason: "because".to_owned(), command };
        self.respond.command(&order).await
    }

    /// Lines of the timeline as `kind: text`.
    pub async fn lines(&self, incident: &Incident) -> Vec<String> {
        let lines = self.respond.timeline(incident.id, 0, 1_000).await.unwrap();
        assert!(lines.iter().map(|line| line.seq).eq(1..=i64::try_from(lines.len()).unwrap()), "no gaps");
        lines.iter().map(|line| format!("{}: {}", line.kind, line.text)).collect()
    }

    pub async fn topics(&self) -> Vec<String> {
        use store::OutboxPort;
        self.store.facts_after(0, 1_000).await.unwrap().into_iter().map(|fact| fact.topic).collect()
    }
}
