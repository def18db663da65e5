//! People who have an account on the premises and one in the cloud, and whether the two agree.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use identity::hybrid::HybridHealth;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;

/// A pair of systems, and the last look at it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IdentityHybrid)]
pub struct HybridWord {
    pub hybrid: String,
    pub title: String,
    /// The system on the premises.
    pub directory: String,
    /// The system in the cloud.
    pub cloud: String,
    /// Absent: nobody has looked yet.
    pub at: Option<Instant>,
    /// Why the last attempt to look failed; what is shown is from before.
    pub problem: Option<String>,
    /// People with an account on both sides.
    pub pairs: usize,
    /// No scope is at fault; only then is anything concluded from absence.
    pub scopes_sound: bool,
    /// Grave ones first, each with `about` (`side:id`), `kind` (by its field `finding`) and `proposals` (by `action`).
    #[schema(value_type = Vec<Object>)]
    pub findings: Vec<Value>,
}

/// Pairs of systems.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IdentityHybrids)]
pub struct HybridsWord {
    pub hybrids: Vec<HybridWord>,
}

/// Which proposal of a finding is carried out, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IdentityHybridResolution)]
pub struct ResolveHybrid {
    /// As the finding has it.
    #[schema(value_type = Object)]
    pub proposal: Value,
    pub reason: String,
}

impl From<HybridHealth> for HybridWord {
    fn from(health: HybridHealth) -> HybridWord {
        let (pairs, scopes_sound, findings) = health.report.map_or((0, false, Vec::new()), |report| {
            let findings = report.findings.iter().filter_map(|one| serde_json::to_value(one).ok()).collect();
            (report.pairs.len(), report.scopes_sound, findings)
        });
        HybridWord {
            hybrid: health.hybrid,
            title: health.title,
            directory: health.directory,
            cloud: health.cloud,
            at: health.at.map(Into::into),
            problem: health.problem,
            pairs,
            scopes_sound,
            findings,
        }
    }
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_hybrids, Action::ReadIdentity, list_hybrids);
    routes.add(__path_look_at_hybrid, Action::OperateIdentity, look_at_hybrid);
    routes.add(__path_resolve_hybrid, Action::ManageIdentity, resolve_hybrid);
}

/// Pairs of systems with the last look at each.
#[utoipa::path(get, path = "/api/v1/identity/hybrids", tag = "identity", responses((status = 200, body = HybridsWord)))]
async fn list_hybrids(State(app): State<Arc<App>>) -> Result<Json<HybridsWord>, Problem> {
    let hybrids = app.identity.hybrid_health().await?.into_iter().map(Into::into).collect();
    Ok(Json(HybridsWord { hybrids }))
}

/// Reads both systems now and compares them.
#[utoipa::path(post, path = "/api/v1/identity/hybrids/{key}/looks", tag = "identity", params(("key" = String, Path)), responses((status = 200, body = HybridWord)))]
async fn look_at_hybrid(State(app): State<Arc<App>>, Path(key): Path<String>) -> Result<Json<HybridWord>, Problem> {
    app.identity.look_at_hybrid(&key, app.targets.as_ref()).await?;
    shown(&app, &key).await
}

/// Carries out a proposal, when both sides, read again, still make it.
#[utoipa::path(post, path = "/api/v1/identity/hybrids/{key}/resolutions", tag = "identity", params(("key" = String, Path)), request_body = ResolveHybrid, responses((status = 200, body = HybridWord)))]
async fn resolve_hybrid(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(key): Path<String>,
    Body(request): Body<ResolveHybrid>,
) -> Result<Json<HybridWord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let proposal = serde_json::from_value(request.proposal)
        .map_err(|error| Problem::invalid(format!("`proposal` is none that a finding makes: {error}")))?;
    let targets = app.targets.as_ref();
    app.identity.resolve_hybrid(&key, &proposal, &reason, targets, &caller.actor()).await?;
    shown(&app, &key).await
}

async fn shown(app: &App, key: &str) -> Result<Json<HybridWord>, Problem> {
    let all = app.identity.hybrid_health().await?;
    let one = all.into_iter().find(|one| one.hybrid == key).ok_or_else(|| Problem::not_found("hybrid", key))?;
    Ok(Json(one.into()))
}
