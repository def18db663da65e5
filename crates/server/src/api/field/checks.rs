//! Radio checks and headcounts. They are begun, filled and ended by lines of the duty log.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use field::headcount::{self, Tally};
use field::round;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parse_id;
use crate::api::words::Instant;

/// Rounds and headcounts in a list.
const IN_LIST: u32 = 100;

/// A radio check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RadioCheck {
    pub id: String,
    /// `RC-0042`.
    pub label: String,
    /// `staff`, `serviceability`, `daily` or `incident`.
    pub kind: String,
    pub network: Option<String>,
    /// `open`, `ended`, or `fault`: nobody is blamed.
    pub state: String,
    /// What failed.
    pub fault: Option<String>,
    pub started: Instant,
    pub ended: Option<Instant>,
}

/// Rounds, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RadioChecks {
    pub rounds: Vec<RadioCheck>,
}

/// Somebody on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RadioCheckCall {
    pub sign: String,
    pub name: String,
    pub organisation: Option<String>,
    /// `heard`, `not-heard` or `by-phone`; absent: not called yet.
    pub hearing: Option<String>,
    pub attempts: i64,
    pub at: Option<Instant>,
}

/// A round with its roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RadioCheckDetail {
    pub round: RadioCheck,
    pub roster: Vec<RadioCheckCall>,
}

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
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_radio_checks, Action::ReadField, list_radio_checks);
    routes.add(__path_get_radio_check, Action::ReadField, get_radio_check);
    routes.add(__path_list_headcounts, Action::ReadField, list_headcounts);
    routes.add(__path_get_headcount, Action::ReadField, get_headcount);
}

/// Radio checks, the latest first.
#[utoipa::path(get, path = "/api/v1/field/rounds", tag = "field", responses((status = 200, body = RadioChecks)))]
async fn list_radio_checks(State(app): State<Arc<App>>) -> Result<Json<RadioChecks>, Problem> {
    let rounds = app.field.rounds(IN_LIST).await?;
    Ok(Json(RadioChecks { rounds: rounds.into_iter().map(round_word).collect() }))
}

/// A radio check with its roster.
#[utoipa::path(get, path = "/api/v1/field/rounds/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = RadioCheckDetail)))]
async fn get_radio_check(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<RadioCheckDetail>, Problem> {
    let (round, roster) = app.field.roster(parse_id("round", &id)?).await?;
    let call = |call: round::RoundCall| RadioCheckCall {
        sign: call.sign,
        name: call.name,
        organisation: call.organisation,
        hearing: call.hearing.map(|hearing| hearing.to_string()),
        attempts: call.attempts,
        at: call.at.map(Into::into),
    };
    Ok(Json(RadioCheckDetail { round: round_word(round), roster: roster.into_iter().map(call).collect() }))
}

/// Headcounts, the latest first.
#[utoipa::path(get, path = "/api/v1/field/headcounts", tag = "field", responses((status = 200, body = HeadcountList)))]
async fn list_headcounts(State(app): State<Arc<App>>) -> Result<Json<HeadcountList>, Problem> {
    let headcounts = app.field.headcounts(IN_LIST).await?;
    Ok(Json(HeadcountList { headcounts: headcounts.into_iter().map(headcount_word).collect() }))
}

/// A headcount with everybody in it.
#[utoipa::path(get, path = "/api/v1/field/headcounts/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = HeadcountDetail)))]
async fn get_headcount(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<HeadcountDetail>, Problem> {
    let (found, people) = app.field.counted(parse_id("headcount", &id)?).await?;
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
    };
    Ok(Json(HeadcountDetail {
        headcount: headcount_word(found),
        tally: tally(&people),
        by_organisation: by_organisation.into_iter().map(|(name, people)| (name, tally(&people))).collect(),
        people: people.iter().map(person).collect(),
    }))
}

fn tally(people: &[headcount::Counted]) -> CountTally {
    let tally = Tally::of(people);
    CountTally {
        total: tally.total,
        accounted: tally.accounted(),
        by_safety: tally.by_safety.iter().map(|(safety, count)| (safety.to_string(), *count)).collect(),
        joined: tally.joined,
        words: tally.words(people),
    }
}

fn round_word(round: round::Round) -> RadioCheck {
    RadioCheck {
        id: round.id.to_string(),
        label: round.label(),
        kind: round.kind,
        network: round.network,
        state: round.state.to_string(),
        fault: round.fault,
        started: round.started.into(),
        ended: round.ended.map(Into::into),
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
