//! Conditional access: the policies of the house, what they would have done to sign-ins of the lake, what they leave open, and
//! how they stand to those of a tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use conditional_access::{Policies, PolicyState, PolicyText, Recorded, break_glass, entra, gaps, what_if};
use identity::conditional::{Directory, recorded, sign_ins};
use kernel::port::QueryRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::names::named_records;
use super::separation::DutyRecords;
use super::wire::wire;
use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

const DAYS: u32 = 30;
const MOST_DAYS: u32 = 365;

/// Which sign-ins, judged by whose policies.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SignInsFilter {
    /// Days back from now; 30 without it, 365 at most.
    pub days: Option<u32>,
    /// `vigie`: ours; else the key of a system: that tenant's own.
    pub source: Option<String>,
}

/// A policy on sign-ins as somebody wants it; it stands in for the one with its key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPolicy {
    pub key: String,
    pub title: String,
    /// `forbid` statements of Cedar.
    pub cedar: String,
}

/// What would policies have done to the sign-ins of the last days?
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskWhatIf {
    /// Days back from now; 30 without it.
    #[serde(default)]
    pub days: Option<u32>,
    /// Policies that stand in for those with their keys, or come beside them.
    #[serde(default)]
    pub drafts: Vec<DraftPolicy>,
    /// Policies of ours that are looked at, by key; absent: those that are on, those that only report, and the drafts.
    #[serde(default)]
    pub policies: Option<Vec<String>>,
    /// With what it is compared: `in-force` (ours that are on; without it), `nothing`, or the key of a system: that
    /// tenant's own that are on.
    #[serde(default)]
    pub against: Option<String>,
}

/// The answer over recorded sign-ins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignInsReport {
    pub days: u32,
    /// Sign-ins with the same circumstances, each judged once.
    pub circumstances: u64,
    /// There were more than a query may give: the answer is on a part.
    pub truncated: bool,
    /// Sign-ins without a name, which were left out.
    pub nameless: u64,
    /// Policies that judged, by key or by the tenant's id.
    pub policies: BTreeMap<String, String>,
    /// What of a tenant's policies cannot be judged, by title.
    pub left_out: BTreeMap<String, Vec<String>>,
    /// What was asked for: `considered`, `allowed`, `asked`, `blocked`, `policies`, `affected`, `break_glass` of a what-if;
    /// `users`, `applications`, `gaps`; `accounts`, `recorded`, `generated`, `held_up`.
    #[schema(value_type = Object)]
    pub report: Value,
}

/// What policies can speak of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConditionalSchema {
    /// What policies can speak of, as a schema of Cedar.
    pub schema: String,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_conditional_policies, Action::ReadIdentity, list_conditional_policies);
    routes.add(__path_conditional_schema, Action::ReadIdentity, conditional_schema);
    routes.add(__path_list_conditional_versions, Action::ReadIdentity, list_conditional_versions);
    routes.add(__path_export_conditional_policy, Action::ReadIdentity, export_conditional_policy);
    routes.add(__path_ask_what_if, Action::OperateIdentity, ask_what_if);
    routes.add(__path_conditional_gaps, Action::OperateIdentity, conditional_gaps);
    routes.add(__path_conditional_break_glass, Action::OperateIdentity, conditional_break_glass);
    routes.add(__path_compare_tenant_policies, Action::ReadIdentity, compare_tenant_policies);
}

/// Policies of the house, by key. They are saved as documents (`POST /api/v1/access/documents`, kind `conditional-access`).
#[utoipa::path(get, path = "/api/v1/access/conditional/policies", tag = "access", responses((status = 200, body = DutyRecords)))]
async fn list_conditional_policies(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.conditional_policies().await?;
    let shown = |(document, policy): &(identity::document::Document, identity::conditional::ConditionalAccess)| {
        let (version, by) = (document.version, &document.updated_by);
        wire(&json!({
            "key": document.key, "title": policy.title, "owner": policy.owner, "state": policy.state,
            "cedar": policy.cedar, "version": version, "updated": document.updated, "updated_by": by,
        }))
    };
    named_records(&app, &caller, all.iter().map(shown).collect()).await
}

