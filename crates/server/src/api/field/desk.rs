//! The desk: who has it, and the sheet that is handed over.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::body::Body;
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// One open matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SheetItem {
    /// `M-0007`, `A-0003`, `RC-0001`, `HC-0002`.
    pub label: String,
    /// The id of what it is about.
    pub subject: String,
    pub text: String,
    pub due: Option<Instant>,
    /// It is overdue: the relief reads it back.
    pub read_back: bool,
}

/// Somebody's turn at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shift {
    pub number: i64,
    /// `user:…`.
    pub officer: String,
    pub officer_name: String,
    pub began: Instant,
    /// When the officer signed the sheet; the relief has not yet.
    pub signed: Option<Instant>,
}

/// The desk as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Desk {
    pub now: Instant,
    /// The local time of the duty station is told in this zone.
    pub time_zone: String,
    /// `None`: nobody has it.
    pub shift: Option<Shift>,
    /// Everything that is open, the most urgent first.
    pub sheet: Vec<SheetItem>,
}

/// What is done at the desk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum DeskCommand {
    /// Takes the desk while nobody has it.
    Take,
    /// Signs the sheet as it is now.
    Sign,
    /// The relief signs, having read back what is overdue.
    Relieve {
        /// Labels.
        read_back: Vec<String>,
    },
    /// Takes the desk from an officer who cannot sign, having read back what is overdue.
    Replace {
        /// Why they cannot.
        reason: String,
        /// Labels.
        read_back: Vec<String>,
    },
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_desk, Action::ReadField, get_desk);
    routes.add(__path_command_desk, Action::OperateField, command_desk);
}

/// Who has the desk, and what is open.
#[utoipa::path(get, path = "/api/v1/field/desk", tag = "field", responses((status = 200, body = Desk)))]
async fn get_desk(State(app): State<Arc<App>>) -> Result<Json<Desk>, Problem> {
    let sheet = app.field.hand_over_sheet().await?;
    let names = Names::load(&app.store).await?;
    let item = |item: field::SheetItem| SheetItem {
        label: item.label,
        subject: item.subject,
        text: told(&item.text),
        due: item.due.map(Into::into),
        read_back: item.read_back,
    };
    let shift = app.field.shift().await?.map(|shift| Shift {
        number: shift.number,
        officer_name: names.actor(&shift.officer),
        officer: shift.officer,
        began: shift.began.into(),
        signed: shift.signed.map(Into::into),
    });
    Ok(Json(Desk {
        now: app.field.now().into(),
        time_zone: app.field.directory().await?.zone().iana_name().unwrap_or("UTC").to_owned(),
        shift,
        sheet: sheet.into_iter().map(item).collect(),
    }))
}

/// Takes the desk, signs it over, or relieves.
#[utoipa::path(post, path = "/api/v1/field/desk/commands", tag = "field", request_body = DeskCommand, responses((status = 200, body = Desk)))]
async fn command_desk(
    state: State<Arc<App>>,
    caller: Caller,
    Body(request): Body<DeskCommand>,
) -> Result<Json<Desk>, Problem> {
    caller.person()?;
    let command = match request {
        DeskCommand::Take => field::DeskCommand::Take,
        DeskCommand::Sign => field::DeskCommand::Sign,
        DeskCommand::Relieve { read_back } => field::DeskCommand::Relieve { read_back },
        DeskCommand::Replace { reason, read_back } => field::DeskCommand::Replace { reason, read_back },
    };
    state.field.at_desk(&command, &caller.actor()).await?;
    get_desk(state).await
}
