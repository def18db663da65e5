//! The last traces of a missing person: one button, one question in KQL.

use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::error::query_problem;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use kernel::port::QueryRequest;
use kernel::{Timestamp, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::{Instant, Reason};

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    pub at: Instant,
    /// `position`, `radio`, `message`, `headcount`, `sign-in` or `badge`.
    pub trace: String,
    pub what: String,
}

/// Traces of a person, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Traces {
    /// Key.
    pub person: String,
    pub name: String,
    /// The question in KQL, to go on from.
    pub query: String,
    pub traces: Vec<Trace>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_find_traces, Action::OperateField, find_traces);
}

/// The last traces of a person. Who asked and why is in the duty log and in the ledger.
#[utoipa::path(post, path = "/api/v1/field/people/{id}/traces", tag = "field", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = Traces)))]
async fn find_traces(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<Traces>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let sought = app.field.seek(&id, &caller.actor(), &reason).await?;
    let query = field::traces::question(&sought, &app.lake.tables());
    // The right to this one question comes with the desk, not with the right to ask anything.
    let answer = app.lake.query(QueryRequest::new(&query, app.field.now())).await;
    let answer = answer.map_err(|error| query_problem(&error, &query))?;
    let traces = answer.rows.into_iter().filter_map(trace).collect();
    Ok(Json(Traces { person: sought.person, name: sought.name, query, traces }))
}

fn trace(row: Vec<Value>) -> Option<Trace> {
    match row.as_slice() {
        [Value::DateTime(ticks), Value::String(trace), Value::String(what)] => {
            Some(Trace { at: Timestamp::from_ticks(*ticks).into(), trace: trace.clone(), what: what.clone() })
        }
        _ => None,
    }
}