/// What policies can speak of.
#[utoipa::path(get, path = "/api/v1/access/conditional/schema", tag = "access", responses((status = 200, body = ConditionalSchema)))]
async fn conditional_schema() -> Json<ConditionalSchema> {
    Json(ConditionalSchema { schema: conditional_access::SCHEMA.to_owned() })
}

/// Every version of a policy, the latest first.
#[utoipa::path(get, path = "/api/v1/access/conditional/policies/{key}/versions", tag = "access", params(("key" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn list_conditional_versions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let versions = app.identity.conditional_versions(&key).await?;
    named_records(&app, &caller, versions.iter().map(wire).collect()).await
}

/// A policy as Entra takes it (Microsoft Graph, `conditionalAccessPolicy`), one for each statement, with what Entra cannot say.
#[utoipa::path(get, path = "/api/v1/access/conditional/policies/{key}/entra", tag = "access", params(("key" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn export_conditional_policy(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let directory = app.identity.sign_in_directory().await?;
    let exported = app.identity.export_conditional(&key, &directory.names).await?;
    let records = exported.iter().filter_map(|one| serde_json::to_value(one).ok()).collect();
    named_records(&app, &caller, records).await
}

/// What policies would have done to the sign-ins of the last days, with counts and names. Nobody is held up by it.
#[utoipa::path(post, path = "/api/v1/access/conditional/what-if", tag = "access", request_body = AskWhatIf, responses((status = 200, body = SignInsReport)))]
async fn ask_what_if(
    State(app): State<Arc<App>>,
    Body(request): Body<AskWhatIf>,
) -> Result<Json<SignInsReport>, Problem> {
    let before = match request.against.as_deref().unwrap_or("in-force") {
        "in-force" => of_house(&app, &|text| text.state == PolicyState::On).await?,
        "nothing" => Chosen::default(),
        system => of_tenant(&app, system).await?,
    };
    let chosen = |text: &PolicyText| match &request.policies {
        Some(keys) => keys.contains(&text.key),
        None => text.state != PolicyState::Off,
    };
    let mut after = of_house(&app, &chosen).await?;
    for draft in request.drafts {
        let text =
            PolicyText { key: draft.key, title: draft.title, state: PolicyState::ReportOnly, cedar: draft.cedar };
        after.texts.retain(|one| one.key != text.key);
        after.texts.push(text);
    }
    let looked = Looked::at(&app, request.days).await?;
    let (before, policies) = (before.compiled()?, after.compiled()?);
    let report = looked.judged(move |looked| json!(what_if(&before, &policies, &looked.recorded))).await?;
    Ok(Json(report.of(&after)))
}

/// Users and applications that no policy reaches, sign-ins with a password alone, old protocols.
#[utoipa::path(get, path = "/api/v1/access/conditional/gaps", tag = "access", params(SignInsFilter), responses((status = 200, body = SignInsReport)))]
async fn conditional_gaps(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<SignInsFilter>,
) -> Result<Json<SignInsReport>, Problem> {
    let chosen = in_force(&app, filter.source.as_deref()).await?;
    let looked = Looked::at(&app, filter.days).await?;
    let policies = chosen.compiled()?;
    let report =
        looked.judged(move |looked| json!(gaps(&policies, &looked.directory.subjects(), &looked.recorded))).await?;
    Ok(Json(report.of(&chosen)))
}

/// Looks for a sign-in of an account of the last resort that a policy holds up: among those that were recorded, and among
/// circumstances that were made.
#[utoipa::path(get, path = "/api/v1/access/conditional/break-glass", tag = "access", params(SignInsFilter), responses((status = 200, body = SignInsReport)))]
async fn conditional_break_glass(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<SignInsFilter>,
) -> Result<Json<SignInsReport>, Problem> {
    let chosen = in_force(&app, filter.source.as_deref()).await?;
    let looked = Looked::at(&app, filter.days).await?;
    let policies = chosen.compiled()?;
    let look =
        move |looked: &Looked| json!(break_glass::look(&policies, &looked.directory.subjects(), &looked.recorded));
    let report = looked.judged(look).await?;
    Ok(Json(report.of(&chosen)))
}

