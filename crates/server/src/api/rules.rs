//! Rules in force: Sigma files, and KQL rules on a schedule.

use std::sync::Arc;

use kernel::port::QueryError;
use kql::catalog::Catalog;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::detection::{self, Author};
use crate::error::query_problem;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::table_rights::{readable, readable_by_rules};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::words::{Instant, SeverityWord};

/// How a rule is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// On every batch as it arrives.
    Sigma,
    /// On a schedule.
    Kql,
}

/// Whether a rule looks at events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleState {
    Enabled,
    Disabled,
    /// It cannot run; its problems say why.
    Broken,
}

/// A rule in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    pub id: String,
    pub kind: RuleKind,
    pub title: String,
    /// Of its alerts: as the rule says, or as somebody decided.
    pub severity: SeverityWord,
    /// As the rule says, where somebody decided otherwise.
    pub severity_written: Option<SeverityWord>,
    pub state: RuleState,
    /// Sigma's word for its ripeness: `stable`, `test`, `experimental`, …
    pub status: Option<String>,
    /// `windows/process_creation`, as far as the rule says it.
    pub log_source: Option<String>,
    pub techniques: Vec<String>,
    pub tags: Vec<String>,
    /// The file or the person that it comes from.
    pub origin: String,
    pub alert_count: u64,
    pub last_alert: Option<Instant>,
    pub problem_count: u64,
    pub version: i64,
}

/// Rules, and how many there are of each state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rules {
    pub rules: Vec<Rule>,
    pub next: Option<String>,
    pub enabled: u64,
    pub disabled: u64,
    pub broken: u64,
    /// Absent until the rules are loaded.
    pub correlations: Option<Correlations>,
}

/// How rules that correlate are doing, since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correlations {
    pub rules: u64,
    pub groups: u64,
    /// Hits that are remembered.
    pub hits: u64,
    /// Beyond this the quietest groups are forgotten.
    pub most_hits: u64,
    /// Hits that came too late.
    pub late: u64,
    /// Hits forgotten for want of room.
    pub evicted: u64,
    /// Hits without the value that a rule computes with.
    pub without_value: u64,
    /// Event times before this are settled.
    pub watermark: Option<Instant>,
}

/// Which rules.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RuleFilter {
    pub kind: Option<RuleKind>,
    pub state: Option<RuleState>,
    /// At least this severity.
    pub severity: Option<SeverityWord>,
    pub technique: Option<String>,
    /// Words of title, id, tags or log source.
    pub search: Option<String>,
    /// 1 to 5000; 500 when absent.
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// A rule with its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleDetail {
    pub rule: Rule,
    /// As it was written.
    pub text: String,
    /// Hex SHA-256 of the text.
    pub digest: String,
    /// Of its pack, such as a commit, or else its own date.
    pub revision: Option<String>,
    /// `yaml` or `kql`.
    pub language: String,
    pub description: String,
    pub author: Option<String>,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    /// Why it cannot run, and what could be better.
    pub problems: Vec<String>,
    /// For rules on a schedule.
    pub schedule: Option<ScheduledRule>,
    pub last_run: Option<RuleRun>,
    /// The ways by which events reach it; empty for rules on a schedule, for correlations and for rules not in force.
    pub gates: Vec<RuleGate>,
    /// Why it cannot fire on any event; absent when it can.
    pub unreachable: Option<String>,
    /// Alerts of each of the last 30 days, the earliest first.
    pub alerts_by_day: Vec<u64>,
}

/// Events that a Sigma rule looks at, and where they have its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleGate {
    pub name: String,
    pub fields: Vec<RuleField>,
    /// Whether the condition can hold with the fields that such events carry.
    pub can_hold: bool,
}

/// A field of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleField {
    /// As the rule calls it.
    pub field: String,
    /// As the source calls it; absent: such events never carry it.
    pub source_field: Option<String>,
}

/// How the last run of a rule on a schedule went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleRun {
    pub at: Instant,
    pub rows: u64,
    pub elapsed_ms: u64,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// Switches a rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchRule {
    pub enabled: bool,
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub reason: String,
}

