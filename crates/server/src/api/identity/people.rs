//! People: who is here, what they have and why, and what is decided about them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use identity::assignment::{Assignment, Mode, NewAssignment, Source, Target};
use identity::compute::{Line, Phase};
use identity::engagement::{Engagement, EngagementSheet};
use identity::person::Person;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::accounts::{AccountWord, account_word};
use super::plans::{PlanItemWord, item_word};
use super::{parse_id, sees_restricted};
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::{Instant, Reason};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// People of one answer.
const PAGE: u32 = 200;

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPerson)]
pub struct PersonWord {
    pub id: String,
    pub name: String,
    /// The number that people use.
    pub number: Option<String>,
    /// `staff`, `consultant`, `intern`, `vendor`, `volunteer` or `partner`.
    pub kind: String,
    pub mail: Option<String>,
    pub birth_date: Option<String>,
    pub sponsor: Option<String>,
    /// Seen by few.
    pub restricted: bool,
    /// Locked out since then.
    pub blocked: Option<Instant>,
    /// The record that this one was merged into.
    pub merged_into: Option<String>,
}

/// People by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPeople)]
pub struct PeopleWord {
    pub people: Vec<PersonWord>,
    /// There are more; say more of the name.
    pub truncated: bool,
}

/// Whom to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PeopleFilter {
    /// A part of the name, the number or the address.
    pub search: Option<String>,
}

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityEngagement)]
pub struct EngagementWord {
    pub id: String,
    /// The feed that tells of it, and what it calls it.
    pub source: String,
    pub source_key: String,
    /// `future`, `active`, `suspended`, `leave`, `secondment`, `ended` or `cancelled`.
    pub state: String,
    pub begins: Instant,
    /// The first instant after it.
    pub ends: Option<Instant>,
    pub station: Option<String>,
    pub org_unit: Option<String>,
    pub job: Option<String>,
    pub grade: Option<String>,
    pub manager: Option<String>,
}

/// One step of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessStep {
    /// `engagement`, `rule`, `assignment` or `role`.
    pub kind: String,
    pub key: String,
    pub title: String,
}

/// One piece of access with one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessLine {
    /// `system` for an account, `system/entitlement` otherwise.
    pub grant: String,
    /// From the contract or decision to the role that names it.
    pub why: Vec<AccessStep>,
    /// It ends then by itself, as far as is known.
    pub until: Option<Instant>,
    /// Held, but asleep: the contract has ended and the grace has not.
    pub asleep: bool,
}

/// Access that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityAssignment)]
pub struct AssignmentWord {
    pub id: String,
    /// `role` or `entitlement`.
    pub target_kind: String,
    pub target: String,
    /// `active` or `eligible`.
    pub mode: String,
    /// `request`, `activation`, `person`, `feed` or `adopted`.
    pub source: String,
    pub source_ref: Option<String>,
    pub reason: String,
    pub approver: Option<String>,
    pub from: Instant,
    pub until: Option<Instant>,
    pub recorded: Instant,
    pub recorded_by: String,
    pub ended: Option<Instant>,
    pub ended_by: Option<String>,
    pub end_reason: Option<String>,
}

/// What a source calls somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonAnchor {
    pub source: String,
    pub anchor: String,
}

/// Records that were merged into this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonMerge {
    pub id: String,
    pub absorbed: String,
}

/// Somebody with everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityPersonDetail)]
pub struct PersonDetail {
    pub person: PersonWord,
    pub anchors: Vec<PersonAnchor>,
    /// `nobody`, `coming`, `here`, `between`, `gone` or `blocked`.
    pub phase: String,
    /// When access may change by the clock alone.
    pub next: Option<Instant>,
    pub engagements: Vec<EngagementWord>,
    pub access: Vec<AccessLine>,
    pub assignments: Vec<AssignmentWord>,
    pub accounts: Vec<AccountWord>,
    /// What plans did, the latest first.
    pub changes: Vec<PlanItemWord>,
    pub merges: Vec<PersonMerge>,
}

/// Of which day, and as it was known when.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PastFilter {
    #[param(value_type = String)]
    pub at: Option<Instant>,
    /// Absent: as it is known now.
    #[param(value_type = Option<String>)]
    pub known: Option<Instant>,
}

/// What somebody should have had, by today's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastAccess {
    pub person: PersonWord,
    /// What the contracts said.
    #[schema(value_type = Vec<Object>)]
    pub engagements: Vec<Value>,
    pub access: Vec<AccessLine>,
}

/// A lock-out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockOut {
    pub reason: String,
    /// The record is from now on seen by few: a dismissal, a death.
    #[serde(default)]
    pub restrict: bool,
}

/// How far a lock-out got. What is not closed stays wanted, and is tried until it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityLockedOut)]
pub struct LockedOutWord {
    /// Who was locked out: of records that were put together the one that stayed.
    pub person: String,
    /// Accounts that their systems show as disabled.
    pub closed: u64,
    /// Systems that did not answer.
    pub unreachable: Vec<String>,
    /// Systems that said no: somebody has to act by hand.
    pub refused: Vec<String>,
    /// Accounts that nothing connects.
    pub by_hand: Vec<String>,
}

