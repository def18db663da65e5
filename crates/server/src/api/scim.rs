//! SCIM 2.0 (RFC 7644): another system provisions users and groups to us. Not under `/api/v1`, because clients expect the
//! standard's addresses.

mod http;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use scim::schema;
use scim::{Client, Error, Kind, ListRequest, Listed, SortOrder, Stored};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use utoipa::IntoParams;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;

pub use http::from_problem;
use http::{BulkBody, Refusal, ScimBody, answer, base, is_known, precondition, resource};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What to list and what to show of it.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ListParameters {
    /// RFC 7644 §3.4.2.2: `userName eq "amina"`.
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    /// `ascending` or `descending`.
    pub sort_order: Option<String>,
    /// From 1.
    pub start_index: Option<i64>,
    /// 1,000 at most.
    pub count: Option<i64>,
    /// RFC 9865; empty: the first page.
    pub cursor: Option<String>,
    /// Attributes to show, with commas.
    pub attributes: Option<String>,
    /// Attributes to leave out, with commas.
    pub excluded_attributes: Option<String>,
}

/// Registers the operations.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_scim_service_provider_config, Action::Provision, scim_service_provider_config);
    routes.add(__path_scim_resource_types, Action::Provision, scim_resource_types);
    routes.add(__path_scim_resource_type, Action::Provision, scim_resource_type);
    routes.add(__path_scim_schemas, Action::Provision, scim_schemas);
    routes.add(__path_scim_schema, Action::Provision, scim_schema);
    routes.add(__path_scim_list_users, Action::Provision, scim_list_users);
    routes.add(__path_scim_create_user, Action::Provision, scim_create_user);
    routes.add(__path_scim_search_users, Action::Provision, scim_search_users);
    routes.add(__path_scim_get_user, Action::Provision, scim_get_user);
    routes.add(__path_scim_replace_user, Action::Provision, scim_replace_user);
    routes.add(__path_scim_patch_user, Action::Provision, scim_patch_user);
    routes.add(__path_scim_delete_user, Action::Provision, scim_delete_user);
    routes.add(__path_scim_list_groups, Action::Provision, scim_list_groups);
    routes.add(__path_scim_create_group, Action::Provision, scim_create_group);
    routes.add(__path_scim_search_groups, Action::Provision, scim_search_groups);
    routes.add(__path_scim_get_group, Action::Provision, scim_get_group);
    routes.add(__path_scim_replace_group, Action::Provision, scim_replace_group);
    routes.add(__path_scim_patch_group, Action::Provision, scim_patch_group);
    routes.add(__path_scim_delete_group, Action::Provision, scim_delete_group);
    routes.add(__path_scim_search, Action::Provision, scim_search);
    routes.add(__path_scim_bulk, Action::Provision, scim_bulk);
    routes.add(__path_scim_me, Action::Provision, scim_me);
}

/// What this service can do.
#[utoipa::path(get, path = "/scim/v2/ServiceProviderConfig", tag = "scim", responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_service_provider_config(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(StatusCode::OK, &schema::service_provider_config(&base(&app, &headers), scim::MOST_RESULTS))
}

/// The kinds of resources.
#[utoipa::path(get, path = "/scim/v2/ResourceTypes", tag = "scim", responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_resource_types(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    whole_list(schema::resource_types(&base(&app, &headers)))
}

/// One kind of resources.
#[utoipa::path(get, path = "/scim/v2/ResourceTypes/{id}", tag = "scim", params(("id" = String, Path)), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_resource_type(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let found = schema::resource_types(&base(&app, &headers)).into_iter().find(|kind| kind["id"] == id.as_str());
    found.map_or_else(|| missing("ResourceType", id), |kind| answer(StatusCode::OK, &kind))
}

/// The schemas of resources.
#[utoipa::path(get, path = "/scim/v2/Schemas", tag = "scim", responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_schemas(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let base = base(&app, &headers);
    whole_list(schema::ALL.iter().map(|schema| schema.to_json(&base)).collect())
}

