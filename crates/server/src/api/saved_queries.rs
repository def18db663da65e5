//! Queries that somebody kept, alone or for everybody.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::{Instant, UserRef};

/// A kept query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedQuery {
    pub id: String,
    pub name: String,
    pub description: String,
    /// KQL.
    pub query: String,
    pub owner: UserRef,
    /// Everybody who may ask sees it; its owner and administrators change it.
    pub shared: bool,
    pub created: Instant,
    pub updated: Instant,
    pub version: i64,
}

/// One's own and the shared ones, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedQueries {
    pub queries: Vec<SavedQuery>,
}

/// Keeps a query.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveQuery {
    /// 1 to 120 characters.
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub query: String,
    #[serde(default)]
    pub shared: bool,
}

/// Replaces a kept query.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceQuery {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub query: String,
    #[serde(default)]
    pub shared: bool,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_queries, Action::Query, list_queries);
    routes.add(__path_save_query, Action::SaveQueries, save_query);
    routes.add(__path_get_query, Action::Query, get_query);
    routes.add(__path_replace_query, Action::SaveQueries, replace_query);
    routes.add(__path_delete_query, Action::SaveQueries, delete_query);
}

/// One's own kept queries and the shared ones.
#[utoipa::path(get, path = "/api/v1/queries", tag = "saved_queries", responses((status = 200, body = SavedQueries)))]
async fn list_queries() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Keeps a query.
#[utoipa::path(post, path = "/api/v1/queries", tag = "saved_queries", request_body = SaveQuery, responses((status = 201, body = SavedQuery)))]
async fn save_query() -> Problem {
    Problem::unavailable("being built", 60)
}

/// One kept query.
#[utoipa::path(get, path = "/api/v1/queries/{id}", tag = "saved_queries", params(("id" = String, Path)), responses((status = 200, body = SavedQuery)))]
async fn get_query() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Replaces a kept query.
#[utoipa::path(put, path = "/api/v1/queries/{id}", tag = "saved_queries", request_body = ReplaceQuery, params(("id" = String, Path)), responses((status = 200, body = SavedQuery)))]
async fn replace_query() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Drops a kept query.
#[utoipa::path(delete, path = "/api/v1/queries/{id}", tag = "saved_queries", params(("id" = String, Path)), responses((status = 204)))]
async fn delete_query() -> Problem {
    Problem::unavailable("being built", 60)
}