/// Gives the alerts of a rule a severity.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideSeverity {
    /// Absent: as the rule says.
    pub severity: Option<SeverityWord>,
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub reason: String,
}

/// How the number of rows is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerOperator {
    GreaterThan,
    LessThan,
    Equal,
    NotEqual,
}

/// Which column names which entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityMapping {
    /// A kind as in `Entity`.
    pub kind: String,
    pub column: String,
}

/// A KQL rule on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduledRule {
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub severity: SeverityWord,
    pub query: String,
    /// How often it runs: 60 to 1209600.
    pub frequency_s: u64,
    /// How far it looks back: at least the frequency.
    pub period_s: u64,
    pub operator: TriggerOperator,
    pub threshold: u64,
    #[serde(default)]
    pub entities: Vec<EntityMapping>,
    #[serde(default)]
    pub techniques: Vec<String>,
    /// After an alert, the rule is quiet for so long.
    pub suppression_s: Option<u64>,
    pub enabled: bool,
}

/// Makes a rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRule {
    pub rule: ScheduledRule,
    pub reason: String,
}

/// Replaces a rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRule {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub rule: ScheduledRule,
    pub reason: String,
}

/// Drops a rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRule {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub reason: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_rules, Action::ReadRules, list_rules);
    routes.add(__path_create_rule, Action::ManageRules, create_rule);
    routes.add(__path_get_rule, Action::ReadRules, get_rule);
    routes.add(__path_replace_rule, Action::ManageRules, replace_rule);
    routes.add(__path_switch_rule, Action::ManageRules, switch_rule);
    routes.add(__path_override_severity, Action::ManageRules, override_severity);
    routes.add(__path_reload_rules, Action::ManageRules, reload_rules);
    routes.add(__path_delete_rule, Action::ManageRules, delete_rule);
}

/// Rules, by title.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", params(RuleFilter), responses((status = 200, body = Rules)))]
async fn list_rules(State(app): State<Arc<App>>, Filter(filter): Filter<RuleFilter>) -> Result<Json<Rules>, Problem> {
    if filter.limit.is_some_and(|limit| !(1..=5_000).contains(&limit)) {
        return Err(Problem::invalid("a page of rules has 1 to 5000 entries").with("field", "limit"));
    }
    Ok(Json(detection::rules(&app.detect, &filter).await?))
}

/// Makes a KQL rule on a schedule.
#[utoipa::path(post, path = "/api/v1/rules", tag = "rules", request_body = CreateRule, responses((status = 201, body = RuleDetail)))]
async fn create_rule(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<CreateRule>,
) -> Result<(StatusCode, Json<RuleDetail>), Problem> {
    let by = author(&caller, &request.reason)?;
    let rule = detection::schedule(request.rule)?;
    runnable(&app, &caller, &rule).await?;
    let made = app.detect.create_scheduled(&rule, &by.actor, &by.reason).await?;
    Ok((StatusCode::CREATED, Json(detection::rule_detail(&app.detect, made).await?)))
}

/// Refuses a query that would fail on its first run, that reads what its author or what rules may not, or that does not
/// give the columns that the rule takes entities from.
async fn runnable(app: &App, caller: &Caller, rule: &detect::ScheduledRule) -> Result<(), Problem> {
    let kept = app.library.current().await?;
    let of_author = readable(app, caller).await?.tables;
    let of_rules = readable_by_rules(&app.authority, &app.store, &*app.lake).tables;
    let invalid = |problems| query_problem(&QueryError::Invalid(problems), &rule.query).with("field", "rule.query");
    let bound = kql::compile(&rule.query, &Catalog::new(of_author.clone()).with_kept(&kept));
    if bound.query.is_none() && bound.open.is_none() {
        return Err(invalid(bound.diagnostics));
    }
    let both = of_author.into_iter().filter(|table| of_rules.contains(table));
    let as_rule = kql::compile(&rule.query, &Catalog::new(both).with_kept(&kept));
    if as_rule.query.is_none() && as_rule.open.is_none() {
        let why = "everybody who reads alerts sees what a rule finds, so a rule reads only what they may read";
        return Err(invalid(as_rule.diagnostics).help(why));
    }
    // Where columns depend on the data nothing is known of them yet.
    let Some(query) = as_rule.query else { return Ok(()) };
    let given: Vec<&str> = query.plan.schema.iter().map(|column| column.name.as_str()).collect();
    match rule.entities.iter().find(|entity| !given.contains(&entity.column.as_str())) {
        None => Ok(()),
        Some(entity) => Err(Problem::invalid(format!(
            "the query gives no column `{}`, which an entity is taken from; it gives {}",
            entity.column,
            given.join(", ")
        ))
        .with("field", "rule.entities")),
    }
}