/// One schema.
#[utoipa::path(get, path = "/scim/v2/Schemas/{id}", tag = "scim", params(("id" = String, Path)), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_schema(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let found = schema::ALL.iter().find(|schema| schema.id.eq_ignore_ascii_case(&id));
    found.map_or_else(
        || missing("Schema", id.clone()),
        |schema| answer(StatusCode::OK, &schema.to_json(&base(&app, &headers))),
    )
}

/// A token belongs to a system, not to a person.
#[utoipa::path(get, path = "/scim/v2/Me", tag = "scim", responses((status = 501, body = Object, content_type = "application/scim+json")))]
async fn scim_me() -> Response {
    let detail = "a token belongs to a system and is no user; ask for /Users";
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "501", "detail": detail,
    });
    answer(StatusCode::NOT_IMPLEMENTED, &body)
}

/// Users, then groups, with the question in the body (RFC 7644 §3.4.3).
#[utoipa::path(post, path = "/scim/v2/.search", tag = "scim", request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_search(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    let parameters = searched(body)?;
    let request = request_of(&parameters)?;
    if request.cursor.is_some() || request.sort_by.is_some() {
        let detail = "ask /Users or /Groups for a list by cursor or in an order".to_owned();
        return Err(Error::Bad { kind: scim::ScimType::InvalidValue, detail }.into());
    }
    let users = app.scim.list(Kind::User, &request).await?;
    let count = request.count.unwrap_or(100).clamp(0, scim::MOST_RESULTS as i64);
    let shown_users = i64::try_from(users.resources.len()).unwrap_or(0);
    let user_total = users.total.unwrap_or(0);
    let past = request.start_index.unwrap_or(1).max(1) - i64::try_from(user_total).unwrap_or(0);
    let rest = ListRequest { start_index: Some(past.max(1)), count: Some(count - shown_users), ..request };
    let groups = app.scim.list(Kind::Group, &rest).await?;
    let all = Listed {
        total: groups.total.map(|total| total + user_total),
        resources: users.resources.into_iter().chain(groups.resources).collect(),
        start_index: users.start_index,
        next_cursor: None,
    };
    Ok(list_response(&app, &headers, &parameters, all)?)
}

/// Many operations in one request (RFC 7644 §3.7). What is wrong with one is its own result.
#[utoipa::path(post, path = "/scim/v2/Bulk", tag = "scim", request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json"), (status = 413, body = Object, content_type = "application/scim+json")))]
async fn scim_bulk(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    BulkBody(body): BulkBody,
) -> Result<Response, Refusal> {
    let done = app.scim.bulk(&client(&caller), &body, &base(&app, &headers)).await?;
    Ok(answer(StatusCode::OK, &done))
}

/// Users.
#[utoipa::path(get, path = "/scim/v2/Users", tag = "scim", params(ListParameters), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_list_users(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Filter(parameters): Filter<ListParameters>,
) -> Result<Response, Refusal> {
    list(&app, &headers, Kind::User, parameters).await
}

/// Users, with the question in the body (RFC 7644 §3.4.3).
#[utoipa::path(post, path = "/scim/v2/Users/.search", tag = "scim", request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_search_users(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    list(&app, &headers, Kind::User, searched(body)?).await
}

/// Makes a user.
#[utoipa::path(post, path = "/scim/v2/Users", tag = "scim", request_body(content = Object, content_type = "application/scim+json"), responses((status = 201, body = Object, content_type = "application/scim+json")))]
async fn scim_create_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    create(&app, &caller, &headers, Kind::User, &body).await
}

/// One user.
#[utoipa::path(get, path = "/scim/v2/Users/{id}", tag = "scim", params(("id" = String, Path)), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_get_user(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Filter(parameters): Filter<ListParameters>,
) -> Result<Response, Refusal> {
    get(&app, &headers, Kind::User, &id, &parameters).await
}

/// Puts a user in the place of what was there.
#[utoipa::path(put, path = "/scim/v2/Users/{id}", tag = "scim", params(("id" = String, Path)), request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_replace_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    replace(&app, &caller, &headers, Kind::User, &id, &body).await
}

