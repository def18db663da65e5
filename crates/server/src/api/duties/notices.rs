//! Who was told what about a request, an activation or a campaign, and whether it arrived.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::names::named_records;
use super::separation::DutyRecords;
use super::wire::wire;
use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;

/// About what.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NoticeFilter {
    /// The id of a request, an activation or a campaign.
    pub about: String,
}

/// Registers the operation of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_notices, Action::ReadIdentity, list_notices);
}

/// Messages about a request, an activation or a campaign, the earliest first, each with what became of it.
#[utoipa::path(get, path = "/api/v1/access/notices", tag = "access", params(NoticeFilter), responses((status = 200, body = DutyRecords)))]
async fn list_notices(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<NoticeFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let mut notices = app.identity.notices(&filter.about).await?;
    let hidden = crate::api::identity::hidden(&app, &caller).await?;
    notices.retain(|one| !hidden.contains(&one.person));
    named_records(&app, &caller, notices.iter().map(wire).collect()).await
}
