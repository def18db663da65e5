//! Groups: what lies in what, who is in them by which way, which nobody needs, and how one goes and comes back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use identity::group::{Appointment, GroupCommand, MemberQuestion};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::names::{named_record, named_records};
use super::parse_id;
use super::separation::{DutyRecord, DutyRecords};
use super::wire::wire;
use crate::action::Action;
use crate::api::identity::feeds::word;
use crate::api::users::clean_reason;
use crate::api::words::Reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

const PAGE: usize = 500;
/// Pages that one request reads at a system.
const PAGES: usize = 20;
const STALE_DAYS: i64 = 90;

/// Which groups.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GroupsFilter {
    /// Key of a system.
    pub system: Option<String>,
    /// Only those that are on their way out.
    pub stale: Option<bool>,
}

/// Which members.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MembersFilter {
    /// In the login, or in the name, number or address of the person.
    pub text: Option<String>,
    /// `direct`: the account itself is in it; `nested`: only by a group that lies in it.
    pub way: Option<String>,
    /// `person`: accounts of people; `account`: those of nobody on record.
    pub holder: Option<String>,
    /// `next` of the page before.
    pub after: Option<String>,
    pub limit: Option<usize>,
}

/// Moves a group on: `propose`, `keep`, `disable` (takes everybody out, the group stays), `remove`, `restore`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderGroup {
    pub command: String,
    /// The version of its `life` that was read; 0 for a group that has none.
    pub version: i64,
    pub reason: String,
}

/// Who answers for a group from now on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointOwner {
    /// The number of a person.
    pub owner: String,
    /// Who answers for it as the caller read it; absent: nobody.
    #[serde(default)]
    pub instead_of: Option<String>,
    pub reason: String,
}

/// After how many days a group that nobody needed is proposed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindStaleGroups {
    /// 90 without it.
    #[serde(default)]
    pub days: Option<i64>,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_groups, Action::ReadIdentity, list_groups);
    routes.add(__path_list_group_members, Action::ReadIdentity, list_group_members);
    routes.add(__path_read_group, Action::OperateIdentity, read_group);
    routes.add(__path_order_group, Action::ManageIdentity, order_group);
    routes.add(__path_appoint_owner, Action::ManageIdentity, appoint_owner);
    routes.add(__path_find_stale_groups, Action::OperateIdentity, find_stale_groups);
    routes.add(__path_note_last_use, Action::OperateIdentity, note_last_use);
    routes.add(__path_list_exclusions, Action::ReadIdentity, list_exclusions);
    routes.add(__path_lift_exclusion, Action::ManageIdentity, lift_exclusion);
}

/// Groups and distribution lists, by system and name.
#[utoipa::path(get, path = "/api/v1/access/groups", tag = "access", params(GroupsFilter), responses((status = 200, body = DutyRecords)))]
async fn list_groups(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<GroupsFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    use identity::group::LifeState;
    let all = app.identity.groups(filter.system.as_deref()).await?;
    let is_going = |state: LifeState| {
        matches!(state, LifeState::Proposed | LifeState::Disabling | LifeState::Disabled | LifeState::Removed)
    };
    let stale = filter.stale.unwrap_or(false);
    let chosen = all.iter().filter(|one| !stale || one.life.as_ref().is_some_and(|life| is_going(life.state)));
    named_records(&app, &caller, chosen.map(wire).collect()).await
}

/// Who is in a group by whatever way, each with a shortest way: all, or those that are asked for.
#[utoipa::path(get, path = "/api/v1/access/groups/{id}/members", tag = "access", params(("id" = String, Path), MembersFilter), responses((status = 200, body = DutyRecord)))]
async fn list_group_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Filter(filter): Filter<MembersFilter>,
) -> Result<Json<DutyRecord>, Problem> {
    let question = MemberQuestion {
        text: filter.text,
        way: word("way", filter.way.as_deref())?,
        holder: word("holder", filter.holder.as_deref())?,
        after: filter.after.map(|after| parse_id("account", &after)).transpose()?,
        limit: filter.limit.unwrap_or(PAGE),
    };
    let hidden = crate::api::identity::hidden(&app, &caller).await?;
    let members = app.identity.group_members(parse_id("group", &id)?, &question, &hidden).await?;
    named_record(&app, &caller, wire(&members)).await
}

