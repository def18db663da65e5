//! The ledger: what was done, by whom, why; and the proof that nothing was taken out.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::users::Names;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::words::Instant;

/// One act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerEntry {
    /// Counts up from 1 without a gap.
    pub sequence: i64,
    pub at: Instant,
    /// `user:…`, `token:…` or `system:…`.
    pub actor: String,
    /// The name to show for the actor.
    pub actor_name: String,
    /// `incident.close`, `user.invite`, …
    pub verb: String,
    /// The id of what it was done to.
    pub entity: String,
    pub reason: Option<String>,
    /// The record as it was.
    pub before: Option<Value>,
    /// The record as it is now.
    pub after: Option<Value>,
    /// Reason, before and after were erased; the chain still holds.
    pub erased: bool,
    /// Hexadecimal; it covers everything before it.
    pub hash: String,
}

/// A page, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ledger {
    pub entries: Vec<LedgerEntry>,
    /// To send as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Which entries.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LedgerFilter {
    /// `user:…`, `token:…` or `system:…`.
    pub actor: Option<String>,
    /// A verb (`incident.close`) or its room (`incident`).
    pub verb: Option<String>,
    /// The id of what was acted on.
    pub entity: Option<String>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// What a walk along the whole chain found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerProof {
    pub intact: bool,
    pub entries: u64,
    pub erased: u64,
    /// The hash of the last entry: keep it elsewhere, and the end cannot be cut off unnoticed.
    pub head: String,
    /// The first entry that does not fit.
    pub first_bad: Option<BadEntry>,
    pub elapsed_ms: f64,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadEntry {
    pub sequence: i64,
    pub problem: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_ledger, Action::ReadLedger, list_ledger);
    routes.add(__path_verify_ledger, Action::ReadLedger, verify_ledger);
}

/// What was done, newest first.
#[utoipa::path(get, path = "/api/v1/ledger", tag = "ledger", params(LedgerFilter), responses((status = 200, body = Ledger)))]
async fn list_ledger(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<LedgerFilter>,
) -> Result<Json<Ledger>, Problem> {
    let limit = page_size(filter.limit)?;
    let before = filter.cursor.as_deref().map(parse_cursor).transpose()?;
    let LedgerFilter { actor, verb, entity, .. } = filter;
    let wanted = store::LedgerFilter { before, entity, actor, verb };
    let mut found = app.store.ledger(&wanted, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|entry| entry.seq.to_string());
    let names = Names::load(&app.store).await?;
    Ok(Json(Ledger { entries: found.into_iter().map(|entry| to_api(entry, &names)).collect(), next }))
}

/// Walks along the whole chain, and compares the duty log with it.
#[utoipa::path(post, path = "/api/v1/ledger/verify", tag = "ledger", responses((status = 200, body = LedgerProof)))]
async fn verify_ledger(State(app): State<Arc<App>>) -> Result<Json<LedgerProof>, Problem> {
    let started_us = app.clock.monotonic_us();
    let found = app.store.verify_ledger().await?;
    let log = app.field.verify_log().await?.fault;
    Ok(Json(LedgerProof {
        intact: found.fault.is_none() && log.is_none(),
        entries: u64::try_from(found.entries).unwrap_or(0),
        erased: u64::try_from(found.erased).unwrap_or(0),
        head: hex::encode(found.head.0),
        first_bad: found.fault.map(|fault| BadEntry { sequence: fault.seq, problem: fault.problem }).or_else(|| {
            log.map(|fault| BadEntry { sequence: fault.sequence.unwrap_or(found.entries), problem: fault.problem })
        }),
        elapsed_ms: app.elapsed_ms(started_us),
    }))
}

fn to_api(entry: store::LedgerEntry, names: &Names) -> LedgerEntry {
    LedgerEntry {
        sequence: entry.seq,
        at: entry.time.into(),
        actor_name: names.actor(&entry.actor),
        actor: entry.actor,
        verb: entry.verb,
        entity: entry.entity,
        reason: entry.reason,
        before: entry.before,
        after: entry.after,
        erased: entry.erased,
        hash: entry.hash,
    }
}

fn parse_cursor(text: &str) -> Result<i64, Problem> {
    text.parse()
        .map_err(|_| Problem::invalid("the cursor is the field `next` of the page before").with("field", "cursor"))
}

/// The size of a page: 1 to 500, 100 when not given.
///
/// # Errors
/// 422 that names the field.
pub fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    match limit.unwrap_or(100) {
        limit @ 1..=500 => Ok(limit),
        other => Err(Problem::invalid(format!("a page has 1 to 500 entries, not {other}")).with("field", "limit")),
    }
}
