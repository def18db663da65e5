//! Reference tables: uploaded texts that answer for the addresses of `externaldata`.

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
use library::{Basis, NewReference, Put, Reference};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// A text as it is kept, without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferenceTable {
    pub name: String,
    pub description: String,
    /// What `externaldata` may call it, exactly as queries write it.
    pub addresses: Vec<String>,
    pub bytes: i64,
    /// Of the text, in hexadecimal.
    pub sha256: String,
    /// Who changed it last: `user:…`, `token:…`, `system:…`.
    pub changed_by: String,
    pub created: Instant,
    pub updated: Instant,
    /// To be named by the next change.
    pub version: i64,
}

/// All of them, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferenceTables {
    pub reference_tables: Vec<ReferenceTable>,
}

/// One with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferenceTableWithContent {
    #[serde(flatten)]
    pub reference_table: ReferenceTable,
    pub content: String,
}

/// Keeps a text under a name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutReferenceTable {
    /// The version that was read; absent: there is none of this name yet.
    pub version: Option<i64>,
    #[serde(default)]
    pub description: String,
    /// What `externaldata` may call it, exactly as queries write it.
    pub addresses: Vec<String>,
    /// CSV, JSON or lines, as the queries expect it.
    pub content: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_reference_tables, Action::Query, list_reference_tables);
    routes.add(__path_get_reference_table, Action::Query, get_reference_table);
    routes.add(__path_put_reference_table, Action::ManageLibrary, put_reference_table);
    routes.add(__path_delete_reference_table, Action::ManageLibrary, delete_reference_table);
}

/// All reference tables.
#[utoipa::path(get, path = "/api/v1/reference-tables", tag = "library", responses((status = 200, body = ReferenceTables)))]
async fn list_reference_tables(State(app): State<Arc<App>>) -> Result<Json<ReferenceTables>, Problem> {
    let all = app.library.references().await?;
    Ok(Json(ReferenceTables { reference_tables: all.into_iter().map(ReferenceTable::from).collect() }))
}

/// One reference table with its text.
#[utoipa::path(get, path = "/api/v1/reference-tables/{name}", tag = "library", params(("name" = String, Path)), responses((status = 200, body = ReferenceTableWithContent)))]
async fn get_reference_table(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<ReferenceTableWithContent>, Problem> {
    let (reference, content) = app.library.reference_text(&name).await?;
    Ok(Json(ReferenceTableWithContent { reference_table: reference.into(), content }))
}

/// Keeps a reference table: a new one, or another text.
#[utoipa::path(put, path = "/api/v1/reference-tables/{name}", tag = "library", request_body = PutReferenceTable, params(("name" = String, Path)), responses((status = 200, body = ReferenceTable), (status = 201, body = ReferenceTable)))]
async fn put_reference_table(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Upload(request): Upload<PutReferenceTable>,
) -> Result<(StatusCode, Json<ReferenceTable>), Problem> {
    let PutReferenceTable { version, description, addresses, content } = request;
    let new = NewReference { name, description, addresses, content };
    let put = app.library.put_reference(&caller.actor(), &new, basis(version)).await?;
    let status = if matches!(put, Put::Made(_)) { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(put.into_kept().into())))
}

/// Drops a reference table.
#[utoipa::path(delete, path = "/api/v1/reference-tables/{name}", tag = "library", params(("name" = String, Path), AtVersion), responses((status = 204)))]
async fn delete_reference_table(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Filter(AtVersion { version }): Filter<AtVersion>,
) -> Result<StatusCode, Problem> {
    app.library.delete_reference(&caller.actor(), &name, Basis::Version(version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Reference> for ReferenceTable {
    fn from(reference: Reference) -> ReferenceTable {
        ReferenceTable {
            name: reference.name,
            description: reference.record.description,
            addresses: reference.addresses,
            bytes: reference.bytes,
            sha256: reference.sha256,
            changed_by: reference.record.changed_by,
            created: reference.record.created.into(),
            updated: reference.record.updated.into(),
            version: reference.record.version,
        }
    }
}
