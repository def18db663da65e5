//! Plans: simulated, looked at, compared, carried out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use identity::feed::Manifest;
use identity::plan::{Plan, PlanDetail, PlanItem, Proposal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::feeds::DeliveryManifest;
use super::policy::{DraftWord, drafts};
use super::{hidden, parse_id};
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::{Instant, Reason};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Plans of a list.
const IN_LIST: u32 = 200;

/// A plan without its items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPlan)]
pub struct PlanWord {
    pub id: String,
    pub title: String,
    /// `feed`, `documents`, `plan`, `person`, `clock`, `emergency`, `simulation`, …
    pub cause: String,
    pub cause_ref: Option<String>,
    /// `simulated`, `running`, `done`, `partial`, `stale` or `dropped`.
    pub state: String,
    pub counts: PlanCounts,
    pub created: Instant,
    pub created_by: String,
    pub begun: Option<Instant>,
    pub ended: Option<Instant>,
}

/// A plan in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanCounts {
    pub people: u64,
    pub create: u64,
    pub enable: u64,
    pub disable: u64,
    pub delete: u64,
    pub rename: u64,
    pub r#move: u64,
    pub access: u64,
    pub update: u64,
    pub granted: u64,
    pub revoked: u64,
}

/// One account's part of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPlanItem)]
pub struct PlanItemWord {
    pub person: Option<String>,
    pub person_name: Option<String>,
    pub account: Option<String>,
    pub system: String,
    /// `create`, `enable`, `disable`, `delete`, `rename`, `move`, `access` or `update`.
    pub change: String,
    pub summary: String,
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
    /// The access that is left, with its reasons.
    #[schema(value_type = Vec<Object>)]
    pub why: Value,
}

/// How far a system is with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanProgress {
    pub system: String,
    /// `settled`, `queued`, `retrying`, `refused`, `quarantined` or `manual`.
    pub progress: String,
    pub accounts: i64,
}

/// A plan with everything in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPlanDetail)]
pub struct PlanDetailWord {
    pub plan: PlanWord,
    pub items: Vec<PlanItemWord>,
    pub progress: Vec<PlanProgress>,
}

/// Plans, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPlans)]
pub struct PlansWord {
    pub plans: Vec<PlanWord>,
}

/// What to simulate: documents, a delivery, or nothing new.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulate {
    pub title: String,
    #[serde(default)]
    pub drafts: Vec<DraftWord>,
    /// Documents as TOML.
    pub toml: Option<String>,
    /// The key of a feed, for a delivery.
    pub feed: Option<String>,
    /// The delivery.
    pub body: Option<String>,
    #[serde(default)]
    pub manifest: DeliveryManifest,
}

/// Two plans.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ComparePlans {
    pub first: String,
    pub second: String,
}

/// A change that two plans make differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanPair {
    pub first: PlanItemWord,
    pub second: PlanItemWord,
}

/// What one plan does that another does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPlanDifference)]
pub struct PlanDifferenceWord {
    pub only_first: Vec<PlanItemWord>,
    pub only_second: Vec<PlanItemWord>,
    pub differ: Vec<PlanPair>,
    pub alike: u64,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_plans, Action::ReadIdentity, list_plans);
    routes.add(__path_get_plan, Action::ReadIdentity, get_plan);
    routes.add(__path_compare_plans, Action::ReadIdentity, compare_plans);
    routes.add(__path_simulate_plan, Action::OperateIdentity, simulate_plan);
    routes.add(__path_execute_plan, Action::ManageIdentity, execute_plan);
    routes.add(__path_drop_plan, Action::OperateIdentity, drop_plan);
}

/// Plans, simulated and carried out.
#[utoipa::path(get, path = "/api/v1/identity/plans", tag = "identity", responses((status = 200, body = PlansWord)))]
async fn list_plans(State(app): State<Arc<App>>) -> Result<Json<PlansWord>, Problem> {
    let plans = app.identity.plans(IN_LIST).await?;
    Ok(Json(PlansWord { plans: plans.into_iter().map(plan_word).collect() }))
}

