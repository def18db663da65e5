//! Borrowed access.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use field::Field;
use identity::activation::{Activating, Activation, Command, EndCause, OnMission, TicketState, Tickets};
use respond::{Respond, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::names::{named_record, named_records};
use super::separation::{DutyRecord, DutyRecords};
use super::wire::{read, wire};
use super::{own, parse_id, sees_all};
use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Incidents and missions as tickets.
pub struct DeskTickets {
    pub respond: Respond,
    pub field: Field,
}

#[async_trait]
impl Tickets for DeskTickets {
    async fn ticket(&self, reference: &str) -> Result<TicketState, String> {
        if let Ok(id) = reference.parse() {
            return match self.respond.incident(id).await {
                Ok(incident) if incident.status == Status::Closed => Ok(TicketState::Closed),
                Ok(_) => Ok(TicketState::Open),
                Err(respond::Error::NotFound(_)) => Ok(TicketState::Unknown),
                Err(error) => Err(error.to_string()),
            };
        }
        let Ok(id) = reference.parse() else { return Ok(TicketState::Unknown) };
        match self.field.mission(id).await {
            Ok(mission) if mission.state.is_final() => Ok(TicketState::Closed),
            Ok(mission) if mission.departed.is_none() => Ok(TicketState::NotBegun),
            Ok(_) => Ok(TicketState::Open),
            Err(field::Error::NotFound { .. }) => Ok(TicketState::Unknown),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn mission(&self, reference: &str) -> Result<Option<OnMission>, String> {
        let Ok(id) = reference.parse() else { return Ok(None) };
        let mission = match self.field.mission(id).await {
            Ok(mission) => mission,
            Err(field::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let directory = self.field.directory().await.map_err(|error| error.to_string())?;
        let named = [mission.destination(), mission.last_place.as_deref()].into_iter().flatten();
        let mut places = vec![mission.area.clone(), directory.name("area", &mission.area)];
        for place in named {
            places.push(place.to_owned());
            places.extend(directory.place(place).map(|record| record.key.clone()));
        }
        let people = mission.aboard().into_iter().flat_map(|key| {
            let mail = directory.record("person", key).map(|record| record.text("email").to_owned());
            [Some(key.to_owned()), mail.filter(|mail| !mail.is_empty())]
        });
        Ok(Some(OnMission { label: mission.label(), places, people: people.flatten().collect() }))
    }
}

/// Activates eligible access.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateAccess {
    /// Id of the eligible assignment.
    pub eligible: String,
    pub reason: String,
    /// `incident-…` or `mission-…`, which must be open.
    pub ticket: Option<String>,
    pub hours: i64,
    /// The present code of the caller's authenticator, where the policy of the access wants a second factor. It counts once.
    #[serde(default)]
    pub code: Option<String>,
}

/// Which activations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActivationsFilter {
    /// Everybody's, for who may read the desk; else the caller's and those that the caller is asked about.
    pub all: Option<bool>,
    pub open: Option<bool>,
}

/// Moves an activation on: `{"command": "agree"}`, `refuse` with a comment, `end` with cause `person` or `officer`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveActivation {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    #[schema(value_type = Object)]
    pub command: Value,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_activate_access, Action::OwnAccess, activate_access);
    routes.add(__path_list_activations, Action::OwnAccess, list_activations);
    routes.add(__path_move_activation, Action::OwnAccess, move_activation);
}

/// Activates what the caller is eligible for, or asks who has to agree. A code is proved before anything else; a wrong one is
/// written down and refused, whatever the policy wants.
#[utoipa::path(post, path = "/api/v1/access/activations", tag = "access", request_body = ActivateAccess, responses((status = 201, body = DutyRecord)))]
async fn activate_access(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<ActivateAccess>,
) -> Result<(StatusCode, Json<DutyRecord>), Problem> {
    let code = request.code.as_deref().map(str::trim).filter(|code| !code.is_empty());
    if let Some(code) = code {
        app.identity.prove_second_factor(code, &caller.actor()).await?;
    }
    let asked = Activating {
        eligible: parse_id("assignment", &request.eligible)?,
        reason: request.reason,
        ticket: request.ticket,
        hours: request.hours,
        second_factor: code.is_some(),
    };
    let tickets = DeskTickets { respond: app.respond.clone(), field: app.field.clone() };
    let made = app.identity.activate(&asked, &tickets, &caller.actor()).await?;
    Ok((StatusCode::CREATED, named_record(&app, &caller, wire(&made)).await?))
}

/// Activations, the latest first.
#[utoipa::path(get, path = "/api/v1/access/activations", tag = "access", params(ActivationsFilter), responses((status = 200, body = DutyRecords)))]
async fn list_activations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<ActivationsFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let all = app.identity.activations(None, filter.open.unwrap_or(false)).await?;
    let person = own(&app, &caller).await;
    let everybody = filter.all.unwrap_or(false) && sees_all(&app, &caller);
    let concerns = |one: &&Activation| {
        let mut people = one.candidates.iter().map(|candidate| candidate.person).chain([one.person]);
        everybody || people.any(|other| Some(other) == person)
    };
    named_records(&app, &caller, all.iter().filter(concerns).map(wire).collect()).await
}

/// Agrees, refuses, gives back or takes away.
#[utoipa::path(post, path = "/api/v1/access/activations/{id}/commands", tag = "access", params(("id" = String, Path)), request_body = MoveActivation, responses((status = 200, body = DutyRecord)))]
async fn move_activation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<MoveActivation>,
) -> Result<Json<DutyRecord>, Problem> {
    let command: Command = read(request.command)?;
    let is_officer = app.authority.permits(caller.asker(), Action::OperateIdentity, None);
    if matches!(command, Command::End { cause: EndCause::Officer }) && !is_officer {
        return Err(Problem::invalid("only who operates the Access desk takes borrowed access away"));
    }
    let id = parse_id("activation", &id)?;
    let after = app.identity.order_activation(id, request.version, &command, &caller.actor()).await?;
    named_record(&app, &caller, wire(&after)).await
}
