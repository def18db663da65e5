//! Queries that somebody kept, alone or for everybody.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::sql;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kernel::id::SavedQueryId;
use serde::{Deserialize, Serialize};
use store::{Entry, Row, Tx, params};
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
async fn list_queries(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<SavedQueries>, Problem> {
    let rows = app.store.fetch_all(&sql::SAVED_QUERIES, params![caller.person()?]).await?;
    Ok(Json(SavedQueries { queries: rows.iter().map(from_row).collect::<Result<_, _>>()? }))
}

/// Keeps a query.
#[utoipa::path(post, path = "/api/v1/queries", tag = "saved_queries", request_body = SaveQuery, responses((status = 201, body = SavedQuery)))]
async fn save_query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SaveQuery>,
) -> Result<(StatusCode, Json<SavedQuery>), Problem> {
    let SaveQuery { name, description, query, shared } = request;
    let name = clean(&name, &description, &query)?;
    let mut tx = app.store.begin().await?;
    let (id, now): (SavedQueryId, _) = (tx.id(), tx.now());
    let row = params![id, name, description, query, caller.person()?, shared, now];
    tx.execute(&sql::INSERT_SAVED_QUERY, row).await?;
    let saved = load(&mut tx, &id.to_string()).await?;
    tx.commit(Entry::new(&caller.actor(), "query.save", id).after(serde_json::json!(saved))).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// One kept query.
#[utoipa::path(get, path = "/api/v1/queries/{id}", tag = "saved_queries", params(("id" = String, Path)), responses((status = 200, body = SavedQuery)))]
async fn get_query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SavedQuery>, Problem> {
    let row = app.store.fetch_optional(&sql::SAVED_QUERY, params![&id]).await?;
    let saved = row.as_ref().map(from_row).transpose()?;
    let me = caller.person()?.to_string();
    saved.filter(|saved| saved.shared || saved.owner.id == me).map(Json).ok_or_else(|| Problem::not_found("query", &id))
}

/// Replaces a kept query.
#[utoipa::path(put, path = "/api/v1/queries/{id}", tag = "saved_queries", request_body = ReplaceQuery, params(("id" = String, Path)), responses((status = 200, body = SavedQuery)))]
async fn replace_query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<ReplaceQuery>,
) -> Result<Json<SavedQuery>, Problem> {
    let name = clean(&request.name, &request.description, &request.query)?;
    let mut tx = app.store.begin().await?;
    let before = changeable(&mut tx, &app, &caller, &id).await?;
    if before.version != request.version {
        let (yours, theirs) = (serde_json::json!(request), serde_json::json!(before));
        return Err(store::Error::conflict(yours, theirs, before.version).into());
    }
    let now = tx.now();
    let row = params![&id, before.version, name, &request.description, &request.query, request.shared, now];
    tx.execute_one(&sql::UPDATE_SAVED_QUERY, row).await?;
    let after = load(&mut tx, &id).await?;
    let entry = Entry::new(&caller.actor(), "query.replace", &id);
    tx.commit(entry.before(serde_json::json!(before)).after(serde_json::json!(after))).await?;
    Ok(Json(after))
}

/// Drops a kept query.
#[utoipa::path(delete, path = "/api/v1/queries/{id}", tag = "saved_queries", params(("id" = String, Path)), responses((status = 204)))]
async fn delete_query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.store.begin().await?;
    let before = changeable(&mut tx, &app, &caller, &id).await?;
    tx.execute_one(&sql::DELETE_SAVED_QUERY, params![&id]).await?;
    tx.commit(Entry::new(&caller.actor(), "query.delete", &id).before(serde_json::json!(before))).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn from_row(row: &Row) -> Result<SavedQuery, store::Error> {
    Ok(SavedQuery {
        id: row.text("id")?.to_owned(),
        name: row.text("name")?.to_owned(),
        description: row.text("description")?.to_owned(),
        query: row.text("query")?.to_owned(),
        owner: UserRef { id: row.text("owner")?.to_owned(), name: row.text("owner_name")?.to_owned() },
        shared: row.flag("shared")?,
        created: row.time("created_us")?.into(),
        updated: row.time("updated_us")?.into(),
        version: row.int("version")?,
    })
}

async fn load(tx: &mut Tx, id: &str) -> Result<SavedQuery, Problem> {
    let row = tx.fetch_optional(&sql::SAVED_QUERY, params![id]).await?;
    Ok(from_row(&row.ok_or_else(|| Problem::not_found("query", id))?)?)
}

/// The query, if the caller may change it: its owner, and administrators what is shared.
async fn changeable(tx: &mut Tx, app: &App, caller: &Caller, id: &str) -> Result<SavedQuery, Problem> {
    let saved = load(tx, id).await?;
    if saved.owner.id == caller.person()?.to_string() {
        return Ok(saved);
    }
    if !saved.shared {
        return Err(Problem::not_found("query", id));
    }
    if app.authority.permits(caller.asker(), Action::ManageUsers, None) {
        return Ok(saved);
    }
    Err(Problem::forbidden("only its owner and administrators change a shared query").help("save a copy of your own"))
}

fn clean(name: &str, description: &str, query: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 120 {
        return Err(Problem::invalid("a query's name has 1 to 120 characters").with("field", "name"));
    }
    if description.chars().count() > 2_000 {
        return Err(Problem::invalid("a description has at most 2000 characters").with("field", "description"));
    }
    if query.trim().is_empty() {
        return Err(Problem::invalid("there is no query to keep").with("field", "query"));
    }
    Ok(name.to_owned())
}
