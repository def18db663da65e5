//! From the desk to the target and back: borrowed access that ends with its incident, access that a review takes from a rule,
//! and the last use of accounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use identity::activation::{Activating, Activation, ActivationState, EndCause, SessionResult, TicketState, Tickets};
use identity::approver::Approver;
use identity::assignment::{Mode, NewAssignment, Source, Target};
use identity::document::{DocumentKind, Draft};
use identity::entitlement::id_of;
use identity::review::{CampaignScope, ItemState, NewCampaign, Verdict};
use kernel::id::{IncidentId, PersonId};
use kernel::port::{Answer, AnswerStream, DeliveryError, EventLake, QueryError, QueryRequest};
use kernel::{Actor, ColumnSchema, Fact, ScalarType, TableSchema, Timestamp, Value};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use store::Entry;

use crate::rig::{self, DAY_US, Rig, officer, record};

/// Every ticket is open.
struct Open;

#[async_trait]
impl Tickets for Open {
    async fn ticket(&self, _: &str) -> Result<TicketState, String> {
        Ok(TicketState::Open)
    }
}

/// A lake that knows one sign-in, or is away.
#[derive(Default)]
struct Lake(Mutex<Option<(String, Timestamp)>>);

#[async_trait]
impl EventLake for Lake {
    async fn append(&self, _: &str, _: Vec<serde_json::Map<String, Json>>) -> Result<(), DeliveryError> {
        Err(DeliveryError::Unavailable("nothing is appended here".to_owned()))
    }

    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        assert!(request.text.starts_with("// The last use of accounts"), "{}", request.text);
        let Some((name, at)) = self.0.lock().clone() else {
            return Err(QueryError::Engine("the lake is away".to_owned()));
        };
        let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
        let columns = vec![column("Name", ScalarType::String), column("Last", ScalarType::DateTime)];
        let rows = vec![
            vec![Value::String(name), Value::DateTime(at.ticks())],
            vec![Value::String("stranger@elsewhere.example".to_owned()), Value::DateTime(at.ticks())],
        ];
        Ok(Answer::of(columns.into(), rows))
    }

    async fn stream(&self, _: QueryRequest) -> Result<AnswerStream, QueryError> {
        Err(QueryError::Engine("nothing streams here".to_owned()))
    }

    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

/// Amina and her manager, each linked to a user.
async fn open(url: &str) -> (Rig, PersonId) {
    let mut rig = rig::open(url).await;
    let boss = record(&[("person", "P-1"), ("contract", "C-1"), ("given", "Bo"), ("family", "Lind")]);
    let amina = record(&[("person", "P-7"), ("contract", "C-7"), ("manager", "P-1")]);
    rig.deliver(&[boss, amina]).await;
    rig.work().await;
    let (amina, boss) = (rig.person("Diallo").await.id, rig.person("Lind").await.id);
    for (user, person) in [("user-amina", amina), ("user-boss", boss)] {
        rig.identity.link_login(user, person, &officer()).await.unwrap();
    }
    (rig, amina)
}

fn by(user: &str) -> Actor {
    Actor::User(format!("user-{user}"))
}

/// Everything that listens, until all is quiet.
async fn all(rig: &mut Rig) {
    for _ in 0..3 {
        rig.work().await;
        let duties = rig.identity.duties_subscriber(Arc::new(Open), Arc::new(Lake::default()));
        let progress = rig.store.postman(duties).round().await.unwrap();
        assert_eq!((progress.parked, progress.waiting_until), (0, None), "the duties failed");
    }
    rig.work().await;
}

async fn activation(rig: &Rig) -> Activation {
    rig.identity.activations(None, false).await.unwrap().remove(0)
}

