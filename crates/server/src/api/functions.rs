//! Functions that people keep for their queries.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;
use crate::table_rights::readable;
use ::kql::catalog::Catalog;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kernel::StoredFunction;
use kernel::library::Kept;
use library::{Basis, Function, Put};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::words::{DiagnosticWord, Instant};

/// A function as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptFunction {
    pub name: String,
    /// As in a `let`: `(days: long = 7)`.
    pub parameters: String,
    /// KQL, without the braces.
    pub body: String,
    pub description: String,
    /// Who changed it last: `user:…`, `token:…`, `system:…`.
    pub changed_by: String,
    pub created: Instant,
    pub updated: Instant,
    /// To be named by the next change.
    pub version: i64,
    /// What it names that is not there, and what else would stop it when it is called. Places are in the body.
    pub problems: Vec<DiagnosticWord>,
    /// Stored functions that it calls, directly or through others.
    pub uses: Vec<String>,
}

/// All of them, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptFunctions {
    pub functions: Vec<KeptFunction>,
}

/// Keeps a function under a name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutFunction {
    /// The version that was read; absent: there is none of this name yet.
    pub version: Option<i64>,
    /// As in a `let`; absent or empty: none.
    #[serde(default)]
    pub parameters: String,
    pub body: String,
    #[serde(default)]
    pub description: String,
}

/// Which version is dropped.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AtVersion {
    /// The version that was read.
    pub version: i64,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_functions, Action::Query, list_functions);
    routes.add(__path_get_function, Action::Query, get_function);
    routes.add(__path_put_function, Action::ManageLibrary, put_function);
    routes.add(__path_delete_function, Action::ManageLibrary, delete_function);
}

/// All functions.
#[utoipa::path(get, path = "/api/v1/functions", tag = "library", responses((status = 200, body = KeptFunctions)))]
async fn list_functions(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<KeptFunctions>, Problem> {
    let functions = app.library.functions().await?;
    Ok(Json(KeptFunctions { functions: shown(&app, &caller, functions).await? }))
}

/// One function.
#[utoipa::path(get, path = "/api/v1/functions/{name}", tag = "library", params(("name" = String, Path)), responses((status = 200, body = KeptFunction)))]
async fn get_function(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<KeptFunction>, Problem> {
    let function = app.library.function(&name).await?;
    one(&app, &caller, function).await.map(Json)
}

/// Keeps a function: a new one, or another text of one that is there.
#[utoipa::path(put, path = "/api/v1/functions/{name}", tag = "library", request_body = PutFunction, params(("name" = String, Path)), responses((status = 200, body = KeptFunction), (status = 201, body = KeptFunction)))]
async fn put_function(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(request): Body<PutFunction>,
) -> Result<(StatusCode, Json<KeptFunction>), Problem> {
    if app.lake.tables().iter().any(|table| table.name == name) {
        let message = format!("there is a table called `{name}`; a function of that name would hide it");
        return Err(Problem::invalid(message).with("field", "name"));
    }
    let PutFunction { version, parameters, body, description } = request;
    let function = StoredFunction { name, parameters, body, description };
    let put = app.library.put_function(&caller.actor(), &function, basis(version)).await?;
    let status = if matches!(put, Put::Made(_)) { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(one(&app, &caller, put.into_kept()).await?)))
}

/// Drops a function that no other calls.
#[utoipa::path(delete, path = "/api/v1/functions/{name}", tag = "library", params(("name" = String, Path), AtVersion), responses((status = 204)))]
async fn delete_function(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Filter(AtVersion { version }): Filter<AtVersion>,
) -> Result<StatusCode, Problem> {
    app.library.delete_function(&caller.actor(), &name, Basis::Version(version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Without a version: there is none of this name yet.
pub fn basis(version: Option<i64>) -> Basis {
    version.map_or(Basis::New, Basis::Version)
}

async fn one(app: &App, caller: &Caller, function: Function) -> Result<KeptFunction, Problem> {
    let shown = shown(app, caller, vec![function]).await?;
    shown.into_iter().next().ok_or_else(|| Problem::internal(&"one function in, none out"))
}

/// Functions with what is to be said of them beside the tables that the caller may read.
async fn shown(app: &App, caller: &Caller, functions: Vec<Function>) -> Result<Vec<KeptFunction>, Problem> {
    let kept: Arc<Kept> = app.library.current().await?;
    let tables = readable(app, caller).await?.tables;
    let shown = tokio::task::spawn_blocking(move || {
        let catalog = Catalog::new(tables).with_kept(&kept);
        functions.into_iter().map(|function| examined(function, &catalog)).collect()
    });
    shown.await.map_err(|error| Problem::internal(&error))
}

fn examined(function: Function, catalog: &Catalog) -> KeptFunction {
    let examined = library::examine(&function.stored(), catalog);
    let problems = examined.refused.iter().chain(&examined.problems);
    KeptFunction {
        problems: problems.map(|problem| DiagnosticWord::of(problem, &function.body)).collect(),
        uses: examined.uses.into_iter().collect(),
        name: function.name,
        parameters: function.parameters,
        body: function.body,
        description: function.record.description,
        changed_by: function.record.changed_by,
        created: function.record.created.into(),
        updated: function.record.updated.into(),
        version: function.record.version,
    }
}
