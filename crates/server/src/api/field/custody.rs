//! Custody of missions between rooms that are nodes of each other: what is offered, who follows, and taking over with contact.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use field::custody::{self, AcceptCustody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::log::{DutyEntry, to_api};
use super::missions::{ContactState, MovedMission, moved_word};
use crate::action::Action;
use crate::api::replica::PeerNode;
use crate::api::users::clean_reason;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;

/// Somebody of a mission, as the room that offers it knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedSign {
    pub sign: String,
    /// `vehicle` or `person`.
    pub kind: String,
    /// Key in the register there.
    pub key: String,
    pub name: Option<String>,
}

/// A mission that another room offers to this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CustodyOffer {
    pub node: String,
    /// The mission there: what `accept` takes.
    pub mission: String,
    /// What it is called there.
    pub label: String,
    pub title: String,
    pub contact: ContactState,
    pub due: Option<Instant>,
    pub last_contact: Option<Instant>,
    pub last_place: Option<String>,
    pub leader: Option<String>,
    pub signs: Vec<OfferedSign>,
    /// People aboard, by name.
    pub aboard: Vec<String>,
    /// Entries of this room's log by which it can be taken over now, the latest first. None: call them.
    pub proofs: Vec<DutyEntry>,
    /// The link to that room, and how old what is known of it is.
    pub link: Option<PeerNode>,
}

/// A mission of this room that another room follows, is to follow, or followed before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustodyLine {
    pub mission: String,
    pub label: String,
    /// `offered`: this room follows until the other has proved contact. `handed-over`: the other follows. `taken-over`: this
    /// room follows, the other has not heard of it yet and does, too. `held`: this room alone. `disputed`: both do, because an
    /// offer was taken back too late; people settle it.
    pub state: String,
    /// The other room.
    pub room: String,
    /// What it calls the mission.
    pub label_there: Option<String>,
    /// By this room's sheet.
    pub contact: ContactState,
    /// The more worrying of what the two rooms say.
    pub worst: ContactState,
    /// The link to it; absent: it is no node, and people keep each other up to date.
    pub link: Option<PeerNode>,
}

/// Who follows what, between rooms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Custody {
    pub node: Option<String>,
    pub now: Instant,
    pub offers: Vec<CustodyOffer>,
    pub missions: Vec<CustodyLine>,
}

/// Takes a mission over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeCustody {
    pub node: String,
    /// The mission there.
    pub mission: String,
    /// The entry of this room's log in which somebody of it was heard.
    pub proof: i64,
    pub reason: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_show_custody, Action::ReadField, show_custody);
    routes.add(__path_take_custody, Action::OperateField, take_custody);
}

/// Who follows what, between this room and others, and how old that picture is.
#[utoipa::path(get, path = "/api/v1/field/custody", tag = "field", responses((status = 200, body = Custody)))]
async fn show_custody(State(app): State<Arc<App>>) -> Result<Json<Custody>, Problem> {
    let (custody, names) = (app.field.custody().await?, Names::load(&app.store).await?);
    Ok(Json(Custody {
        node: custody.node,
        now: app.field.now().into(),
        offers: custody.offers.into_iter().map(|one| offer(one, &names)).collect(),
        missions: custody.missions.into_iter().map(line).collect(),
    }))
}

/// Takes over what another room offers, with the contact that proves that it can be followed from here. That room hears of it
/// by itself.
#[utoipa::path(post, path = "/api/v1/field/custody", tag = "field", request_body = TakeCustody, responses((status = 200, body = MovedMission)))]
async fn take_custody(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<TakeCustody>,
) -> Result<Json<MovedMission>, Problem> {
    let order = AcceptCustody {
        node: request.node,
        mission: request.mission,
        proof: request.proof,
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
    };
    let moved = app.field.accept_custody(&order).await?;
    Ok(Json(moved_word(&app, moved).await?))
}

fn offer(offer: custody::CustodyOffer, names: &Names) -> CustodyOffer {
    let mission = offer.mission;
    let named = |key: &str| offer.names.get(key).cloned();
    CustodyOffer {
        node: offer.node,
        mission: mission.id.to_string(),
        label: offer.label,
        contact: mission.contact.into(),
        due: mission.due.map(Into::into),
        last_contact: mission.last_contact.map(Into::into),
        signs: offer
            .signs
            .iter()
            .map(|told| OfferedSign {
                sign: told.sign.clone(),
                kind: told.kind.clone(),
                key: told.key.clone(),
                name: named(&told.key),
            })
            .collect(),
        aboard: mission.aboard().into_iter().map(|key| named(key).unwrap_or_else(|| key.to_owned())).collect(),
        last_place: mission.last_place,
        leader: mission.leader,
        title: mission.title,
        proofs: offer.proofs.into_iter().map(|entry| to_api(entry, names)).collect(),
        link: offer.link.map(Into::into),
    }
}

fn line(line: custody::CustodyLine) -> CustodyLine {
    CustodyLine {
        mission: line.mission.id.to_string(),
        label: line.mission.label(),
        state: line.state.as_str().to_owned(),
        room: line.room,
        label_there: line.label_there,
        contact: line.mission.contact.into(),
        worst: line.worst.into(),
        link: line.link.map(Into::into),
    }
}
