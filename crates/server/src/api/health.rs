//! Health, and the contract itself.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::users;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// Whether the server can work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`; `attention`: it works, and somebody has to look at it; `failing`, with status 503.
    pub status: String,
    pub version: String,
    pub time: Instant,
    /// What does not work, or wants somebody: more of it is at `/api/v1/system/attention`.
    pub problems: Vec<String>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_health, Action::Enter, health);
    routes.add(__path_get_openapi, Action::Enter, get_openapi);
}

/// Whether the server can work.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let mut problems = Vec::new();
    if let Err(error) = users::all(&app.store).await {
        tracing::error!(%error, "health: the state database does not answer");
        problems.push("the state database does not answer".to_owned());
    }
    let failing = !problems.is_empty();
    if app.store.clock_doubt().is_some() {
        problems.push("the machine's clock is not believed: a person has to say which is right".to_owned());
    }
    if app.store.parked_facts().await.is_ok_and(|parked| !parked.is_empty()) {
        problems.push("something could not be taken in and is put aside".to_owned());
    }
    let (status, word) = match (failing, problems.is_empty()) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        (false, true) => (StatusCode::OK, "ok"),
        (false, false) => (StatusCode::OK, "attention"),
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    (status, Json(Health { status: word.to_owned(), version, time: app.store.now().into(), problems }))
}

/// This contract.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value, content_type = "application/json")))]
async fn get_openapi(State(app): State<Arc<App>>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (json, app.contract.clone()).into_response()
}