/// Changes a user.
#[utoipa::path(patch, path = "/scim/v2/Users/{id}", tag = "scim", params(("id" = String, Path)), request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_patch_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    patch(&app, &caller, &headers, Kind::User, &id, &body).await
}

/// Deletes a user.
#[utoipa::path(delete, path = "/scim/v2/Users/{id}", tag = "scim", params(("id" = String, Path)), responses((status = 204)))]
async fn scim_delete_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    app.scim.delete(&client(&caller), Kind::User, &id, &precondition(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Groups.
#[utoipa::path(get, path = "/scim/v2/Groups", tag = "scim", params(ListParameters), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_list_groups(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Filter(parameters): Filter<ListParameters>,
) -> Result<Response, Refusal> {
    list(&app, &headers, Kind::Group, parameters).await
}

/// Groups, with the question in the body.
#[utoipa::path(post, path = "/scim/v2/Groups/.search", tag = "scim", request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_search_groups(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    list(&app, &headers, Kind::Group, searched(body)?).await
}

/// Makes a group.
#[utoipa::path(post, path = "/scim/v2/Groups", tag = "scim", request_body(content = Object, content_type = "application/scim+json"), responses((status = 201, body = Object, content_type = "application/scim+json")))]
async fn scim_create_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    create(&app, &caller, &headers, Kind::Group, &body).await
}

/// One group.
#[utoipa::path(get, path = "/scim/v2/Groups/{id}", tag = "scim", params(("id" = String, Path)), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_get_group(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Filter(parameters): Filter<ListParameters>,
) -> Result<Response, Refusal> {
    get(&app, &headers, Kind::Group, &id, &parameters).await
}

/// Puts a group in the place of what was there.
#[utoipa::path(put, path = "/scim/v2/Groups/{id}", tag = "scim", params(("id" = String, Path)), request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_replace_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    replace(&app, &caller, &headers, Kind::Group, &id, &body).await
}

/// Changes a group.
#[utoipa::path(patch, path = "/scim/v2/Groups/{id}", tag = "scim", params(("id" = String, Path)), request_body(content = Object, content_type = "application/scim+json"), responses((status = 200, body = Object, content_type = "application/scim+json")))]
async fn scim_patch_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    ScimBody(body): ScimBody,
) -> Result<Response, Refusal> {
    patch(&app, &caller, &headers, Kind::Group, &id, &body).await
}

