//! Health, and the contract itself.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// Whether the server can work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `failing` with status 503.
    pub status: String,
    pub version: String,
    pub time: Instant,
    /// What does not work.
    pub problems: Vec<String>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_health, Action::Enter, health);
    routes.add(__path_get_openapi, Action::Enter, get_openapi);
}

/// Whether the server can work.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health() -> Problem {
    Problem::unavailable("being built", 60)
}

/// This contract.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value, content_type = "application/json")))]
async fn get_openapi() -> Problem {
    Problem::unavailable("being built", 60)
}