/// Access to be given on one's own decision.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveAccess {
    /// `role` or `entitlement`.
    pub target_kind: String,
    /// The key of the role, or the id of the entitlement.
    pub target: String,
    /// `active` or `eligible`.
    pub mode: String,
    pub until: Option<Instant>,
    pub reason: String,
}

/// Another record of the same human being.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergePeople {
    pub absorbed: String,
    pub reason: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_identity_people, Action::ReadIdentity, list_identity_people);
    routes.add(__path_get_identity_person, Action::ReadIdentity, get_identity_person);
    routes.add(__path_get_past_access, Action::ReadIdentity, get_past_access);
    routes.add(__path_lock_out_person, Action::LockOut, lock_out_person);
    routes.add(__path_let_in_person, Action::OperateIdentity, let_in_person);
    routes.add(__path_give_access, Action::OperateIdentity, give_access);
    routes.add(__path_end_assignment, Action::OperateIdentity, end_assignment);
    routes.add(__path_merge_people, Action::OperateIdentity, merge_people);
    routes.add(__path_undo_merge, Action::OperateIdentity, undo_merge);
}

/// People whose name, number or address has a text.
#[utoipa::path(get, path = "/api/v1/identity/people", tag = "identity", params(PeopleFilter), responses((status = 200, body = PeopleWord)))]
async fn list_identity_people(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<PeopleFilter>,
) -> Result<Json<PeopleWord>, Problem> {
    let found = app.identity.search_people(filter.search.as_deref().unwrap_or_default(), PAGE + 1).await?;
    let all = sees_restricted(&app, &caller);
    let truncated = found.len() > PAGE as usize;
    let visible = found.iter().take(PAGE as usize).filter(|person| all || !person.restricted);
    Ok(Json(PeopleWord { people: visible.map(person_word).collect(), truncated }))
}