/// Deletes a group; its members stay.
#[utoipa::path(delete, path = "/scim/v2/Groups/{id}", tag = "scim", params(("id" = String, Path)), responses((status = 204)))]
async fn scim_delete_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    app.scim.delete(&client(&caller), Kind::Group, &id, &precondition(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who provisions: a token by its name, so that another of the same name goes on where it ended.
fn client(caller: &Caller) -> Client {
    match caller {
        Caller::Token(token) => Client { name: token.name.clone(), actor: caller.actor() },
        Caller::User(_) | Caller::Anonymous => caller.actor().into(),
    }
}

/// Nothing of the standard is at this address.
pub async fn no_such_address() -> Response {
    let detail = "SCIM has /Users, /Groups, /Bulk, /Schemas, /ResourceTypes and /ServiceProviderConfig under /scim/v2";
    Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail).into_response()
}

fn missing(kind: &'static str, id: String) -> Response {
    Refusal::from(Error::NotFound { kind, id }).into_response()
}

fn whole_list(resources: Vec<Json>) -> Response {
    let count = resources.len();
    let body = json!({
        "schemas": [LIST], "totalResults": count, "startIndex": 1, "itemsPerPage": count, "Resources": resources,
    });
    answer(StatusCode::OK, &body)
}

/// The body of `.search`.
fn searched(mut body: Json) -> Result<ListParameters, Refusal> {
    let joined = |value: &Json| {
        let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        Json::String(names.join(","))
    };
    for name in ["attributes", "excludedAttributes"] {
        if let Some(value) = body.get_mut(name).filter(|value| value.is_array()) {
            *value = joined(value);
        }
    }
    serde_json::from_value(body).map_err(|error| {
        let kind = scim::ScimType::InvalidSyntax;
        Refusal::from(Error::Bad { kind, detail: format!("the question cannot be read: {error}") })
    })
}

fn shown(stored: &Stored, base: &str, parameters: &ListParameters) -> Result<Json, Error> {
    let (only, without) = (parameters.attributes.as_deref(), parameters.excluded_attributes.as_deref());
    scim::resource::project(stored.to_json(base), only, without)
}

async fn list(app: &App, headers: &HeaderMap, kind: Kind, parameters: ListParameters) -> Result<Response, Refusal> {
    let listed = app.scim.list(kind, &request_of(&parameters)?).await?;
    Ok(list_response(app, headers, &parameters, listed)?)
}

fn request_of(parameters: &ListParameters) -> Result<ListRequest, Error> {
    let order = parameters.sort_order.as_deref().map(|word| match word.to_ascii_lowercase().as_str() {
        "ascending" => Ok(SortOrder::Ascending),
        "descending" => Ok(SortOrder::Descending),
        _ => Err(Error::Bad {
            kind: scim::ScimType::InvalidValue,
            detail: "sortOrder is ascending or descending".to_owned(),
        }),
    });
    Ok(ListRequest {
        filter: parameters.filter.clone(),
        sort_by: parameters.sort_by.clone(),
        sort_order: order.transpose()?,
        start_index: parameters.start_index,
        count: parameters.count,
        cursor: parameters.cursor.clone(),
    })
}

fn list_response(
    app: &App,
    headers: &HeaderMap,
    parameters: &ListParameters,
    listed: Listed,
) -> Result<Response, Error> {
    let by_cursor = parameters.cursor.is_some();
    let Listed { resources, total, start_index, next_cursor } = listed;
    let base = base(app, headers);
    let shown: Vec<Json> = resources.iter().map(|one| shown(one, &base, parameters)).collect::<Result<_, _>>()?;
    let mut body = json!({ "schemas": [LIST], "itemsPerPage": shown.len() });
    if let Some(total) = total {
        body["totalResults"] = json!(total);
    }
    if !by_cursor {
        body["startIndex"] = json!(start_index);
    }
    if let Some(next) = next_cursor {
        body["nextCursor"] = json!(next);
    }
    body["Resources"] = Json::Array(shown);
    Ok(answer(StatusCode::OK, &body))
}

async fn get(
    app: &App,
    headers: &HeaderMap,
    kind: Kind,
    id: &str,
    parameters: &ListParameters,
) -> Result<Response, Refusal> {
    let stored = app.scim.get(kind, id).await?;
    let base = base(app, headers);
    if is_known(headers, &stored) {
        let mut response = resource(StatusCode::NOT_MODIFIED, &stored, &base, &Json::Null);
        *response.body_mut() = axum::body::Body::empty();
        return Ok(response);
    }
    Ok(resource(StatusCode::OK, &stored, &base, &shown(&stored, &base, parameters)?))
}

/// The answer to a write: the whole of what is there now.
fn written(app: &App, headers: &HeaderMap, status: StatusCode, stored: &Stored) -> Result<Response, Refusal> {
    let base = base(app, headers);
    Ok(resource(status, stored, &base, &shown(stored, &base, &ListParameters::default())?))
}

async fn create(app: &App, caller: &Caller, headers: &HeaderMap, kind: Kind, body: &Json) -> Result<Response, Refusal> {
    let stored = app.scim.create(&client(caller), kind, body).await?;
    written(app, headers, StatusCode::CREATED, &stored)
}

async fn replace(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    kind: Kind,
    id: &str,
    body: &Json,
) -> Result<Response, Refusal> {
    let stored = app.scim.replace(&client(caller), kind, id, body, &precondition(headers)).await?;
    written(app, headers, StatusCode::OK, &stored)
}

async fn patch(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    kind: Kind,
    id: &str,
    body: &Json,
) -> Result<Response, Refusal> {
    let stored = app.scim.patch(&client(caller), kind, id, body, &precondition(headers)).await?;
    written(app, headers, StatusCode::OK, &stored)
}
