//! What is being typed at the consoles of the desk and not entered: kept, shown, taken over when a console dies.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// A change of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftKey {
    /// The name that the console chose for itself: 8 to 64 letters, digits, `-` and `_`, at random.
    pub console: String,
    /// Counts up with every change that the console sends.
    pub revision: i64,
}

impl DraftKey {
    /// As the room knows it.
    pub(super) fn read(&self) -> Result<field::DraftKey, field::Error> {
        field::DraftKey::new(&self.console, self.revision)
    }
}

/// What is being typed at a console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftChange {
    /// Empty: nothing is.
    pub line: String,
    /// Counts up with every change that the console sends; one that comes late changes nothing.
    pub revision: i64,
}

/// A line that was not entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Draft {
    pub console: String,
    /// `user:…`: who types it.
    pub author: String,
    pub author_name: String,
    /// In the list with duress words as they are to be shown; as it was typed for who takes it over.
    pub line: String,
    pub revision: i64,
    /// When it was last changed.
    pub kept: Instant,
}

/// Lines that were not entered, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drafts {
    /// To tell the age of a draft by.
    pub now: Instant,
    pub drafts: Vec<Draft>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_drafts, Action::OperateField, list_drafts);
    routes.add(__path_keep_draft, Action::OperateField, keep_draft);
    routes.add(__path_take_draft, Action::OperateField, take_draft);
}

/// What is being typed at all consoles, this one among them.
#[utoipa::path(get, path = "/api/v1/field/drafts", tag = "field", responses((status = 200, body = Drafts)))]
async fn list_drafts(State(app): State<Arc<App>>) -> Result<Json<Drafts>, Problem> {
    let names = Names::load(&app.store).await?;
    let drafts = app.field.drafts().await?.into_iter().map(|draft| to_api(draft, &names)).collect();
    Ok(Json(Drafts { now: app.field.now().into(), drafts }))
}

/// Keeps what is being typed at a console. It is durable when this answers.
///
/// 409 `draft-taken`: somebody has taken the line over (`taken_by_name`, `taken_at`); go on under another name.
#[utoipa::path(put, path = "/api/v1/field/drafts/{id}", tag = "field", params(("id" = String, Path, description = "the name of the console")), request_body = DraftChange, responses((status = 204)))]
async fn keep_draft(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(console): Path<String>,
    Body(request): Body<DraftChange>,
) -> Result<StatusCode, Problem> {
    let key = field::DraftKey::new(&console, request.revision)?;
    match app.field.keep_draft(&key, &request.line, &caller.actor()).await? {
        field::Kept::Kept => Ok(StatusCode::NO_CONTENT),
        field::Kept::Taken(taken) => {
            let name = Names::load(&app.store).await?.actor(&taken.by);
            let at = Instant::from(taken.at);
            let detail = format!("{name} has taken this line over at another console");
            Err(Problem::new(StatusCode::CONFLICT, "draft-taken", "The line is at another console", detail)
                .help("choose another name for this console and go on")
                .with("taken_by", taken.by)
                .with("taken_by_name", name)
                .with("taken_at", serde_json::json!(at)))
        }
    }
}

/// Takes the draft of a console over to another one, as it was typed.
#[utoipa::path(post, path = "/api/v1/field/drafts/{id}/take", tag = "field", params(("id" = String, Path, description = "the console that it is taken from")), request_body = DraftKey, responses((status = 200, body = Draft)))]
async fn take_draft(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(from): Path<String>,
    Body(request): Body<DraftKey>,
) -> Result<Json<Draft>, Problem> {
    let draft = app.field.take_draft(&from, &request.read()?, &caller.actor()).await?;
    let names = Names::load(&app.store).await?;
    Ok(Json(to_api(draft, &names)))
}

fn to_api(draft: field::Draft, names: &Names) -> Draft {
    Draft {
        console: draft.console,
        author_name: names.actor(&draft.author),
        author: draft.author,
        line: draft.line,
        revision: draft.revision,
        kept: draft.kept.into(),
    }
}