/// Appoints who answers for a group. The last owner is replaced, and never taken away.
#[utoipa::path(post, path = "/api/v1/access/groups/{id}/owner", tag = "access", params(("id" = String, Path)), request_body = AppointOwner, responses((status = 200, body = DutyRecord)))]
async fn appoint_owner(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<AppointOwner>,
) -> Result<Json<DutyRecord>, Problem> {
    let (id, reason) = (parse_id("group", &id)?, clean_reason(&request.reason)?);
    let appointment = Appointment { owner: request.owner, instead_of: request.instead_of };
    let group = app.identity.appoint_owner(id, &appointment, &reason, &caller.actor()).await?;
    named_record(&app, &caller, wire(&group)).await
}

/// Reads members of a group at its system, some pages at a time; asked again, it goes on where it stopped.
#[utoipa::path(post, path = "/api/v1/access/groups/{id}/reads", tag = "access", params(("id" = String, Path)), responses((status = 200, body = DutyRecord)))]
async fn read_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DutyRecord>, Problem> {
    let reading = app.identity.read_group(parse_id("group", &id)?, PAGES, app.targets.as_ref()).await?;
    named_record(&app, &caller, wire(&reading)).await
}

/// Proposes, keeps, empties, deletes or brings back a group; the answer comes when its system shows it.
#[utoipa::path(post, path = "/api/v1/access/groups/{id}/commands", tag = "access", params(("id" = String, Path)), request_body = OrderGroup, responses((status = 200, body = DutyRecord)))]
async fn order_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<OrderGroup>,
) -> Result<Json<DutyRecord>, Problem> {
    let command: GroupCommand = request.command.parse().map_err(Problem::invalid)?;
    let (id, reason) = (parse_id("group", &id)?, clean_reason(&request.reason)?);
    let targets = app.targets.as_ref();
    let after = app.identity.order_group(id, command, request.version, &reason, targets, &caller.actor()).await?;
    named_record(&app, &caller, wire(&after)).await
}

/// Looks for groups that nobody needed for long, and proposes them.
#[utoipa::path(post, path = "/api/v1/access/groups/stale", tag = "access", request_body = FindStaleGroups, responses((status = 200, body = DutyRecord)))]
async fn find_stale_groups(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<FindStaleGroups>,
) -> Result<Json<DutyRecord>, Problem> {
    let found = app.identity.find_stale_groups(request.days.unwrap_or(STALE_DAYS), &caller.actor()).await?;
    named_record(&app, &caller, wire(&found)).await
}

/// Asks the lake when accounts were last used. It is asked by itself every hour.
#[utoipa::path(post, path = "/api/v1/access/last-use", tag = "access", responses((status = 200, body = DutyRecord)))]
async fn note_last_use(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecord>, Problem> {
    let found = app.identity.note_last_use(app.lake.as_ref()).await?;
    named_record(&app, &caller, wire(&found)).await
}

/// What rules are, and were, kept from giving to somebody.
#[utoipa::path(get, path = "/api/v1/access/people/{id}/exclusions", tag = "access", params(("id" = String, Path)), responses((status = 200, body = DutyRecords)))]
async fn list_exclusions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.exclusions(parse_id("person", &id)?).await?;
    named_records(&app, &caller, all.iter().map(wire).collect()).await
}

/// Lets rules give it again.
#[utoipa::path(post, path = "/api/v1/access/people/{id}/exclusions/{entitlement}/lift", tag = "access", params(("id" = String, Path), ("entitlement" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn lift_exclusion(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, entitlement)): Path<(String, String)>,
    Body(request): Body<Reason>,
) -> Result<axum::http::StatusCode, Problem> {
    let reason = clean_reason(&request.reason)?;
    let (person, entitlement) = (parse_id("person", &id)?, parse_id("entitlement", &entitlement)?);
    app.identity.lift_exclusion(person, entitlement, &reason, &caller.actor()).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}
