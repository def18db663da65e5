//! Radio checks. They are begun, filled and ended by lines of the duty log.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use field::round;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parse_id;
use crate::api::words::Instant;

/// Rounds in a list.
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

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_radio_checks, Action::ReadField, list_radio_checks);
    routes.add(__path_get_radio_check, Action::ReadField, get_radio_check);
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
