//! Deliveries of feeds: taken in, held, released; and what a person has to decide.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use identity::feed::{Batch, Delivery, Manifest, RecordDecision};
use identity::finding::{Finding, FindingKind, FindingState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{hidden, parse_id};
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::reader::reads;
use crate::routes::Routes;

/// A delivery with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityBatch)]
pub struct BatchWord {
    pub id: String,
    pub feed: String,
    /// SHA-256 of the delivery.
    pub digest: String,
    /// `applied`, `held`, `rejected` or `refused`.
    pub state: String,
    /// The instant of which it tells.
    pub snapshot: Option<Instant>,
    pub records: i64,
    pub joiners: i64,
    pub movers: i64,
    pub leavers: i64,
    pub unchanged: i64,
    /// Records that wait for a person.
    pub quarantined: i64,
    /// What is wrong with it, or why it is held.
    pub findings: Vec<String>,
    /// What it changes, by name; who leaves comes first.
    #[schema(value_type = Vec<Object>)]
    pub changes: Value,
    pub plan: Option<String>,
    pub received: Instant,
    pub received_by: String,
    pub decided: Option<Instant>,
    pub decided_by: Option<String>,
    pub decision: Option<String>,
}

/// Deliveries, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityBatches)]
pub struct BatchesWord {
    pub batches: Vec<BatchWord>,
}

/// Which deliveries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BatchFilter {
    /// The key of a feed.
    pub feed: Option<String>,
}

/// What a sender says of a delivery beside it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryManifest {
    pub records: Option<u64>,
    /// Of the whole delivery, in hexadecimal.
    pub sha256: Option<String>,
    /// The day or instant of which it tells.
    pub snapshot: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverFeed {
    /// The file, in UTF-8.
    pub body: String,
    #[serde(default)]
    pub manifest: DeliveryManifest,
    /// Say what would happen and keep nothing.
    #[serde(default)]
    pub trial: bool,
}

/// A decision on a batch that is held.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideBatch {
    /// `true`: everything of it is written now; `false`: nothing, ever.
    pub release: bool,
    pub reason: String,
}

/// Something that a person has to decide or to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityFinding)]
pub struct FindingWord {
    pub id: String,
    /// `match`, `number-reused`, `bad-row`, `exposure`, `orphan`, `join-refused`, `refused`, `drift`, `scope-lost`,
    /// `off-standard`, `service-account`, `sponsorship`, …
    pub kind: String,
    pub subject: String,
    pub person: Option<String>,
    pub account: Option<String>,
    pub system: Option<String>,
    pub title: String,
    #[schema(value_type = Object)]
    pub detail: Value,
    /// `open`, `decided` or `gone`.
    pub state: String,
    pub opened: Instant,
    pub closed: Option<Instant>,
    pub closed_by: Option<String>,
    pub decision: Option<String>,
}

/// Findings, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityFindings)]
pub struct FindingsWord {
    pub findings: Vec<FindingWord>,
}

/// Which findings.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FindingFilter {
    pub kind: Option<String>,
    /// `open`, `decided` or `gone`; absent: all.
    pub state: Option<String>,
}

/// A decision on a finding.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideFinding {
    /// For a record that waits: `same` (with `person`), `new` or `nobody`. Absent: it is closed with the reason alone.
    pub decision: Option<String>,
    pub person: Option<String>,
    pub reason: String,
}

/// Takes back what was decided on a record that waited.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoFinding {
    pub reason: String,
}

/// What was taken back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UndoneWord {
    /// Who had been decided for; `null`: nobody.
    pub person: Option<String>,
    /// Contracts that are no longer that person's, by what the feed calls them.
    pub contracts: Vec<String>,
    /// The finding that asks again. `null`: the source says this no longer, or its next delivery asks.
    pub asked_again: Option<String>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_batches, Action::ReadIdentity, list_batches);
    routes.add(__path_get_batch, Action::ReadIdentity, get_batch);
    routes.add(__path_deliver_feed, Action::DeliverFeed, deliver_feed);
    routes.add(__path_decide_batch, Action::ManageIdentity, decide_batch);
    routes.add(__path_list_identity_findings, Action::ReadIdentity, list_identity_findings);
    routes.add(__path_decide_finding, Action::OperateIdentity, decide_finding);
    routes.add(__path_undo_finding, Action::OperateIdentity, undo_finding);
}

/// Deliveries of a feed or of all.
#[utoipa::path(get, path = "/api/v1/identity/batches", tag = "identity", params(BatchFilter), responses((status = 200, body = BatchesWord)))]
async fn list_batches(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<BatchFilter>,
) -> Result<Json<BatchesWord>, Problem> {
    let batches = app.identity.batches(filter.feed.as_deref()).await?;
    Ok(Json(BatchesWord { batches: batches.into_iter().map(batch_word).collect() }))
}

