//! A small house: people with managers, two systems, roles and rules that keep duties apart.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use identity::activation::{OnMission, TicketState, Tickets};
use identity::assignment::{Assignment, Mode, NewAssignment, Source, Target};
use identity::document::{DocumentKind, Draft};
use identity::entitlement::id_of;
use identity::request::{Asking, Command, Order, Request};
use identity::{Error, Identity};
use kernel::id::{AccountId, EntitlementId, PersonId};
use kernel::port::{Answer, AnswerStream, DeliveryError, EventLake, QueryError, QueryRequest};
use kernel::{Actor, ColumnSchema, Fact, ScalarType, TableSchema, Timestamp, Value};
use serde_json::{Value as Json, json};
use store::{Entry, OutboxPort, Statement, Store, params};
use testkit::{CountingRandomness, TestClock};

pub const HOUR_S: u64 = 3_600;
pub const DAY_US: i64 = 86_400_000_000;

/// Incidents and missions, as other desks would tell.
#[derive(Default)]
pub struct Board(Mutex<HashMap<String, TicketState>>, Mutex<HashMap<String, OnMission>>);

impl Board {
    pub fn set(&self, ticket: &str, state: TicketState) {
        self.0.lock().unwrap().insert(ticket.to_owned(), state);
    }

    pub fn is_at(&self, ticket: &str, places: &[&str], people: &[&str]) {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let on = OnMission { label: "M-0001".to_owned(), places: owned(places), people: owned(people) };
        self.1.lock().unwrap().insert(ticket.to_owned(), on);
    }
}

#[async_trait]
impl Tickets for Board {
    async fn ticket(&self, reference: &str) -> Result<TicketState, String> {
        Ok(self.0.lock().unwrap().get(reference).copied().unwrap_or(TicketState::Unknown))
    }

    async fn mission(&self, reference: &str) -> Result<Option<OnMission>, String> {
        Ok(self.1.lock().unwrap().get(reference).cloned())
    }
}

/// A lake that knows when names last signed in, and nothing else.
pub struct Used(pub Arc<Mutex<Vec<(String, Timestamp)>>>);

#[async_trait]
impl EventLake for Used {
    async fn append(&self, _: &str, _: Vec<serde_json::Map<String, Json>>) -> Result<(), DeliveryError> {
        Err(DeliveryError::Unavailable("nothing is appended here".to_owned()))
    }

    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        assert!(request.text.starts_with("// The last use of accounts"), "{}", request.text);
        let used = self.0.lock().unwrap().clone();
        if used.is_empty() {
            return Err(QueryError::Engine("the lake is away".to_owned()));
        }
        let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
        let columns = vec![column("Name", ScalarType::String), column("Last", ScalarType::DateTime)];
        let row = |(name, at): (String, Timestamp)| vec![Value::String(name), Value::DateTime(at.ticks())];
        let rows = used.into_iter().map(row).collect();
        Ok(Answer::of(columns.into(), rows))
    }

    async fn stream(&self, _: QueryRequest) -> Result<AnswerStream, QueryError> {
        Err(QueryError::Engine("nothing streams here".to_owned()))
    }

    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

pub struct House {
    url: String,
    pub used: Arc<Mutex<Vec<(String, Timestamp)>>>,
    pub store: Store,
    pub identity: Identity,
    pub clock: Arc<TestClock>,
    pub board: Arc<Board>,
    people: BTreeMap<&'static str, PersonId>,
}

/// Who there is: name, manager.
const PEOPLE: [(&str, Option<&str>); 6] = [
    ("director", None),
    ("boss", Some("director")),
    ("amina", Some("boss")),
    ("bram", Some("boss")),
    ("owner", Some("director")),
    ("guard", Some("director")),
];

pub fn by(name: &str) -> Actor {
    Actor::User(format!("user-{name}"))
}

impl House {
    pub async fn open(url: &str) -> House {
        let clock = TestClock::noon();
        let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap();
        let identity = Identity::new(store.clone());
        let mut house = House {
            url: url.to_owned(),
            used: Arc::default(),
            store,
            identity,
            clock,
            board: Arc::new(Board::default()),
            people: BTreeMap::new(),
        };
        for (number, (name, manager)) in (1_u8..).zip(PEOPLE) {
            let id = PersonId::derived([number; 16]);
            house.people.insert(name, id);
            house.employ(name, manager, "active").await;
            let officer = if name == "guard" { "owner" } else { "guard" };
            house.identity.link_login(&format!("user-{name}"), id, &by(officer)).await.unwrap();
        }
        house.board.set("incident-1", TicketState::Open);
        house.documents().await;
        house
    }

    /// The same database after a stop.
    pub async fn reopen(&mut self) {
        self.store = Store::open(&self.url, self.clock.clone(), CountingRandomness::seeded(8)).await.unwrap();
        self.identity = Identity::new(self.store.clone());
    }

    pub fn person(&self, name: &str) -> PersonId {
        self.people[name]
    }

