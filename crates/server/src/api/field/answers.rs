//! The link of one person: what a headcount asks, and the answer. Open to whoever has the link, and to nobody's guess.

use std::net::IpAddr;
use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::attempts::Attempt;
use crate::auth::caller::{Caller, PeerAddress};
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use field::headcount::{LinkAnswer, Linked};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// What a link shows: no more than its owner knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadcountLink {
    /// `HC-0042`.
    pub headcount: String,
    pub name: String,
    /// What is known of them: `unknown`, `safe`, `needs-help`, …
    pub safety: String,
    /// The headcount is over, or the link has expired: an answer is not counted, a call for help is heard.
    pub over: bool,
    pub expires: Instant,
}

/// What somebody answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadcountAnswer {
    /// They are safe; otherwise they need help.
    pub safe: bool,
    /// At most 300 characters.
    #[serde(default)]
    pub remark: String,
}

/// What the room was told once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldSettings {
    /// The address under which people reach the server: links of headcounts begin with it.
    pub public_url: Option<String>,
    /// For how many days positions are kept; 0: for ever.
    pub positions_kept_days: i64,
    /// The language of the office: people are written to in it of whom the register says none.
    pub language: String,
}

/// Changes what the room was told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveFieldSettings {
    /// Empty: none.
    pub public_url: String,
    /// For how many days positions are kept; 0: for ever; absent: as it is.
    #[serde(default)]
    pub positions_kept_days: Option<i64>,
    /// One of `en`, `fr`, `es`, `pt`, `ar`, `tet`; absent: as it is.
    #[serde(default)]
    pub language: Option<String>,
    pub reason: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_headcount_link, Action::Enter, get_headcount_link);
    routes.add(__path_answer_headcount_link, Action::Enter, answer_headcount_link);
    routes.add(__path_get_field_settings, Action::ReadField, get_field_settings);
    routes.add(__path_save_field_settings, Action::ManageField, save_field_settings);
}

/// What a link asks.
#[utoipa::path(get, path = "/api/v1/field/answers/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = HeadcountLink)))]
async fn get_headcount_link(
    State(app): State<Arc<App>>,
    Extension(address): Extension<PeerAddress>,
    Path(secret): Path<String>,
) -> Result<Json<HeadcountLink>, Problem> {
    Ok(Json(link_word(open(&app, address, &secret).await?)))
}

/// Answers by a link.
#[utoipa::path(post, path = "/api/v1/field/answers/{id}", tag = "field", params(("id" = String, Path)), request_body = HeadcountAnswer, responses((status = 200, body = HeadcountLink)))]
async fn answer_headcount_link(
    State(app): State<Arc<App>>,
    Extension(address): Extension<PeerAddress>,
    Path(secret): Path<String>,
    Body(request): Body<HeadcountAnswer>,
) -> Result<Json<HeadcountLink>, Problem> {
    let answer = LinkAnswer { safe: request.safe, remark: request.remark };
    Ok(Json(link_word(reply(&app, address, &secret, &answer).await?)))
}

/// What the room was told once.
#[utoipa::path(get, path = "/api/v1/field/settings", tag = "field", responses((status = 200, body = FieldSettings)))]
async fn get_field_settings(State(app): State<Arc<App>>) -> Result<Json<FieldSettings>, Problem> {
    let (public_url, positions_kept_days) = (app.field.public_url().await?, app.field.positions_kept_days().await?);
    let language = app.field.language().await?.to_string();
    Ok(Json(FieldSettings { public_url, positions_kept_days, language }))
}

/// Tells the room under which address people reach the server.
#[utoipa::path(put, path = "/api/v1/field/settings", tag = "field", request_body = SaveFieldSettings, responses((status = 200, body = FieldSettings)))]
async fn save_field_settings(
    state: State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SaveFieldSettings>,
) -> Result<Json<FieldSettings>, Problem> {
    let reason = clean_reason(&request.reason)?;
    if let Some(days) = request.positions_kept_days {
        state.field.keep_positions(days, &caller.actor(), &reason).await?;
    }
    if let Some(tag) = &request.language {
        state.field.set_language(tag, &caller.actor(), &reason).await?;
    }
    state.field.set_public_url(&request.public_url, &caller.actor(), &reason).await?;
    get_field_settings(state).await
}

/// Opens a link. A wrong one costs a try of the address that it came from; links have 128 bits, so guessing is hopeless.
///
/// # Errors
/// 404 for a link that was never given, 429 for an address that tried too many.
pub async fn open(app: &App, address: PeerAddress, secret: &str) -> Result<Linked, Problem> {
    match app.field.linked(secret).await {
        Ok(linked) => Ok(linked),
        Err(error) => Err(wrong(app, address.0, error)),
    }
}

/// Answers by a link. Its owner may change their mind, but not faster than people do.
///
/// # Errors
/// As [`open`], and 429 for answers in quick succession.
pub async fn reply(app: &App, address: PeerAddress, secret: &str, answer: &LinkAnswer) -> Result<Linked, Problem> {
    open(app, address, secret).await?;
    // By the link alone: a whole office answers from one address.
    let mut place = [0; 16];
    place.copy_from_slice(&Sha256::digest(secret.as_bytes())[..16]);
    take(app, secret, IpAddr::from(place))?;
    Ok(app.field.answer_link(secret, answer).await?)
}

fn wrong(app: &App, address: IpAddr, error: field::Error) -> Problem {
    match take(app, "headcount link", address) {
        Err(problem) => problem,
        Ok(()) => error.into(),
    }
}

fn take(app: &App, name: &str, address: IpAddr) -> Result<(), Problem> {
    let attempt = Attempt { name, address, known_place: true };
    let taken = app.link_attempts.lock().take(attempt, app.clock.monotonic_us());
    taken.map_err(|seconds| Problem::too_many("too many answers, or too many wrong links from this address", seconds))
}

fn link_word(linked: Linked) -> HeadcountLink {
    HeadcountLink {
        headcount: linked.label,
        name: linked.name,
        safety: linked.safety.to_string(),
        over: linked.over,
        expires: linked.expires.into(),
    }
}
