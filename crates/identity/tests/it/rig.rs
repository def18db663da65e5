//! What the checks share: a small office with its policy, a feed, and systems in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector::memory::Memory;
use connector::{
    Change, Connector, ConnectorError, ErrorKind, NewObject, Object, ObjectClass, ObjectId, ObjectKey, Operation,
    Search, Secret,
};
use identity::account::Account;
use identity::document::drafts_from_toml;
use identity::feed::{Batch, BatchState, Delivery, Manifest};
use identity::person::Person;
use identity::provision::Targets;
use identity::system::System;
use identity::{Error, Identity};
use kernel::{Actor, Timestamp};
use parking_lot::Mutex;
use sqlx::Connection;
use store::{DeadlineEngine, Store};
use testkit::{CountingRandomness, TestClock};

pub const DAY_US: i64 = 86_400_000_000;

/// Stations, systems, roles and rules of the office.
pub const POLICY: &str = include_str!("office.toml");

pub const HEADER: &str =
    "person,contract,given,family,born,mail,kind,sponsor,begins,ends,standing,station,unit,job,manager,effective";

/// Systems in memory, by key.
#[derive(Default)]
pub struct Memories {
    targets: Mutex<BTreeMap<String, Arc<Memory>>>,
    /// By feed and name.
    pub secrets: Mutex<BTreeMap<String, Secret>>,
}

impl Memories {
    pub fn put(&self, key: &str, target: Memory) {
        self.targets.lock().insert(key.to_owned(), Arc::new(target));
    }

    pub fn get(&self, key: &str) -> Arc<Memory> {
        self.targets.lock().entry(key.to_owned()).or_insert_with(|| Arc::new(Memory::new(key))).clone()
    }
}

#[async_trait]
impl Targets for Memories {
    async fn target(&self, key: &str, _: &System) -> Result<Arc<dyn Connector>, ConnectorError> {
        Ok(self.get(key))
    }

    async fn feed_secret(&self, feed: &str, name: &str) -> Result<Secret, ConnectorError> {
        let found = self.secrets.lock().get(&format!("{feed}/{name}")).cloned();
        found.ok_or_else(|| ConnectorError::new(ErrorKind::Auth, format!("the feed {feed} has no secret `{name}`")))
    }
}

pub struct Rig {
    pub store: Store,
    pub identity: Identity,
    pub clock: Arc<TestClock>,
    pub targets: Arc<Memories>,
    deadlines: DeadlineEngine<Store>,
    url: String,
    starts: u64,
}

pub fn officer() -> Actor {
    Actor::User("user-officer".to_owned())
}

/// An empty room.
pub async fn empty(url: &str) -> Rig {
    let clock = TestClock::noon();
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap();
    let identity = Identity::new(store.clone());
    let deadlines = store.deadline_engine();
    // The officer signs in as somebody of whom no feed here tells.
    let mut tx = store.begin().await.unwrap();
    let officer_id = kernel::id::PersonId::derived([0xee; 16]);
    let row = store::params!["user-officer", officer_id, store.now()];
    tx.execute_one(&identity::duty_sql::SAVE_LOGIN, row).await.unwrap();
    tx.commit(store::Entry::new(&Actor::system("test"), "test.link", "officer")).await.unwrap();
    Rig { identity, store, clock, targets: Arc::default(), deadlines, url: url.to_owned(), starts: 0 }
}

/// A room with the office's policy, and its groups at the directory.
pub async fn open(url: &str) -> Rig {
    let rig = empty(url).await;
    rig.save(POLICY).await.unwrap();
    for group in ["All-Staff", "FIN-Read", "FIN-Approve", "NBO-Site", "PAR-Site", "Domain-Admins", "Old-Team"] {
        rig.make_group("ad", group).await;
    }
    rig
}

/// One record of the feed: columns by name; the others have the words of an ordinary officer in Nairobi.
pub fn record(fields: &[(&str, &str)]) -> String {
    let ordinary: BTreeMap<&str, &str> = [
        ("given", "Amina"),
        ("family", "Diallo"),
        ("born", "1985-04-12"),
        ("kind", "staff"),
        ("begins", "2026-01-01"),
        ("standing", "active"),
        ("station", "nbo"),
        ("unit", "OPS"),
        ("job", "Officer"),
    ]
    .into();
    let value = |column: &str| {
        let said = fields.iter().find(|(name, _)| *name == column).map(|(_, value)| *value);
        said.or_else(|| ordinary.get(column).copied()).unwrap_or_default().to_owned()
    };
    HEADER.split(',').map(value).collect::<Vec<_>>().join(",")
}

/// A whole file with its last line.
pub fn file(records: &[String], snapshot: &str) -> String {
    let mut body = format!("{HEADER}\n");
    for record in records {
        body.push_str(record);
        body.push('\n');
    }
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&body));
    format!("{body}END,{},{snapshot},{digest}\n", records.len())
}

impl Rig {
    pub async fn save(&self, toml: &str) -> Result<(), Error> {
        let drafts = drafts_from_toml(toml).unwrap();
        self.identity.save_documents(&drafts, "set up", None, &officer()).await.map(drop)
    }