    async fn write(&self, statement: &Statement, row: Vec<store::Param>) {
        let mut tx = self.store.begin().await.unwrap();
        tx.execute_one(statement, row).await.unwrap();
        tx.commit(Entry::new(&Actor::system("test"), "test.write", "house")).await.unwrap();
    }

    /// A person with a contract in a state; called again, the contract changes.
    pub async fn employ(&self, name: &str, manager: Option<&str>, state: &str) {
        let (id, now) = (self.person(name), self.store.now());
        let known = self.store.fetch_optional(&identity::sql::PERSON, params![id]).await.unwrap();
        let language = if name == "boss" { "fr-CH" } else { "en" };
        let sheet = json!({ "kind": "staff", "number": name, "given_name": name, "family_name": "X",
            "mail": format!("{name}@relief.example"), "extra": { "language": language } });
        if known.is_none() {
            let (none, blocked) = (None::<String>, None::<Timestamp>);
            let row = params![
                id,
                "staff",
                "active",
                name,
                name,
                "X",
                none.clone(),
                none.clone(),
                none.clone(),
                false,
                blocked,
                none,
                &sheet,
                1_i64,
                now,
                now,
            ];
            self.write(&identity::sql::SAVE_PERSON, row).await;
        }
        let contract: kernel::id::EngagementId = kernel::id::EngagementId::derived(*id.uuid().as_bytes());
        let engagements = self.store.fetch_all(&identity::sql::ENGAGEMENTS_OF, params![id]).await.unwrap();
        let version = engagements.first().map_or(0, |row| row.int("version").unwrap());
        let sheet = json!({ "begins": "2020-01-01", "standing": "active", "manager": manager, "station": "GOM",
            "job": "officer", "org_unit": "FIN" });
        let row = params![
            contract,
            id,
            "hr",
            name,
            state,
            "GOM",
            "FIN",
            "officer",
            manager.map(str::to_owned),
            now,
            None::<Timestamp>,
            &sheet,
            None::<String>,
            version + 1,
            now,
            now,
        ];
        self.write(&identity::sql::SAVE_ENGAGEMENT, row).await;
    }

    async fn role(&self, key: &str, body: Json) {
        let row = params!["role", key, key, "owner", &body, 1_i64, None::<Timestamp>, self.store.now(), "test",];
        self.write(&identity::sql::SAVE_DOCUMENT, row).await;
    }

    pub async fn duty(&self, kind: DocumentKind, key: &str, body: Json) -> Result<(), Error> {
        let draft = Draft { kind, key: key.to_owned(), body: Some(body) };
        self.identity.save_duty(&draft, None, "test", &by("guard")).await.map(drop)
    }

    async fn documents(&self) {
        for (name, privileged) in [("pay", false), ("vendors", false), ("admins", true), ("reports", false)] {
            let grant = id_of("erp", name);
            let (none, time) = (None::<String>, None::<Timestamp>);
            let risk = if privileged { "critical" } else { "low" };
            let row = params![
                grant,
                "erp",
                name,
                none.clone(),
                "group",
                none,
                "owner",
                risk,
                privileged,
                None::<f64>,
                time,
                time,
                1_i64,
                self.store.now(),
            ];
            self.write(&identity::sql::SAVE_ENTITLEMENT, row).await;
        }
        let role = |grants: &[&str]| json!({ "title": "r", "kind": "business", "owner": "owner", "grants": grants });
        self.role("payer", role(&["erp/pay", "erp/reports"])).await;
        self.role("buyer", role(&["erp/vendors"])).await;
        self.role("admin", role(&["erp/admins"])).await;
        let function = |grant: &str| json!({ "title": grant, "owner": "guard", "entitlements": [grant] });
        self.duty(DocumentKind::SodFunction, "pay", function("erp/pay")).await.unwrap();
        self.duty(DocumentKind::SodFunction, "vendor", function("erp/vendors")).await.unwrap();
        let rule =
            json!({ "title": "payer is not buyer", "owner": "guard", "risk": "high", "sides": [["pay"], ["vendor"]] });
        self.duty(DocumentKind::SodRule, "pay-vendor", rule).await.unwrap();
        let package = |role: &str, mode: &str| {
            json!({ "title": role, "owner": "owner", "roles": [role], "mode": mode,
            "texts": { "fr": { "title": format!("{role} (fr)") } } })
        };
        self.duty(DocumentKind::Package, "payer", package("payer", "active")).await.unwrap();
        self.duty(DocumentKind::Package, "buyer", package("buyer", "active")).await.unwrap();
        self.duty(DocumentKind::ApprovalPolicy, "house", json!({ "security": ["guard"] })).await.unwrap();
    }

    pub fn erp(&self, name: &str) -> EntitlementId {
        id_of("erp", name)
    }