/// A rule with its text.
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path)), responses((status = 200, body = RuleDetail)))]
async fn get_rule(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<RuleDetail>, Problem> {
    Ok(Json(detection::rule(&app.detect, &id).await?))
}

/// Replaces a KQL rule on a schedule.
#[utoipa::path(put, path = "/api/v1/rules/{id}", tag = "rules", request_body = ReplaceRule, params(("id" = String, Path)), responses((status = 200, body = RuleDetail)))]
async fn replace_rule(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<ReplaceRule>,
) -> Result<Json<RuleDetail>, Problem> {
    let by = author(&caller, &request.reason)?;
    let rule = detection::schedule(request.rule)?;
    runnable(&app, &caller, &rule).await?;
    let replaced = app.detect.replace_scheduled(&id, &rule, request.version, &by.actor, &by.reason).await?;
    Ok(Json(detection::rule_detail(&app.detect, replaced).await?))
}

/// Switches a rule on or off.
#[utoipa::path(post, path = "/api/v1/rules/{id}/state", tag = "rules", request_body = SwitchRule, params(("id" = String, Path)), responses((status = 200, body = RuleDetail)))]
async fn switch_rule(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<SwitchRule>,
) -> Result<Json<RuleDetail>, Problem> {
    let by = author(&caller, &request.reason)?;
    let switched = app.detect.switch_rule(&id, request.enabled, request.version, &by.actor, &by.reason).await?;
    Ok(Json(detection::rule_detail(&app.detect, switched).await?))
}

/// Gives the alerts of a Sigma rule another severity than the rule says.
#[utoipa::path(post, path = "/api/v1/rules/{id}/severity", tag = "rules", request_body = OverrideSeverity, params(("id" = String, Path)), responses((status = 200, body = RuleDetail)))]
async fn override_severity(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<OverrideSeverity>,
) -> Result<Json<RuleDetail>, Problem> {
    let by = author(&caller, &request.reason)?;
    let severity = request.severity.map(Into::into);
    let changed = app.detect.override_severity(&id, severity, request.version, &by.actor, &by.reason).await?;
    Ok(Json(detection::rule_detail(&app.detect, changed).await?))
}

/// Loads the rules again from their folders. It happens beside the answer; what is loaded is in the ledger.
#[utoipa::path(post, path = "/api/v1/rules/reload", tag = "rules", responses((status = 202)))]
async fn reload_rules(State(app): State<Arc<App>>) -> StatusCode {
    app.detect.want_reload();
    StatusCode::ACCEPTED
}

/// Drops a KQL rule on a schedule; its alerts stay.
#[utoipa::path(post, path = "/api/v1/rules/{id}/delete", tag = "rules", request_body = DeleteRule, params(("id" = String, Path)), responses((status = 204)))]
async fn delete_rule(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<DeleteRule>,
) -> Result<StatusCode, Problem> {
    let by = author(&caller, &request.reason)?;
    app.detect.delete_scheduled(&id, request.version, &by.actor, &by.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn author(caller: &Caller, reason: &str) -> Result<Author, Problem> {
    Ok(Author { actor: caller.actor(), reason: clean_reason(reason)? })
}
