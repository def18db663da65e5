//! Whom to call: the phone tree and the contact cards. And whose personal data are erased.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use field::register::{Directory, Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::{Instant, Reason};

/// How somebody is reached in a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactCard {
    /// Key.
    pub contact: String,
    pub name: String,
    pub organisation: Option<String>,
    /// `radio`, `phone`, `satellite`, `sms`, `email` or `visit`.
    pub means: String,
    pub address: String,
    /// 1 is tried first.
    pub priority: i64,
    pub verified: Option<Instant>,
    /// Stale after 90 days; a function that needs two means and has one.
    pub doubts: Vec<String>,
}

/// Somebody on the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreePerson {
    /// Key.
    pub person: String,
    pub name: String,
    pub organisation: Option<String>,
    pub phone: Option<String>,
    pub sign: Option<String>,
    /// `present`, `leave` or `away`.
    pub presence: String,
}

/// A zone: who calls whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeZone {
    /// Key; empty: people without a zone, whom the desk calls.
    pub zone: String,
    pub name: String,
    pub warden: Option<TreePerson>,
    pub alternate: Option<TreePerson>,
    /// The warden is away or not named: the alternate calls.
    pub alternate_calls: bool,
    pub people: Vec<TreePerson>,
}

/// Functions with their contacts, first the one who is tried first; then zones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PhoneTree {
    pub now: Instant,
    pub functions: BTreeMap<String, Vec<ContactCard>>,
    pub zones: Vec<TreeZone>,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedPerson {
    pub person: String,
    pub positions: u64,
    pub messages: u64,
    /// Entries of the duty log that named them.
    pub entries: u64,
    /// Entries of the ledger whose payload is gone; the chain still verifies.
    pub ledger: u64,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_phone_tree, Action::ReadField, get_phone_tree);
    routes.add(__path_erase_person, Action::ManageField, erase_person);
}

/// Whom to call, in which order, to be printed.
#[utoipa::path(get, path = "/api/v1/field/phone-tree", tag = "field", responses((status = 200, body = PhoneTree)))]
async fn get_phone_tree(State(app): State<Arc<App>>) -> Result<Json<PhoneTree>, Problem> {
    let (directory, now) = (app.field.directory().await?, app.field.now());
    let mut functions: BTreeMap<String, Vec<ContactCard>> = BTreeMap::new();
    for record in directory.records("contact") {
        functions.entry(record.text("role").to_owned()).or_default().push(card(&directory, record, now));
    }
    for cards in functions.values_mut() {
        cards.sort_by_key(|card| (card.organisation.clone(), card.priority, card.contact.clone()));
    }
    let mut zones: Vec<TreeZone> = directory.records("zone").map(|zone| tree(&directory, Some(zone), now)).collect();
    let rest = tree(&directory, None, now);
    if !rest.people.is_empty() {
        zones.push(rest);
    }
    Ok(Json(PhoneTree { now: now.into(), functions, zones }))
}

/// Erases the personal data of somebody who was retired. It cannot be undone.
#[utoipa::path(post, path = "/api/v1/field/people/{id}/erase", tag = "field", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = ErasedPerson)))]
async fn erase_person(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<ErasedPerson>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let erased = app.field.erase_person(&id, &caller.actor(), &reason).await?;
    Ok(Json(ErasedPerson {
        person: erased.person,
        positions: erased.positions,
        messages: erased.messages,
        entries: erased.entries,
        ledger: erased.ledger,
    }))
}

fn card(directory: &Directory, record: &Record, now: kernel::Timestamp) -> ContactCard {
    let name = match record.text_opt("person") {
        Some(person) => directory.name("person", &person),
        None => record.text("name").to_owned(),
    };
    ContactCard {
        contact: record.key.clone(),
        name,
        organisation: record.text_opt("organisation"),
        means: record.text("means").to_owned(),
        address: record.text("address").to_owned(),
        priority: record.whole("priority").unwrap_or(99),
        verified: record.whole("verified").map(|at| kernel::Timestamp(at).into()),
        doubts: directory.doubts("contact", now).about(record).iter().map(told).collect(),
    }
}

fn tree(directory: &Directory, zone: Option<&Record>, now: kernel::Timestamp) -> TreeZone {
    let person = |key: Option<String>| {
        let record = key.as_ref().and_then(|key| directory.record("person", key))?;
        Some(tree_person(directory, record, now))
    };
    let key = zone.map_or(String::new(), |zone| zone.key.clone());
    let warden = person(zone.and_then(|zone| zone.text_opt("warden")));
    TreeZone {
        name: zone.map_or(String::new(), |zone| zone.text("name").to_owned()),
        alternate_calls: zone.is_some() && warden.as_ref().is_none_or(|warden| warden.presence != "present"),
        warden,
        alternate: person(zone.and_then(|zone| zone.text_opt("alternate"))),
        people: directory
            .records("person")
            .filter(|person| person.text("zone") == key)
            .map(|person| tree_person(directory, person, now))
            .collect(),
        zone: key,
    }
}

fn tree_person(directory: &Directory, record: &Record, now: kernel::Timestamp) -> TreePerson {
    TreePerson {
        person: record.key.clone(),
        name: record.text("name").to_owned(),
        organisation: record.text_opt("organisation"),
        phone: record.text_opt("phone"),
        sign: directory.sign_of("person", &record.key, now),
        presence: record.text("presence").to_owned(),
    }
}