pub async fn access_ends_with_its_incident_at_the_target_and_sessions_with_it(url: String) {
    let (mut rig, amina) = open(&url).await;
    let login = rig.account("Diallo", "ad").await.unwrap().login;
    let policy = json!({ "title": "at once", "approver": null, "needs_second_factor": false, "max_hours": 4 });
    let draft = Draft { kind: DocumentKind::ActivationPolicy, key: "house".to_owned(), body: Some(policy) };
    rig.identity.save_duty(&draft, None, "set up", &officer()).await.unwrap();
    let incident = IncidentId::derived([9; 16]);
    let given = NewAssignment {
        person: amina,
        target: Target::Role("administrator".to_owned()),
        mode: Mode::Eligible,
        source: Source::Person,
        source_ref: None,
        reason: "on call".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    let eligible = rig.identity.give(given, &officer()).await.unwrap();
    let asked = Activating {
        eligible: eligible.id,
        reason: "restore the mail server".to_owned(),
        ticket: Some(incident.to_string()),
        hours: 2,
        second_factor: true,
    };
    let begun = rig.identity.activate(&asked, &Open, &by("amina")).await.unwrap();
    assert_eq!(begun.state, ActivationState::Active);
    all(&mut rig).await;
    let in_it = async |rig: &Rig| rig.at("ad", &login).await.unwrap().groups.contains("Domain-Admins");
    assert!(in_it(&rig).await, "the target gave it");

    rig.clock.advance_s(600);
    let mut tx = rig.store.begin().await.unwrap();
    let (classification, at) = ("true-positive".to_owned(), tx.now());
    tx.emit(Fact::IncidentClosed { incident, classification, at });
    tx.commit(Entry::new(&Actor::system("test"), "test.close", incident)).await.unwrap();
    all(&mut rig).await;
    let ending = activation(&rig).await;
    assert_eq!((ending.state, ending.end_cause), (ActivationState::Ending, Some(EndCause::Ticket)));
    assert!(!in_it(&rig).await, "the target has taken it back");
    assert_eq!(ending.sessions.len(), 1, "{:?}", ending.sessions);
    assert!(matches!(&ending.sessions[0].result, SessionResult::Verified { .. }), "{:?}", ending.sessions);
    rig.clock.advance_s(60);
    rig.identity.reconcile("ad", identity::provision::Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    rig.clock.advance_s(7 * 3_600);
    all(&mut rig).await;
    let ended = activation(&rig).await;
    assert_eq!(ended.state, ActivationState::Ended, "seen at the target, not before");
    assert!(ended.verified.is_some());
}

pub async fn what_a_review_takes_from_a_rule_is_not_given_again(url: String) {
    let (mut rig, amina) = open(&url).await;
    let login = rig.account("Diallo", "ad").await.unwrap().login;
    let has = async |rig: &Rig| rig.at("ad", &login).await.unwrap().groups.contains("All-Staff");
    assert!(has(&rig).await, "a rule gives it");
    let plan = NewCampaign {
        title: "Everything of Amina".to_owned(),
        scope: CampaignScope { people: Some([amina].into()), ..CampaignScope::default() },
        reviewers: vec![Approver::Manager],
        due: rig.store.now().plus_micros(7 * DAY_US),
        on_silence: BTreeMap::new(),
        canaries: 0,
    };
    let campaign = rig.identity.begin_campaign(plan, &officer()).await.unwrap();
    let items = rig.identity.review_items(campaign.id, None).await.unwrap();
    let item = items.iter().find(|one| one.name == "ad/All-Staff").unwrap();
    assert_eq!(item.sources[0].origins[0].kind, "policy");
    let item = rig.identity.show_item(item.id, &by("boss")).await.unwrap();
    let decided = (Verdict::Revoke, true, "she works from home");
    let after = rig.identity.review(item.id, item.version, decided, &by("boss")).await.unwrap();
    assert_eq!(after.state, ItemState::Removing);
    all(&mut rig).await;
    assert!(!has(&rig).await, "the engine took it");
    rig.pass_days(3).await;
    rig.identity.reconcile("ad", identity::provision::Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    all(&mut rig).await;
    assert!(!has(&rig).await, "the rule does not give it again");
    let kept = rig.identity.exclusions(amina).await.unwrap();
    assert_eq!((kept.len(), kept[0].source.as_deref()), (1, Some(item.id.to_string().as_str())));
    assert!(kept[0].reason.contains("review"), "{kept:?}");
    assert_eq!(
        rig.identity.review_items(campaign.id, None).await.unwrap().iter().find(|one| one.id == item.id).unwrap().state,
        ItemState::Removed
    );

    rig.identity.lift_exclusion(amina, id_of("ad", "All-Staff"), "she is back", &officer()).await.unwrap();
    all(&mut rig).await;
    assert!(has(&rig).await, "lifted: the rule gives it");
    let twice = rig.identity.lift_exclusion(amina, id_of("ad", "All-Staff"), "again", &officer()).await;
    assert!(twice.is_err());
}

pub async fn the_last_use_comes_from_the_lake(url: String) {
    let (rig, _) = open(&url).await;
    let login = rig.account("Diallo", "ad").await.unwrap().login;
    let lake = Lake::default();
    assert!(rig.identity.note_last_use(&lake).await.is_err(), "it is away");
    let at = rig.store.now().plus_micros(-DAY_US);
    *lake.0.lock() = Some((format!("{}@office.example", login.to_uppercase()), at));
    let found = rig.identity.note_last_use(&lake).await.unwrap();
    assert_eq!((found.names, found.accounts, found.unknown), (2, 1, 1), "one name is nobody's");
    assert_eq!(rig.account("Diallo", "ad").await.unwrap().last_use, Some(at));
    *lake.0.lock() = Some((login.clone(), at.plus_micros(-DAY_US)));
    let older = rig.identity.note_last_use(&lake).await.unwrap();
    assert_eq!((older.accounts, older.days), (0, 3), "it does not go back");
}