/// Somebody with contracts, access and its reasons, accounts, and what was done.
#[utoipa::path(get, path = "/api/v1/identity/people/{id}", tag = "identity", params(("id" = String, Path)), responses((status = 200, body = PersonDetail)))]
async fn get_identity_person(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PersonDetail>, Problem> {
    let id = parse_id("person", &id)?;
    let view = app.identity.person_view(id).await?;
    if view.person.restricted && !sees_restricted(&app, &caller) {
        return Err(Problem::not_found("person", &id.to_string()));
    }
    let merges = app.identity.merges_of(id).await?;
    let merge = |(id, absorbed): (kernel::id::MergeId, kernel::id::PersonId)| PersonMerge {
        id: id.to_string(),
        absorbed: absorbed.to_string(),
    };
    Ok(Json(PersonDetail {
        person: person_word(&view.person),
        anchors: view.anchors.into_iter().map(|(source, anchor)| PersonAnchor { source, anchor }).collect(),
        phase: phase_word(view.phase).to_owned(),
        next: view.next.map(Into::into),
        engagements: view.engagements.into_iter().map(engagement_word).collect(),
        access: view.access.iter().map(line_word).collect(),
        assignments: view.assignments.into_iter().map(assignment_word).collect(),
        accounts: view.accounts.iter().map(account_word).collect(),
        changes: view.changes.into_iter().map(item_word).collect(),
        merges: merges.into_iter().map(merge).collect(),
    }))
}

/// What somebody should have had on a day, from what was known on another.
#[utoipa::path(get, path = "/api/v1/identity/people/{id}/past", tag = "identity", params(("id" = String, Path), PastFilter), responses((status = 200, body = PastAccess)))]
async fn get_past_access(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Filter(filter): Filter<PastFilter>,
) -> Result<Json<PastAccess>, Problem> {
    let id = parse_id("person", &id)?;
    let now = app.identity.now();
    let at = filter.at.map_or(now, |at| at.0);
    let past = app.identity.past_view(id, at, filter.known.map_or(now, |known| known.0)).await?;
    if past.person.restricted && !sees_restricted(&app, &caller) {
        return Err(Problem::not_found("person", &id.to_string()));
    }
    let sheet = |sheet: &EngagementSheet| serde_json::json!(sheet);
    Ok(Json(PastAccess {
        person: person_word(&past.person),
        engagements: past.engagements.iter().map(sheet).collect(),
        access: past.access.iter().map(line_word).collect(),
    }))
}

/// Locks somebody out of every system at once. It answers within a minute.
#[utoipa::path(post, path = "/api/v1/identity/people/{id}/lock-out", tag = "identity", params(("id" = String, Path)), request_body = LockOut, responses((status = 200, body = LockedOutWord)))]
async fn lock_out_person(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<LockOut>,
) -> Result<Json<LockedOutWord>, Problem> {
    let (id, reason) = (parse_id("person", &id)?, clean_reason(&request.reason)?);
    let targets = app.targets.as_ref();
    let done = app.identity.lock_out(id, request.restrict, &reason, &caller.actor(), targets).await?;
    let identity::provision::LockedOut { person, closed, unreachable, refused, by_hand, .. } = done;
    Ok(Json(LockedOutWord { person: person.to_string(), closed, unreachable, refused, by_hand }))
}

/// Lets somebody in again; access is computed anew.
#[utoipa::path(post, path = "/api/v1/identity/people/{id}/let-in", tag = "identity", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn let_in_person(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<StatusCode, Problem> {
    let reason = clean_reason(&request.reason)?;
    app.identity.let_in(parse_id("person", &id)?, &reason, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives access on one's own decision, for a reason.
#[utoipa::path(post, path = "/api/v1/identity/people/{id}/assignments", tag = "identity", params(("id" = String, Path)), request_body = GiveAccess, responses((status = 201, body = AssignmentWord)))]
async fn give_access(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<GiveAccess>,
) -> Result<(StatusCode, Json<AssignmentWord>), Problem> {
    let bad = |field: &'static str, error: String| Problem::invalid(error).with("field", field);
    let mode: Mode = request.mode.parse().map_err(|error| bad("mode", error))?;
    let target = Target::parse(&request.target_kind, &request.target).map_err(identity::Error::from)?;
    let new = NewAssignment {
        person: parse_id("person", &id)?,
        target,
        mode,
        source: Source::Person,
        source_ref: None,
        reason: clean_reason(&request.reason)?,
        approver: Some(caller.actor().to_string()),
        from: None,
        until: request.until.map(|until| until.0),
    };
    let given = app.identity.give(new, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(assignment_word(given))))
}

/// Ends access that somebody gave.
#[utoipa::path(post, path = "/api/v1/identity/assignments/{id}/end", tag = "identity", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn end_assignment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<StatusCode, Problem> {
    let reason = clean_reason(&request.reason)?;
    app.identity.end(parse_id("assignment", &id)?, &reason, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts two records of one human being together; it can be undone.
#[utoipa::path(post, path = "/api/v1/identity/people/{id}/merge", tag = "identity", params(("id" = String, Path)), request_body = MergePeople, responses((status = 200, body = PersonMerge)))]
async fn merge_people(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<MergePeople>,
) -> Result<Json<PersonMerge>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let (survivor, absorbed) = (parse_id("person", &id)?, parse_id("person", &request.absorbed)?);
    let merge = app.identity.merge(survivor, absorbed, &reason, &caller.actor()).await?;
    Ok(Json(PersonMerge { id: merge.to_string(), absorbed: absorbed.to_string() }))
}

/// Takes a merge back.
#[utoipa::path(post, path = "/api/v1/identity/merges/{id}/undo", tag = "identity", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn undo_merge(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<StatusCode, Problem> {
    let reason = clean_reason(&request.reason)?;
    app.identity.unmerge(parse_id("merge", &id)?, &reason, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn person_word(person: &Person) -> PersonWord {
    PersonWord {
        id: person.id.to_string(),
        name: person.sheet.display_name(),
        number: person.sheet.number.clone(),
        kind: person.sheet.kind.to_string(),
        mail: person.sheet.mail.clone(),
        birth_date: person.sheet.birth_date.map(|date| date.to_string()),
        sponsor: person.sheet.sponsor.clone(),
        restricted: person.restricted,
        blocked: person.blocked.map(Into::into),
        merged_into: person.merged_into.map(|id| id.to_string()),
    }
}

const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Nobody => "nobody",
        Phase::Coming { .. } => "coming",
        Phase::Here { .. } => "here",
        Phase::Between { .. } => "between",
        Phase::Gone { .. } => "gone",
        Phase::Blocked { .. } => "blocked",
    }
}

fn engagement_word(engagement: Engagement) -> EngagementWord {
    let sheet = engagement.sheet;
    EngagementWord {
        id: engagement.id.to_string(),
        source: engagement.source,
        source_key: engagement.source_key,
        state: engagement.state.to_string(),
        begins: engagement.begins.into(),
        ends: engagement.ends.map(Into::into),
        station: sheet.station,
        org_unit: sheet.org_unit,
        job: sheet.job,
        grade: sheet.grade,
        manager: sheet.manager,
    }
}

pub fn line_word(line: &Line) -> AccessLine {
    let step = |step: &identity::compute::Step| AccessStep {
        kind: step.kind.to_string(),
        key: step.key.clone(),
        title: step.title.clone(),
    };
    AccessLine {
        grant: line.grant.to_string(),
        why: line.why.iter().map(step).collect(),
        until: line.until.map(Into::into),
        asleep: line.asleep,
    }
}

fn assignment_word(assignment: Assignment) -> AssignmentWord {
    AssignmentWord {
        id: assignment.id.to_string(),
        target_kind: assignment.target.kind().to_owned(),
        target: assignment.target.name(),
        mode: assignment.mode.to_string(),
        source: assignment.source.to_string(),
        source_ref: assignment.source_ref,
        reason: assignment.reason,
        approver: assignment.approver,
        from: assignment.from.into(),
        until: assignment.until.map(Into::into),
        recorded: assignment.recorded.into(),
        recorded_by: assignment.recorded_by,
        ended: assignment.ended.map(Into::into),
        ended_by: assignment.ended_by,
        end_reason: assignment.end_reason,
    }
}
