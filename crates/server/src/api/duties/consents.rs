//! Tenants: what they decide by themselves, and what applications were given there by consent.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::names::{named_record, named_records};
use super::separation::{DutyRecord, DutyRecords};
use super::wire::wire;
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::Reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Which consents.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ConsentsFilter {
    /// Key of a system.
    pub system: Option<String>,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_tenants, Action::ReadIdentity, list_tenants);
    routes.add(__path_look_at_tenant, Action::OperateIdentity, look_at_tenant);
    routes.add(__path_list_tenant_policies, Action::ReadIdentity, list_tenant_policies);
    routes.add(__path_list_consents, Action::ReadIdentity, list_consents);
    routes.add(__path_accept_consent, Action::ManageIdentity, accept_consent);
    routes.add(__path_restrict_consent, Action::ManageIdentity, restrict_consent);
}

/// Tenants with the last look at each.
#[utoipa::path(get, path = "/api/v1/access/tenants", tag = "access", responses((status = 200, body = DutyRecords)))]
async fn list_tenants(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.tenants().await?;
    named_records(&app, &caller, all.iter().map(wire).collect()).await
}

/// Reads consents, applications and policies of a tenant now, and scores what changed; the answer is its consents.
#[utoipa::path(post, path = "/api/v1/access/tenants/{system}/looks", tag = "access", params(("system" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn look_at_tenant(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(system): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let found = app.identity.look_at_tenant(&system, app.targets.as_ref()).await?;
    named_records(&app, &caller, found.iter().map(wire).collect()).await
}

/// A tenant's own policies on sign-ins, as they were last read.
#[utoipa::path(get, path = "/api/v1/access/tenants/{system}/policies", tag = "access", params(("system" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn list_tenant_policies(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(system): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.tenant_policies(Some(&system)).await?;
    named_records(&app, &caller, all.iter().map(wire).collect()).await
}

/// Consents, the most dangerous first, each with what speaks for and against it.
#[utoipa::path(get, path = "/api/v1/access/consents", tag = "access", params(ConsentsFilter), responses((status = 200, body = DutyRecords)))]
async fn list_consents(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<ConsentsFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.consents(filter.system.as_deref()).await?;
    named_records(&app, &caller, all.iter().map(wire).collect()).await
}

/// Lets a consent be, until the application changes.
#[utoipa::path(post, path = "/api/v1/access/consents/{id}/accept", tag = "access", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = DutyRecord)))]
async fn accept_consent(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<DutyRecord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let after = app.identity.accept_consent(&id, &reason, &caller.actor()).await?;
    named_record(&app, &caller, wire(&after)).await
}

/// Takes a consent away at the tenant; the answer comes when the tenant no longer shows it.
#[utoipa::path(post, path = "/api/v1/access/consents/{id}/restrict", tag = "access", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = DutyRecord)))]
async fn restrict_consent(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<DutyRecord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let after = app.identity.restrict_consent(&id, &reason, app.targets.as_ref(), &caller.actor()).await?;
    named_record(&app, &caller, wire(&after)).await
}