/// One plan with everything in it.
#[utoipa::path(get, path = "/api/v1/identity/plans/{id}", tag = "identity", params(("id" = String, Path)), responses((status = 200, body = PlanDetailWord)))]
async fn get_plan(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PlanDetailWord>, Problem> {
    let mut detail = app.identity.plan(parse_id("plan", &id)?).await?;
    let hidden = hidden(&app, &caller).await?;
    detail.items.retain(|item| item.person.is_none_or(|person| !hidden.contains(&person)));
    Ok(Json(detail_word(detail)))
}

/// What one plan does that another does not.
#[utoipa::path(get, path = "/api/v1/identity/plan-comparison", tag = "identity", params(ComparePlans), responses((status = 200, body = PlanDifferenceWord)))]
async fn compare_plans(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<ComparePlans>,
) -> Result<Json<PlanDifferenceWord>, Problem> {
    let (first, second) = (parse_id("plan", &filter.first)?, parse_id("plan", &filter.second)?);
    let difference = app.identity.compare_plans(first, second).await?;
    let pair = |(first, second)| PlanPair { first: item_word(first), second: item_word(second) };
    Ok(Json(PlanDifferenceWord {
        only_first: difference.only_first.into_iter().map(item_word).collect(),
        only_second: difference.only_second.into_iter().map(item_word).collect(),
        differ: difference.differ.into_iter().map(pair).collect(),
        alike: difference.alike,
    }))
}

/// Computes what documents or a delivery would change, and keeps it. Nothing else is done.
#[utoipa::path(post, path = "/api/v1/identity/plans", tag = "identity", request_body = Simulate, responses((status = 201, body = PlanDetailWord)))]
async fn simulate_plan(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<Simulate>,
) -> Result<(StatusCode, Json<PlanDetailWord>), Problem> {
    let Simulate { title, drafts: words, toml, feed, body, manifest } = request;
    let has_documents = !words.is_empty() || toml.is_some();
    let proposal = match (feed, body, has_documents) {
        (Some(feed), Some(body), false) => {
            let DeliveryManifest { records, sha256, snapshot } = manifest;
            Proposal::Delivery { feed, body, manifest: Manifest { records, sha256, snapshot } }
        }
        (None, None, true) => Proposal::Documents { drafts: drafts(words, toml.as_deref())? },
        (None, None, false) => Proposal::Everybody,
        _ => return Err(Problem::invalid("simulate documents, or a feed with a body, one at a time")),
    };
    let plan = app.identity.simulate(&title, &proposal, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(detail_word(plan))))
}

/// Carries out a plan as it was simulated; refused when the world has moved on since.
#[utoipa::path(post, path = "/api/v1/identity/plans/{id}/execute", tag = "identity", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = PlanDetailWord)))]
async fn execute_plan(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<PlanDetailWord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let run = app.identity.execute(parse_id("plan", &id)?, &reason, &caller.actor()).await?;
    Ok(Json(detail_word(run)))
}

/// Drops a simulation.
#[utoipa::path(post, path = "/api/v1/identity/plans/{id}/drop", tag = "identity", params(("id" = String, Path)), responses((status = 204)))]
async fn drop_plan(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    app.identity.drop_plan(parse_id("plan", &id)?, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn plan_word(plan: Plan) -> PlanWord {
    let counts = plan.counts;
    PlanWord {
        id: plan.id.to_string(),
        title: plan.title,
        cause: plan.cause,
        cause_ref: plan.cause_ref,
        state: plan.state.to_string(),
        counts: PlanCounts {
            people: counts.people,
            create: counts.create,
            enable: counts.enable,
            disable: counts.disable,
            delete: counts.delete,
            rename: counts.rename,
            r#move: counts.r#move,
            access: counts.access,
            update: counts.update,
            granted: counts.granted,
            revoked: counts.revoked,
        },
        created: plan.created.into(),
        created_by: plan.created_by,
        begun: plan.begun.map(Into::into),
        ended: plan.ended.map(Into::into),
    }
}

pub(super) fn item_word(item: PlanItem) -> PlanItemWord {
    PlanItemWord {
        person: item.person.map(|id| id.to_string()),
        person_name: item.person_name,
        account: item.account.map(|id| id.to_string()),
        system: item.system,
        change: item.change.to_string(),
        summary: item.summary,
        before: item.before.map(|before| json!(before)),
        after: item.after.map(|after| json!(after)),
        why: item.why,
    }
}

fn detail_word(detail: PlanDetail) -> PlanDetailWord {
    let progress = |one: identity::plan::SystemProgress| PlanProgress {
        system: one.system,
        progress: one.progress,
        accounts: one.accounts,
    };
    PlanDetailWord {
        plan: plan_word(detail.plan),
        items: detail.items.into_iter().map(item_word).collect(),
        progress: detail.progress.into_iter().map(progress).collect(),
    }
}
