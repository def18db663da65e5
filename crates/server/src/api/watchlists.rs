//! Watchlists: named lists for `_GetWatchlist`.

use std::sync::Arc;

use crate::action::Action;
use crate::api::functions::{AtVersion, basis};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Filter, Upload};
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use library::{Basis, NewWatchlist, Put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// A list as it is kept, without its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Watchlist {
    pub name: String,
    pub description: String,
    /// The column by which the list is searched: `SearchKey`.
    pub search_key: String,
    /// Those of the file; `_GetWatchlist` gives `_DTItemId`, `LastUpdatedTimeUTC` and `SearchKey` before them.
    pub columns: Vec<String>,
    pub items: i64,
    /// Who changed it last: `user:…`, `token:…`, `system:…`.
    pub changed_by: String,
    pub created: Instant,
    pub updated: Instant,
    /// To be named by the next change.
    pub version: i64,
}

/// All of them, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Watchlists {
    pub watchlists: Vec<Watchlist>,
}

/// One list with its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatchlistWithItems {
    #[serde(flatten)]
    pub watchlist: Watchlist,
    /// CSV (RFC 4180) whose first record names the columns.
    pub csv: String,
}

/// Keeps a list under a name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutWatchlist {
    /// The version that was read; absent: there is none of this name yet.
    pub version: Option<i64>,
    #[serde(default)]
    pub description: String,
    /// The column by which the list is searched; absent: the first one.
    pub search_key: Option<String>,
    /// CSV (RFC 4180) whose first record names the columns.
    pub csv: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_watchlists, Action::Query, list_watchlists);
    routes.add(__path_get_watchlist, Action::Query, get_watchlist);
    routes.add(__path_put_watchlist, Action::ManageLibrary, put_watchlist);
    routes.add(__path_delete_watchlist, Action::ManageLibrary, delete_watchlist);
}

/// All watchlists.
#[utoipa::path(get, path = "/api/v1/watchlists", tag = "library", responses((status = 200, body = Watchlists)))]
async fn list_watchlists(State(app): State<Arc<App>>) -> Result<Json<Watchlists>, Problem> {
    let watchlists = app.library.watchlists().await?;
    Ok(Json(Watchlists { watchlists: watchlists.into_iter().map(Watchlist::from).collect() }))
}

/// One watchlist with its items.
#[utoipa::path(get, path = "/api/v1/watchlists/{name}", tag = "library", params(("name" = String, Path)), responses((status = 200, body = WatchlistWithItems)))]
async fn get_watchlist(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<WatchlistWithItems>, Problem> {
    let (watchlist, csv) = app.library.watchlist_csv(&name).await?;
    Ok(Json(WatchlistWithItems { watchlist: watchlist.into(), csv }))
}

/// Keeps a watchlist: a new one, or other items. Items that stay the same keep their ids and times.
#[utoipa::path(put, path = "/api/v1/watchlists/{name}", tag = "library", request_body = PutWatchlist, params(("name" = String, Path)), responses((status = 200, body = Watchlist), (status = 201, body = Watchlist)))]
async fn put_watchlist(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Upload(request): Upload<PutWatchlist>,
) -> Result<(StatusCode, Json<Watchlist>), Problem> {
    let PutWatchlist { version, description, search_key, csv } = request;
    let new = NewWatchlist { name, description, search_key, csv };
    let put = app.library.put_watchlist(&caller.actor(), &new, basis(version)).await?;
    let status = if matches!(put, Put::Made(_)) { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(put.into_kept().into())))
}

/// Drops a watchlist.
#[utoipa::path(delete, path = "/api/v1/watchlists/{name}", tag = "library", params(("name" = String, Path), AtVersion), responses((status = 204)))]
async fn delete_watchlist(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Filter(AtVersion { version }): Filter<AtVersion>,
) -> Result<StatusCode, Problem> {
    app.library.delete_watchlist(&caller.actor(), &name, Basis::Version(version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<library::Watchlist> for Watchlist {
    fn from(list: library::Watchlist) -> Watchlist {
        Watchlist {
            name: list.name,
            description: list.record.description,
            search_key: list.search_key,
            columns: list.columns,
            items: list.items,
            changed_by: list.record.changed_by,
            created: list.record.created.into(),
            updated: list.record.updated.into(),
            version: list.record.version,
        }
    }
}