    pub async fn make_group(&self, system: &str, name: &str) {
        let new = NewObject { name: name.to_owned(), ..NewObject::default() };
        let key = ObjectKey::correlation(ObjectClass::Group, "name", name);
        let change = Change::Create(NewObject { attributes: connector::Attributes::new().with("name", name), ..new });
        self.targets.get(system).write(&Operation::new("setup", key, change)).await.unwrap();
    }

    /// Somebody else, whom nobody knows, holds a group of the directory.
    pub async fn stand_in(&self, group: &str) {
        let target = self.targets.get("ad");
        let new = NewObject { name: "stand-in".to_owned(), ..NewObject::default() };
        let key = ObjectKey::correlation(ObjectClass::Account, "uid", "stand-in");
        let member = target.write(&Operation::new("native", key, Change::Create(new))).await.unwrap().id;
        let group = ObjectKey::correlation(ObjectClass::Group, "name", group);
        target.write(&Operation::new("native", group, Change::AddMember { member, until: None })).await.unwrap();
        self.identity.reconcile("ad", identity::provision::Mode::Ordinary, self.targets.as_ref()).await.unwrap();
    }

    /// As somebody with the database in their hands.
    pub async fn tamper(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
    }

    /// Delivers a file of the feed `hr` as it is.
    pub async fn deliver_text(&self, text: &str) -> Batch {
        let delivery =
            Delivery { feed: "hr".to_owned(), body: text.as_bytes().to_vec(), manifest: Manifest::default() };
        self.identity.receive(&delivery, &officer()).await.unwrap()
    }

    /// Delivers records of today, which must be applied.
    pub async fn deliver(&self, records: &[String]) -> Batch {
        self.clock.advance_s(1);
        let snapshot = self.store.now().to_string();
        let batch = self.deliver_text(&file(records, &snapshot)).await;
        assert_eq!(batch.state, BatchState::Applied, "{:?}", batch.findings);
        batch
    }

    /// Engine and outbox until nothing is left to do now.
    pub async fn work(&mut self) -> Option<Timestamp> {
        for _ in 0..4 {
            self.deadlines.tick().await.unwrap();
            let targets = self.targets.clone();
            for subscriber in [
                self.identity.subscriber(),
                self.identity.engine(targets.clone()),
                self.identity.feed_subscriber(targets),
            ] {
                let progress = self.store.postman(subscriber).round().await.unwrap();
                assert_eq!((progress.parked, progress.waiting_until), (0, None), "a subscriber failed");
            }
        }
        self.deadlines.tick().await.unwrap().next_due
    }

    /// Lets time pass until `target`, with every deadline at its time.
    pub async fn pass_until(&mut self, target: Timestamp) {
        loop {
            let next = self.work().await;
            let until = next.filter(|due| *due < target).unwrap_or(target);
            let micros = u64::try_from(until.micros() - self.store.now().micros()).unwrap_or(0);
            if micros == 0 {
                break;
            }
            self.clock.advance_us(micros);
        }
        self.work().await;
    }

    pub async fn pass_days(&mut self, days: i64) {
        self.pass_until(self.store.now().plus_micros(days * DAY_US)).await;
    }

    /// Entries of the ledger with a verb.
    pub async fn ledger(&self, verb: &str) -> usize {
        const ENTRIES: store::Statement =
            store::Statement::new("test.ledger_of_verb", "SELECT seq FROM ledger WHERE verb = $1");
        self.store.fetch_all(&ENTRIES, store::params![verb]).await.unwrap().len()
    }

    /// The program ends and starts again.
    pub async fn restart(&mut self) {
        self.store.clone().close().await;
        self.starts += 1;
        self.store =
            Store::open(&self.url, self.clock.clone(), CountingRandomness::seeded(7 + self.starts)).await.unwrap();
        self.identity = Identity::new(self.store.clone());
        self.deadlines = self.store.deadline_engine();
    }

    pub async fn people(&self) -> Vec<Person> {
        self.identity.search_people("", 1_000).await.unwrap()
    }

    pub async fn person(&self, family: &str) -> Person {
        self.identity.search_people(family, 10).await.unwrap().remove(0)
    }

    pub async fn account(&self, family: &str, system: &str) -> Option<Account> {
        let person = self.person(family).await;
        let view = self.identity.person_view(person.id).await.unwrap();
        view.accounts.into_iter().find(|account| account.system == system)
    }

    /// What the directory holds of somebody: whether they can sign in, where, and their groups.
    pub async fn at(&self, system: &str, login: &str) -> Option<At> {
        let target = self.targets.get(system);
        let objects = target.search(&Search::all(ObjectClass::Account), None).await.unwrap().objects;
        let object = objects.into_iter().find(|object| object.name.eq_ignore_ascii_case(login))?;
        let groups = target.search(&Search::all(ObjectClass::Group), None).await.unwrap().objects;
        let name = |id: &ObjectId| groups.iter().find(|group| group.id == *id).map(|group| group.name.clone());
        let groups = object.memberships.iter().flatten().filter_map(name).collect();
        Some(At { enabled: object.enabled, container: object.container.clone().unwrap_or_default(), groups, object })
    }
}

/// What a system holds.
#[derive(Debug)]
pub struct At {
    pub enabled: Option<bool>,
    pub container: String,
    pub groups: std::collections::BTreeSet<String>,
    pub object: Object,
}