/// One delivery.
#[utoipa::path(get, path = "/api/v1/identity/batches/{id}", tag = "identity", params(("id" = String, Path)), responses((status = 200, body = BatchWord)))]
async fn get_batch(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<BatchWord>, Problem> {
    Ok(Json(batch_word(app.identity.batch(parse_id("batch", &id)?).await?)))
}

/// Takes a delivery in. A delivery that cannot be used, or that is held, is no error: its batch says why, and nothing was
/// written. The same delivery twice has no effect.
#[utoipa::path(post, path = "/api/v1/identity/feeds/{id}/deliveries", tag = "identity", params(("id" = String, Path)), request_body = DeliverFeed, responses((status = 200, body = BatchWord)))]
async fn deliver_feed(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<DeliverFeed>,
) -> Result<Json<BatchWord>, Problem> {
    let DeliveryManifest { records, sha256, snapshot } = request.manifest;
    let manifest = Manifest { records, sha256, snapshot };
    let delivery = Delivery { feed: id, body: request.body.into_bytes(), manifest };
    let batch = match request.trial {
        true => app.identity.try_delivery(&delivery, &caller.actor()).await?.0,
        false => app.identity.receive(&delivery, &caller.actor()).await?,
    };
    Ok(Json(batch_word(batch)))
}

/// Releases a batch that is held, or refuses it. One approval is enough.
#[utoipa::path(post, path = "/api/v1/identity/batches/{id}/decide", tag = "identity", params(("id" = String, Path)), request_body = DecideBatch, responses((status = 200, body = BatchWord)))]
async fn decide_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<DecideBatch>,
) -> Result<Json<BatchWord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let id = parse_id("batch", &id)?;
    Ok(Json(batch_word(app.identity.decide_batch(id, request.release, &reason, &caller.actor()).await?)))
}

/// What a person has to decide or to know.
#[utoipa::path(get, path = "/api/v1/identity/findings", tag = "identity", params(FindingFilter), responses((status = 200, body = FindingsWord)))]
async fn list_identity_findings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<FindingFilter>,
) -> Result<Json<FindingsWord>, Problem> {
    let kind: Option<FindingKind> = word("kind", filter.kind.as_deref())?;
    let state: Option<FindingState> = word("state", filter.state.as_deref())?;
    let mut findings = app.identity.findings(kind, state).await?;
    let hidden = hidden(&app, &caller).await?;
    findings.retain(|finding| finding.person.is_none_or(|person| !hidden.contains(&person)));
    Ok(Json(FindingsWord { findings: findings.into_iter().map(finding_word).collect() }))
}

/// Decides a finding.
#[utoipa::path(post, path = "/api/v1/identity/findings/{id}/decide", tag = "identity", params(("id" = String, Path)), request_body = DecideFinding, responses((status = 204)))]
async fn decide_finding(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<DecideFinding>,
) -> Result<StatusCode, Problem> {
    let (id, reason) = (parse_id("finding", &id)?, clean_reason(&request.reason)?);
    let decision = match (request.decision.as_deref(), request.person.as_deref()) {
        (None, _) => {
            app.identity.close_finding(id, &reason, &caller.actor()).await?;
            return Ok(StatusCode::NO_CONTENT);
        }
        (Some("same"), Some(person)) => RecordDecision::Same(parse_id("person", person)?),
        (Some("same"), None) => return Err(Problem::invalid("say which person it is").with("field", "person")),
        (Some("new"), _) => RecordDecision::New,
        (Some("nobody"), _) => RecordDecision::Nobody,
        (Some(other), _) => {
            let text = format!("`{other}` is none of same, new, nobody");
            return Err(Problem::invalid(text).with("field", "decision"));
        }
    };
    app.identity.decide_record(id, &decision, &reason, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back what was decided on a record that waited, and asks again. Everything that followed is computed anew.
#[utoipa::path(post, path = "/api/v1/identity/findings/{id}/undo", tag = "identity", params(("id" = String, Path)), request_body = UndoFinding, responses((status = 200, body = UndoneWord)))]
async fn undo_finding(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<UndoFinding>,
) -> Result<Json<UndoneWord>, Problem> {
    let (id, reason) = (parse_id("finding", &id)?, clean_reason(&request.reason)?);
    let undone = app.identity.undo_record_decision(id, &reason, &caller.actor()).await?;
    Ok(Json(UndoneWord {
        person: undone.person.map(|id| id.to_string()),
        contracts: undone.contracts,
        asked_again: undone.asked_again.map(|id| id.to_string()),
    }))
}

/// A word of a query; another than those that there are is refused.
pub(crate) fn word<T: std::str::FromStr<Err = String>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(str::parse).transpose().map_err(|error| Problem::invalid(error).with("field", field))
}

pub(super) fn batch_word(batch: Batch) -> BatchWord {
    BatchWord {
        id: batch.id.to_string(),
        feed: batch.feed,
        digest: batch.digest,
        state: batch.state.to_string(),
        snapshot: batch.snapshot.map(Into::into),
        records: batch.records,
        joiners: batch.joiners,
        movers: batch.movers,
        leavers: batch.leavers,
        unchanged: batch.unchanged,
        quarantined: batch.quarantined,
        findings: batch.findings,
        changes: batch.changes,
        plan: batch.plan.map(|plan| plan.to_string()),
        received: batch.received.into(),
        received_by: batch.received_by,
        decided: batch.decided.map(Into::into),
        decided_by: batch.decided_by,
        decision: batch.decision,
    }
}

fn finding_word(finding: Finding) -> FindingWord {
    FindingWord {
        id: finding.id.to_string(),
        kind: finding.kind.to_string(),
        subject: finding.subject,
        person: finding.person.map(|id| id.to_string()),
        account: finding.account.map(|id| id.to_string()),
        system: finding.system,
        title: finding.saying.map_or(finding.title, |saying| saying.in_language(reads().as_str())),
        detail: finding.detail,
        state: finding.state.to_string(),
        opened: finding.opened.into(),
        closed: finding.closed.map(Into::into),
        closed_by: finding.closed_by,
        decision: finding.decision,
    }
}