    /// Access that is there, one way or the other.
    pub async fn give(&self, name: &str, target: Target, mode: Mode) -> Assignment {
        let new = NewAssignment {
            person: self.person(name),
            target,
            mode,
            source: Source::Adopted,
            source_ref: None,
            reason: "test".to_owned(),
            approver: None,
            from: None,
            until: None,
        };
        self.identity.give(new, &by("guard")).await.unwrap()
    }

    /// The account of a person in `erp`, as it was read now.
    pub async fn seen(&self, name: &str, holds: &[&str]) -> AccountId {
        let person = self.person(name);
        let id = AccountId::derived(*person.uuid().as_bytes());
        let found = self.store.fetch_optional(&identity::sql::ACCOUNT, params![id]).await.unwrap();
        let version = found.map_or(0, |row| row.int("version").unwrap());
        let (none, time, now) = (None::<String>, None::<Timestamp>, self.store.now());
        let row = params![
            id,
            "erp",
            person,
            "person",
            "none",
            name,
            none.clone(),
            "enabled",
            "settled",
            none.clone(),
            none.clone(),
            now,
            none.clone(),
            0_i64,
            time,
            none.clone(),
            none.clone(),
            none,
            time,
            time,
            None::<i64>,
            time,
            version + 1,
            now,
            now,
        ];
        self.write(&identity::sql::SAVE_ACCOUNT, row).await;
        let known = self.store.fetch_all(&identity::sql::HOLDINGS_OF, params![id]).await.unwrap();
        let before: Vec<EntitlementId> = known.iter().map(|row| row.id("entitlement_id").unwrap()).collect();
        let after: Vec<EntitlementId> = holds.iter().map(|name| self.erp(name)).collect();
        for gone in before.iter().filter(|one| !after.contains(one)) {
            self.write(&identity::sql::DELETE_HOLDING, params![id, *gone]).await;
        }
        for new in after.iter().filter(|one| !before.contains(one)) {
            self.write(&identity::sql::INSERT_HOLDING, params![id, *new, now]).await;
        }
        id
    }

    /// Promises come due and facts arrive, until all is quiet.
    pub async fn turn_the_clock(&self, seconds: u64) {
        self.clock.advance_s(seconds);
        let mut engine = self.store.deadline_engine();
        for _ in 0..3 {
            engine.tick().await.unwrap();
            self.deliver().await;
        }
    }

    pub async fn deliver(&self) {
        let subscriber = self.identity.duties_subscriber(self.board.clone(), Arc::new(Used(self.used.clone())));
        let progress = self.store.postman(subscriber).round().await.unwrap();
        assert_eq!((progress.parked, progress.waiting_until), (0, None), "the subscriber failed");
        let progress = self.store.postman(self.identity.notice_subscriber()).round().await.unwrap();
        assert_eq!((progress.parked, progress.waiting_until), (0, None), "people could not be told");
    }

    /// What was to be sent so far, and the keys of what was taken back.
    pub async fn sent(&self) -> (Vec<kernel::message::Dispatch>, Vec<String>) {
        let (mut sent, mut withdrawn) = (Vec::new(), Vec::new());
        for stored in self.store.facts_after(0, 100_000).await.unwrap() {
            match stored.fact.unwrap() {
                Fact::MessagesRequested { dispatches, .. } => sent.extend(dispatches),
                Fact::MessagesWithdrawn { keys, .. } => withdrawn.extend(keys),
                _ => {}
            }
        }
        (sent, withdrawn)
    }

    pub async fn tell(&self, fact: Fact) {
        let mut tx = self.store.begin().await.unwrap();
        tx.emit(fact);
        tx.commit(Entry::new(&Actor::system("test"), "test.tell", "house")).await.unwrap();
        self.deliver().await;
    }

    pub async fn ask(&self, name: &str, packages: &[&str]) -> Result<Request, Error> {
        self.identity.ask(&asking(packages), &by(name)).await
    }

    pub async fn answer(&self, request: &Request, name: &str, agrees: bool) -> Result<Request, Error> {
        let comment = "seen".to_owned();
        let command = if agrees { Command::Agree { comment } } else { Command::Refuse { comment } };
        let order = Order { request: request.id, version: request.version, command };
        self.identity.order(&order, &by(name)).await
    }

    /// What a person was given and has.
    pub async fn assigned(&self, name: &str) -> Vec<String> {
        let rows = self.store.fetch_all(&identity::sql::ASSIGNMENTS_OF, params![self.person(name)]).await.unwrap();
        let mut held: Vec<String> =
            rows.iter().map(|row| format!("{} {}", row.text("mode").unwrap(), row.text("target").unwrap())).collect();
        held.sort();
        held
    }
}

pub fn asking(packages: &[&str]) -> Asking {
    Asking {
        person: None,
        packages: packages.iter().map(|key| ((*key).to_owned(), None, None)).collect(),
        reason: "needed for the audit".to_owned(),
        language: "fr".to_owned(),
        exception: None,
    }
}

/// The words of a refusal.
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused(refusal)) => refusal.to_string(),
        other => panic!("it should be refused: {other:?}"),
    }
}
