//! Headcounts, as far as the caller may see people. They are begun and ended by lines of the duty log; answers come by
//! line, by message and by link.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use field::headcount::{self, Tally};
use field::sight::Sight;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parse_id;
use super::sight::{looked, sight_of};
use crate::api::words::Instant;

/// Headcounts in a list.
const IN_LIST: u32 = 100;

/// A headcount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadcountWord {
    pub id: String,
    /// `HC-0042`.
    pub label: String,
    /// `all`, `zone`, `organisation` or `mission`.
    pub scope: String,
    pub scope_key: Option<String>,
    /// `open` or `ended`.
    pub state: String,
    pub started: Instant,
    pub ended: Option<Instant>,
}

/// Headcounts, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadcountList {
    pub headcounts: Vec<HeadcountWord>,
}

/// Somebody who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedPerson {
    /// Key.
    pub person: String,
    pub name: String,
    pub organisation: Option<String>,
    /// They came after the count began, and are not in its sum.
    pub joined: bool,
    /// `unknown`, `excused`, `safe`, `safe-by-proxy`, `unreachable` or `needs-help`.
    pub safety: String,
    pub answered: Option<Instant>,
    pub answered_by: Option<String>,
    /// `desk`, `sms`, `email`, `satellite` or `link`.
    pub means: Option<String>,
    pub zone: Option<String>,
    /// They used a duress word: shown to those alone who are told of it.
    pub duress: bool,
}

/// Who was given the list of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WardenListWord {
    pub zone: String,
    /// Key of the person.
    pub warden: String,
    pub name: String,
    pub given: Instant,
    /// `warden`, or why the alternate has it.
    pub why: String,
}

/// A headcount in numbers. They add up to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountTally {
    /// Settled when the count began.
    pub total: usize,
    /// Well, or not expected.
    pub accounted: usize,
    /// How many, by `safety`.
    pub by_safety: BTreeMap<String, usize>,
    /// Came later; not in the total.
    pub joined: usize,
    /// `61 of 63, 2 unknown: call P-7, P-9`.
    pub words: String,
}

/// A headcount with everybody in it, those who need attention first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadcountDetail {
    pub headcount: HeadcountWord,
    pub tally: CountTally,
    /// By organisation; those without one are under an empty name.
    pub by_organisation: BTreeMap<String, CountTally>,
    pub people: Vec<CountedPerson>,
    /// Who looks after which zone.
    pub lists: Vec<WardenListWord>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_headcounts, Action::ReadOwnField, list_headcounts);
    routes.add(__path_get_headcount, Action::ReadOwnField, get_headcount);
}

/// Headcounts, the latest first.
#[utoipa::path(get, path = "/api/v1/field/headcounts", tag = "field", responses((status = 200, body = HeadcountList)))]
async fn list_headcounts(State(app): State<Arc<App>>) -> Result<Json<HeadcountList>, Problem> {
    let headcounts = app.field.headcounts(IN_LIST).await?;
    Ok(Json(HeadcountList { headcounts: headcounts.into_iter().map(headcount_word).collect() }))
}

/// A headcount with everybody in it whom the caller may see.
#[utoipa::path(get, path = "/api/v1/field/headcounts/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = HeadcountDetail)))]
async fn get_headcount(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<HeadcountDetail>, Problem> {
    let id = parse_id("headcount", &id)?;
    let sight = sight_of(&app, &caller).await?;
    let (found, mut people) = app.field.counted(id, &caller.actor()).await?;
    people.retain(|one| sight.shows(one.organisation.as_deref()));
    let seen = people.iter().filter_map(|one| one.organisation.clone());
    looked(&app, &caller, &sight, seen, &found.label()).await?;
    let mut by_organisation: BTreeMap<String, Vec<headcount::Counted>> = BTreeMap::new();
    for one in &people {
        by_organisation.entry(one.organisation.clone().unwrap_or_default()).or_default().push(one.clone());
    }
    let person = |one: &headcount::Counted| CountedPerson {
        person: one.person.clone(),
        name: one.name.clone(),
        organisation: one.organisation.clone(),
        joined: one.joined,
        safety: one.safety.to_string(),
        answered: one.answered.map(Into::into),
        answered_by: one.answered_by.clone(),
        means: one.means.map(|means| means.to_string()),
        zone: one.zone.clone(),
        duress: one.duress,
    };
    let lists = if sight == Sight::Whole { lists(&app, id).await? } else { Vec::new() };
    Ok(Json(HeadcountDetail {
        headcount: headcount_word(found),
        tally: tally(&people),
        by_organisation: by_organisation.into_iter().map(|(name, people)| (name, tally(&people))).collect(),
        people: people.iter().map(person).collect(),
        lists,
    }))
}

async fn lists(app: &App, id: kernel::id::HeadcountId) -> Result<Vec<WardenListWord>, Problem> {
    let directory = app.field.directory().await?;
    let word = |list: headcount::WardenList| WardenListWord {
        zone: list.zone,
        name: directory.name("person", &list.warden),
        warden: list.warden,
        given: list.given.into(),
        why: told(&list.why),
    };
    Ok(app.field.warden_lists(id).await?.into_iter().map(word).collect())
}

fn tally(people: &[headcount::Counted]) -> CountTally {
    let tally = Tally::of(people);
    CountTally {
        total: tally.total,
        accounted: tally.accounted(),
        by_safety: tally.by_safety.iter().map(|(safety, count)| (safety.to_string(), *count)).collect(),
        joined: tally.joined,
        words: told(&tally.words(people)),
    }
}

fn headcount_word(headcount: headcount::Headcount) -> HeadcountWord {
    HeadcountWord {
        id: headcount.id.to_string(),
        label: headcount.label(),
        scope: headcount.scope,
        scope_key: headcount.scope_key,
        state: headcount.state.to_string(),
        started: headcount.started.into(),
        ended: headcount.ended.map(Into::into),
    }
}
