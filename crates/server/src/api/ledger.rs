//! The ledger: what was done, by whom, why; and the proof that nothing was taken out.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
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
    pub before: Option<Json>,
    /// The record as it is now.
    pub after: Option<Json>,
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
async fn list_ledger() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Walks along the whole chain.
#[utoipa::path(post, path = "/api/v1/ledger/verify", tag = "ledger", responses((status = 200, body = LedgerProof)))]
async fn verify_ledger() -> Problem {
    Problem::unavailable("being built", 60)
}
