//! Rounds of reviews.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use identity::review::{NewCampaign, ReviewItem, Verdict};
use kernel::port::QueryRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::names::{named_record, named_records};
use super::separation::{DutyRecord, DutyRecords};
use super::wire::{read, wire};
use super::{parse_id, sees_all};
use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Begins a campaign. `due` as RFC 3339 text, or in microseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginCampaign {
    /// Title, scope (systems, entitlements, roles, privileged, stations, kql), reviewers, due, on_silence, canaries.
    #[schema(value_type = Object)]
    pub campaign: Value,
}

/// Which items.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ItemsFilter {
    /// Everybody's, for who may read the desk; else those of the caller.
    pub all: Option<bool>,
}

/// Decides on an item.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideItem {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    /// `keep` or `revoke`.
    pub verdict: String,
    /// What the access comes from is to go as a whole, with what else it gives.
    #[serde(default)]
    pub whole_source: bool,
    #[serde(default)]
    pub comment: String,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_campaigns, Action::OwnAccess, list_campaigns);
    routes.add(__path_begin_campaign, Action::OperateIdentity, begin_campaign);
    routes.add(__path_list_review_items, Action::OwnAccess, list_review_items);
    routes.add(__path_get_review_item, Action::OwnAccess, get_review_item);
    routes.add(__path_decide_review_item, Action::OwnAccess, decide_review_item);
    routes.add(__path_reviewer_figures, Action::ReadIdentity, reviewer_figures);
    routes.add(__path_reroute_reviews, Action::OperateIdentity, reroute_reviews);
}

/// An item without what reviewers must not know.
fn shown(item: &ReviewItem) -> Value {
    let mut value = wire(item);
    if let Some(fields) = value.as_object_mut() {
        fields.remove("is_canary");
    }
    value
}

/// Campaigns, the latest first.
#[utoipa::path(get, path = "/api/v1/access/campaigns", tag = "access", responses((status = 200, body = DutyRecords)))]
async fn list_campaigns(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.campaigns().await?;
    named_records(&app, &caller, all.iter().map(wire).collect()).await
}

/// Begins a campaign. A scope by KQL is run now: people are those of its column `PersonId`.
#[utoipa::path(post, path = "/api/v1/access/campaigns", tag = "access", request_body = BeginCampaign, responses((status = 201, body = DutyRecord)))]
async fn begin_campaign(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<BeginCampaign>,
) -> Result<(StatusCode, Json<DutyRecord>), Problem> {
    let mut plan: NewCampaign = read(request.campaign)?;
    if let Some(query) = plan.scope.kql.clone() {
        plan.scope.people = Some(people_of(&app, &query).await?);
    }
    let begun = app.identity.begin_campaign(plan, &caller.actor()).await?;
    Ok((StatusCode::CREATED, named_record(&app, &caller, wire(&begun)).await?))
}

/// The people that a query names.
async fn people_of(app: &App, query: &str) -> Result<std::collections::BTreeSet<kernel::id::PersonId>, Problem> {
    let answer = app.lake.query(QueryRequest::new(query.to_owned(), app.store.now())).await;
    let answer = answer.map_err(|error| Problem::invalid(format!("scope.kql: {error}")))?;
    if answer.truncated {
        return Err(Problem::invalid("scope.kql: the answer has more rows than the limit of a query; narrow it"));
    }
    let column = answer.columns.iter().position(|column| column.name == "PersonId");
    let column = column.ok_or_else(|| Problem::invalid("scope.kql: the answer has no column `PersonId`"))?;
    let texts = answer.rows.iter().filter_map(|row| match row.get(column) {
        Some(kernel::Value::String(text)) => Some(text),
        _ => None,
    });
    texts.map(|text| text.parse().map_err(|error| Problem::invalid(format!("scope.kql: {error}")))).collect()
}

/// Items of a campaign, the most unexpected first.
#[utoipa::path(get, path = "/api/v1/access/campaigns/{id}/items", tag = "access", params(("id" = String, Path), ItemsFilter), responses((status = 200, body = DutyRecords)))]
async fn list_review_items(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Filter(filter): Filter<ItemsFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let id = parse_id("campaign", &id)?;
    let reviewer = match filter.all.unwrap_or(false) && sees_all(&app, &caller) {
        true => None,
        false => Some(app.identity.person_behind(&caller.actor()).await?),
    };
    let items = app.identity.review_items(id, reviewer).await?;
    named_records(&app, &caller, items.iter().map(shown).collect()).await
}

/// An item as its reviewer sees it. The first look of the reviewer is remembered.
#[utoipa::path(get, path = "/api/v1/access/review-items/{id}", tag = "access", params(("id" = String, Path)), responses((status = 200, body = DutyRecord)))]
async fn get_review_item(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DutyRecord>, Problem> {
    let item = app.identity.show_item(parse_id("item", &id)?, &caller.actor()).await?;
    let is_theirs = item.reviewer.is_some() && item.reviewer == super::own(&app, &caller).await;
    if !is_theirs && !sees_all(&app, &caller) {
        return Err(Problem::not_found("item", &id));
    }
    named_record(&app, &caller, shown(&item)).await
}

/// Decides. An item that changed during the campaign comes back undecided, with what there is now.
#[utoipa::path(post, path = "/api/v1/access/review-items/{id}/decision", tag = "access", params(("id" = String, Path)), request_body = DecideItem, responses((status = 200, body = DutyRecord)))]
async fn decide_review_item(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<DecideItem>,
) -> Result<Json<DutyRecord>, Problem> {
    let verdict: Verdict = request.verdict.parse().map_err(Problem::invalid)?;
    let decision = (verdict, request.whole_source, request.comment.as_str());
    let after = app.identity.review(parse_id("item", &id)?, request.version, decision, &caller.actor()).await?;
    named_record(&app, &caller, shown(&after)).await
}

/// How each reviewer of a campaign reviews.
#[utoipa::path(get, path = "/api/v1/access/campaigns/{id}/reviewers", tag = "access", params(("id" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn reviewer_figures(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let figures = app.identity.reviewer_figures(parse_id("campaign", &id)?).await?;
    // Counts alone: nothing in them is an instant, whatever it is called elsewhere.
    let counts = figures.iter().map(|one| serde_json::to_value(one).unwrap_or_default());
    named_records(&app, &caller, counts.collect()).await
}

/// Gives open items of reviewers who left or are away to who is asked in their place.
#[utoipa::path(post, path = "/api/v1/access/reviews/reroute", tag = "access", responses((status = 200, body = DutyRecord)))]
async fn reroute_reviews(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecord>, Problem> {
    let moved = app.identity.reroute_reviews(&caller.actor()).await?;
    named_record(&app, &caller, serde_json::json!({ "moved": moved })).await
}
