//! Who the caller is at the desk and what they may borrow; who signs in as whom; roles that access suggests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use identity::activation::Eligible;
use identity::mining::Suggestions;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::action::Action;
use crate::api::identity::people::{AccessLine, line_word};
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;

/// What the desk knows of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnDesk {
    /// Id of the person on record who signs in here; absent: nobody, and nothing can be asked for or decided.
    pub person: Option<String>,
    pub name: Option<String>,
    /// What may be activated now.
    pub eligible: Vec<EligibleAccess>,
    /// What they should have now, and why.
    pub access: Vec<AccessLine>,
}

/// Access that may be activated, and under which conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EligibleAccess {
    /// Id of the eligible assignment.
    pub id: String,
    /// `role` or `entitlement`.
    pub target_kind: String,
    pub target: String,
    pub title: String,
    /// Why it was given.
    pub reason: String,
    /// Eligible until then.
    pub until: Option<Instant>,
    pub max_hours: i64,
    pub needs_ticket: bool,
    pub needs_second_factor: bool,
    /// Somebody has to agree within so many minutes; absent: it begins at once.
    pub approval_minutes: Option<i64>,
}

/// A user who signs in as a person on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Login {
    pub user: String,
    pub person: String,
}

/// All of them, by user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Logins {
    pub logins: Vec<Login>,
    /// Names of the people.
    pub names: BTreeMap<String, String>,
}

/// Whose access is looked at.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SuggestionFilter {
    /// Key of a system; absent: all of them.
    pub system: Option<String>,
}

/// A role that could be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoleSuggestion {
    /// `system/entitlement`.
    pub grants: Vec<String>,
    pub people: u64,
    /// What its people have in common.
    pub terms: Vec<SuggestionTerm>,
    /// Share of the people with these attributes who have the access.
    pub precision: Option<f64>,
    /// Share of the role's people who have these attributes.
    pub recall: Option<f64>,
    /// Key of the role that gives exactly this already.
    pub role: Option<String>,
}

/// An attribute of a contract and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestionTerm {
    /// As rules write it: `engagement.job`.
    pub attribute: String,
    pub value: String,
}

/// What was found; the role of most people first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoleSuggestions {
    pub roles: Vec<RoleSuggestion>,
    /// Roles that cover everything, those of fewer than three people among them.
    pub found: u64,
    /// No set of fewer roles covers it.
    pub at_least: u64,
    pub people: u64,
    pub accesses: u64,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_get_own_desk, Action::OwnAccess, get_own_desk);
    routes.add(__path_list_logins, Action::ReadIdentity, list_logins);
    routes.add(__path_suggest_roles, Action::OperateIdentity, suggest_roles);
}

/// Who the caller is on record, and what they may activate.
#[utoipa::path(get, path = "/api/v1/access/me", tag = "access", responses((status = 200, body = OwnDesk)))]
async fn get_own_desk(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<OwnDesk>, Problem> {
    let Some(person) = super::own(&app, &caller).await else {
        return Ok(Json(OwnDesk { person: None, name: None, eligible: Vec::new(), access: Vec::new() }));
    };
    let record = app.identity.people_named(&BTreeSet::from([person])).await?;
    let eligible = app.identity.eligible_of(person).await?;
    let view = app.identity.person_view(person).await?;
    Ok(Json(OwnDesk {
        person: Some(person.to_string()),
        name: record.first().map(|one| one.sheet.display_name()),
        eligible: eligible.into_iter().map(eligible_word).collect(),
        access: view.access.iter().map(line_word).collect(),
    }))
}

fn eligible_word(one: Eligible) -> EligibleAccess {
    EligibleAccess {
        id: one.assignment.id.to_string(),
        target_kind: one.assignment.target.kind().to_owned(),
        target: one.assignment.target.name(),
        title: one.title,
        reason: one.assignment.reason,
        until: one.assignment.until.map(Into::into),
        max_hours: one.policy.max_hours,
        needs_ticket: one.policy.needs_ticket,
        needs_second_factor: one.policy.needs_second_factor,
        approval_minutes: one.policy.approver.is_some().then_some(one.policy.window_minutes),
    }
}

/// Which users sign in as whom.
#[utoipa::path(get, path = "/api/v1/access/logins", tag = "access", responses((status = 200, body = Logins)))]
async fn list_logins(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Logins>, Problem> {
    let word = |(user, person): (String, kernel::id::PersonId)| Login { user, person: person.to_string() };
    let logins: Vec<Login> = app.identity.logins().await?.into_iter().map(word).collect();
    let ids: Vec<Value> = logins.iter().map(|login| Value::String(login.person.clone())).collect();
    let names = super::names::names(&app, &caller, &ids).await?;
    Ok(Json(Logins { logins, names }))
}

/// Roles that the access which people have suggests: an exact cover by few roles. Nothing is written.
#[utoipa::path(get, path = "/api/v1/identity/role-suggestions", tag = "identity", params(SuggestionFilter), responses((status = 200, body = RoleSuggestions)))]
async fn suggest_roles(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<SuggestionFilter>,
) -> Result<Json<RoleSuggestions>, Problem> {
    let systems: BTreeSet<String> = filter.system.into_iter().collect();
    let identity = app.identity.clone();
    let runtime = tokio::runtime::Handle::current();
    // Seconds of computing: not on a thread that answers others.
    let work = tokio::task::spawn_blocking(move || runtime.block_on(identity.role_suggestions(&systems)));
    let found = work.await.map_err(|error| Problem::internal(&error))??;
    Ok(Json(suggestions_word(found)))
}

fn suggestions_word(found: Suggestions) -> RoleSuggestions {
    let term = |(attribute, value)| SuggestionTerm { attribute, value };
    let role = |one: identity::mining::RoleSuggestion| RoleSuggestion {
        grants: one.grants,
        people: one.people as u64,
        terms: one.terms.into_iter().map(term).collect(),
        precision: one.precision,
        recall: one.recall,
        role: one.role,
    };
    RoleSuggestions {
        roles: found.roles.into_iter().map(role).collect(),
        found: found.found as u64,
        at_least: found.at_least as u64,
        people: found.people as u64,
        accesses: found.accesses as u64,
    }
}