/// Our policies beside a tenant's own, as they were last read: same, different and where, missing there, unmanaged here.
#[utoipa::path(get, path = "/api/v1/access/tenants/{system}/comparison", tag = "access", params(("system" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn compare_tenant_policies(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(system): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let ours = of_house(&app, &|_| true).await?;
    let theirs = app.identity.tenant_policies(Some(&system)).await?;
    let theirs: Vec<Value> = theirs.into_iter().filter(|one| one.gone.is_none()).map(|one| one.body).collect();
    let directory = app.identity.sign_in_directory().await?;
    let compared = entra::compare(&ours.texts, &theirs, &directory.names);
    let compared = compared.map_err(|fault| Problem::invalid(fault.to_string()))?;
    let records = compared.pairs.iter().filter_map(|pair| serde_json::to_value(pair).ok()).collect();
    named_records(&app, &caller, records).await
}

/// Policies that judge.
#[derive(Default)]
struct Chosen {
    texts: Vec<PolicyText>,
    left_out: BTreeMap<String, Vec<String>>,
}

impl Chosen {
    fn compiled(&self) -> Result<Policies, Problem> {
        Policies::compile(&self.texts).map_err(|faults| {
            let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Problem::invalid(words.join("; "))
        })
    }
}

async fn in_force(app: &App, source: Option<&str>) -> Result<Chosen, Problem> {
    match source {
        None | Some("vigie") => of_house(app, &|text| text.state == PolicyState::On).await,
        Some(system) => of_tenant(app, system).await,
    }
}

async fn of_house(app: &App, is_chosen: &(dyn Fn(&PolicyText) -> bool + Sync)) -> Result<Chosen, Problem> {
    let all = app.identity.conditional_policies().await?;
    let texts = all.iter().map(|(document, policy)| policy.text(&document.key)).filter(|text| is_chosen(text));
    Ok(Chosen { texts: texts.collect(), left_out: BTreeMap::new() })
}

/// Those of a tenant that are on, as they were last read.
async fn of_tenant(app: &App, system: &str) -> Result<Chosen, Problem> {
    let is_known = app.identity.tenants().await?.iter().any(|tenant| tenant.system == system && tenant.at.is_some());
    if !is_known {
        return Err(Problem::not_found("tenant that was read", system));
    }
    let mut chosen = Chosen::default();
    for policy in app.identity.tenant_policies(Some(system)).await?.into_iter().filter(|one| one.gone.is_none()) {
        let read = entra::import(&policy.body);
        if read.state != PolicyState::On {
            continue;
        }
        if !read.left_out.is_empty() {
            chosen.left_out.insert(read.title, read.left_out);
        }
        chosen.texts.extend(read.policy);
    }
    Ok(chosen)
}

/// Sign-ins of the lake, and who is behind them.
struct Looked {
    days: u32,
    recorded: Vec<Recorded>,
    truncated: bool,
    nameless: u64,
    directory: Directory,
}

impl Looked {
    async fn at(app: &App, days: Option<u32>) -> Result<Looked, Problem> {
        let days = days.unwrap_or(DAYS);
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(Problem::invalid(format!("{days} days: 1 to {MOST_DAYS}")).with("field", "days"));
        }
        let directory = app.identity.sign_in_directory().await?;
        let answer = app.lake.query(QueryRequest::new(sign_ins(days), app.store.now())).await;
        let answer = answer.map_err(|error| Problem::invalid(format!("sign-ins could not be read: {error}")))?;
        let (recorded, nameless) = recorded(&answer.columns, &answer.rows, &directory);
        Ok(Looked { days, recorded, truncated: answer.truncated, nameless, directory })
    }

    /// Judges on a thread of its own: that takes a core for seconds.
    async fn judged(self, judge: impl FnOnce(&Looked) -> Value + Send + 'static) -> Result<SignInsReport, Problem> {
        let work = move || SignInsReport {
            days: self.days,
            circumstances: self.recorded.len() as u64,
            truncated: self.truncated,
            nameless: self.nameless,
            policies: BTreeMap::new(),
            left_out: BTreeMap::new(),
            report: wire(&judge(&self)),
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::invalid(error.to_string()))
    }
}

impl SignInsReport {
    fn of(mut self, chosen: &Chosen) -> SignInsReport {
        self.policies = chosen.texts.iter().map(|text| (text.key.clone(), text.title.clone())).collect();
        self.left_out.clone_from(&chosen.left_out);
        self
    }
}
