//! A service that answers as the public documentation of Microsoft Graph 1.0 says, for the paths that the connector uses. Of our
//! own making: it shows that we keep to what we read, not that Entra does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

/// What the tenant holds.
#[derive(Default)]
pub struct Tenant {
    pub users: Vec<Json>,
    pub groups: Vec<Json>,
    /// Group and member.
    pub members: Vec<(String, String)>,
    pub roles: Vec<Json>,
    pub grants: Vec<Json>,
    pub policies: Vec<Json>,
    pub deleted: Vec<Json>,
    /// Changes in order: `users` or `groups`, and what a delta says.
    pub changes: Vec<(&'static str, Json)>,
    /// Tokens of deltas before this one are not known any more.
    pub oldest: usize,
    /// Answers that come before the real ones: status and `Retry-After`.
    pub refusals: VecDeque<(u16, u64)>,
    /// The token that is taken; it changes when tokens end.
    pub token: u32,
    pub requests: Vec<String>,
    /// New objects cannot be found by a filter yet.
    pub index_lags: bool,
    next: u32,
    page: usize,
}

pub struct Graph {
    pub url: String,
    pub tenant: Arc<Mutex<Tenant>>,
}

type Answer = (u16, Json);

impl Graph {
    pub async fn start(page: usize) -> Graph {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tenant = Arc::new(Mutex::new(Tenant { page, ..Tenant::default() }));
        let (shared, address) = (tenant.clone(), url.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tenant, url) = (shared.clone(), address.clone());
                let service = service_fn(move |request| serve(tenant.clone(), url.clone(), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Graph { url, tenant }
    }
}

async fn serve(
    tenant: Arc<Mutex<Tenant>>,
    url: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    let mut tenant = tenant.lock();
    let base = format!("{url}/v1.0");
    let (status, body, retry) = if path.ends_with("/oauth2/v2.0/token") {
        let form = String::from_utf8_lossy(&bytes).into_owned();
        if form.contains("client_secret=a-secret") && form.contains("%2F.default") {
            (200, json!({ "token_type": "Bearer", "access_token": format!("token-{}", tenant.token) }), None)
        } else {
            (
                401,
                json!({ "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret" }),
                None,
            )
        }
    } else if token != Some(format!("Bearer token-{}", tenant.token)) {
        (
            401,
            json!({ "error": { "code": "InvalidAuthenticationToken", "message": "Lifetime validation failed" } }),
            None,
        )
    } else if let Some((status, after)) = tenant.refusals.pop_front() {
        (status, json!({ "error": { "code": "TooManyRequests", "message": "" } }), Some(after))
    } else {
        let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        let (status, body) = tenant.answer(&base, &method, path.strip_prefix("/v1.0").unwrap_or(&path), &body);
        (status, body, None)
    };
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    if let Some(retry) = retry {
        response = response.header("Retry-After", retry.to_string());
    }
    Ok(response.body(Full::new(bytes)).unwrap())
}

fn missing(what: &str) -> Answer {
    (
        404,
        json!({ "error": { "code": "Request_ResourceNotFound", "message": format!("Resource '{what}' does not exist") } }),
    )
}

fn bad(message: &str) -> Answer {
    (400, json!({ "error": { "code": "Request_BadRequest", "message": message } }))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl Tenant {
    fn batch(&mut self, base: &str, body: &Json) -> Answer {
        let requests = body["requests"].as_array().cloned().unwrap_or_default();
        assert!(requests.len() <= 20, "a batch holds twenty at most");
        // In another order than they were asked.
        let answers = requests.iter().rev().map(|one| {
            let (method, url) = (one["method"].as_str().unwrap(), one["url"].as_str().unwrap());
            let (status, body) = self.answer(base, method, url, &one["body"]);
            json!({ "id": one["id"], "status": status, "headers": {}, "body": body })
        });
        (200, json!({ "responses": answers.collect::<Vec<_>>() }))
    }

    fn answer(&mut self, base: &str, method: &str, path: &str, body: &Json) -> Answer {
        self.requests.push(format!("{method} {path}"));
        if path == "/$batch" {
            return self.batch(base, body);
        }
        let (route, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<String> = route.trim_start_matches('/').split('/').map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let query: Vec<(String, String)> =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), decode(v))).collect();
        let option = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (method, parts.as_slice()) {
            ("GET", ["organization"]) => (200, json!({ "value": [{ "id": "t-1", "displayName": "Relief" }] })),
            ("GET", [kind @ ("users" | "groups"), "delta"]) => self.delta(base, kind, option("$deltatoken")),
            ("GET", ["users"]) => self.list(base, route, &self.users.clone(), option("$filter"), option("$skiptoken")),
            ("GET", ["groups"]) => {
                self.list(base, route, &self.groups.clone(), option("$filter"), option("$skiptoken"))
            }
            ("POST", ["users"]) => self.make_user(body),
            ("POST", ["groups"]) => self.make("groups", body),
            ("GET", ["users", id, "memberOf"]) => {
                let of = self.members.iter().filter(|(_, member)| member == id);
                (200, json!({ "value": of.map(|(group, _)| json!({ "id": group })).collect::<Vec<_>>() }))
            }
            ("POST", ["users", id, "revokeSignInSessions"]) => {
                let user = self.users.iter_mut().find(|user| user["id"] == *id).unwrap();
                user["signInSessionsValidFromDateTime"] = json!("2026-11-30T07:00:00Z");
                (200, json!({ "value": true }))
            }
            ("POST", ["users", id, "assignLicense"]) => {
                let user = self.users.iter_mut().find(|user| user["id"] == *id).unwrap();
                let adds = body["addLicenses"].as_array().unwrap().clone();
                user["assignedLicenses"] = Json::Array(adds);
                (200, user.clone())
            }
            ("GET", [kind @ ("users" | "groups"), id]) => {
                let all = if *kind == "users" { &self.users } else { &self.groups };
                let found = all.iter().find(|one| one["id"] == *id || one["userPrincipalName"] == *id);
                found.map_or_else(|| missing(id), |one| (200, one.clone()))
            }
            ("PATCH", [kind @ ("users" | "groups"), id]) => self.patch(kind, id, body),
            ("DELETE", ["users", id]) => {
                let Some(at) = self.users.iter().position(|one| one["id"] == *id) else { return missing(id) };
                let gone = self.users.remove(at);
                self.changes.push(("users", json!({ "id": id, "@removed": { "reason": "changed" } })));
                self.deleted.push(gone);
                (204, Json::Null)
            }
            ("GET", ["directory", "deletedItems", "microsoft.graph.user"]) => (200, json!({ "value": self.deleted })),
            ("POST", ["directory", "deletedItems", id, "restore"]) => {
                let Some(at) = self.deleted.iter().position(|one| one["id"] == *id) else { return missing(id) };
                let back = self.deleted.remove(at);
                self.users.push(back.clone());
                (200, back)
            }
            (_, ["groups", id, rest @ ..]) => self.group(base, method, id, rest, body, option("$skiptoken")),
            (_, parts) => self.tenant_wide(method, parts, option("$filter"), body),
        }
    }

    /// Everything beside users and groups.
    fn tenant_wide(&mut self, method: &str, parts: &[&str], filter: Option<&str>, body: &Json) -> Answer {
        match (method, parts) {
            ("GET", ["subscribedSkus"]) => (
                200,
                json!({ "value": [{ "id": "t_s", "skuId": "sku-1", "skuPartNumber": "SPE_E3", "consumedUnits": 4, "prepaidUnits": { "enabled": 10 } }] }),
            ),
            ("GET", ["roleManagement", "directory", "roleAssignments"]) => {
                let wanted = filter.and_then(|text| text.split('\'').nth(1)).map(str::to_owned);
                let hit = |one: &&Json| {
                    wanted.as_deref().is_none_or(|id| one["principalId"] == id || one["roleDefinitionId"] == id)
                };
                (200, json!({ "value": self.roles.iter().filter(hit).collect::<Vec<_>>() }))
            }
            ("GET", ["roleManagement", "directory", "roleDefinitions", id]) => {
                (200, json!({ "id": id, "displayName": "Helpdesk Administrator" }))
            }
            ("POST", ["roleManagement", "directory", "roleAssignments"]) => {
                let mut made = body.clone();
                made["id"] = json!(format!("ra-{}", self.roles.len()));
                self.roles.push(made.clone());
                (201, made)
            }
            ("DELETE", ["roleManagement", "directory", "roleAssignments", id]) => {
                self.roles.retain(|one| one["id"] != *id);
                (204, Json::Null)
            }
            ("GET", ["oauth2PermissionGrants"]) => (200, json!({ "value": self.grants })),
            ("GET", ["oauth2PermissionGrants", id]) => {
                self.grants.iter().find(|one| one["id"] == *id).map_or_else(|| missing(id), |one| (200, one.clone()))
            }
            ("DELETE", ["oauth2PermissionGrants", id]) => {
                self.grants.retain(|one| one["id"] != *id);
                (204, Json::Null)
            }
            ("GET", ["servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"]) => {
                (200, json!({ "id": "sp-graph", "appRoles": [{ "id": "r-mail", "value": "Mail.ReadWrite" }] }))
            }
            ("GET", ["servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", "appRoleAssignedTo"]) => (
                200,
                json!({ "value": [{ "id": "a-1", "principalId": "sp-9", "principalType": "ServicePrincipal",
                    "principalDisplayName": "Mail Helper", "resourceId": "sp-graph", "appRoleId": "r-mail" }] }),
            ),
            ("GET", ["identity", "conditionalAccess", "policies"]) => (200, json!({ "value": self.policies })),
            _ => bad(&format!("no such path: {method} {parts:?}")),
        }
    }

    fn list(&self, base: &str, route: &str, all: &[Json], filter: Option<&str>, skip: Option<&str>) -> Answer {
        if let Some(filter) = filter {
            let (name, value) = filter.split_once(" eq ").unwrap();
            let hit = |one: &&Json| !self.index_lags && one[name] == value.trim_matches('\'');
            return (200, json!({ "value": all.iter().filter(hit).collect::<Vec<_>>() }));
        }
        let start: usize = skip.map_or(0, |text| text.parse().unwrap());
        let mut page = json!({ "value": all.iter().skip(start).take(self.page).collect::<Vec<_>>() });
        if start + self.page < all.len() {
            page["@odata.nextLink"] = json!(format!("{base}{route}?$skiptoken={}", start + self.page));
        }
        (200, page)
    }

    fn make_user(&mut self, body: &Json) -> Answer {
        for needed in ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"] {
            if body.get(needed).is_none() {
                return bad(&format!("A value is required for property '{needed}' of resource 'User'."));
            }
        }
        if self.users.iter().any(|user| user["userPrincipalName"] == body["userPrincipalName"]) {
            return bad("Another object with the same value for property userPrincipalName already exists.");
        }
        self.make("users", body)
    }

    fn make(&mut self, kind: &'static str, body: &Json) -> Answer {
        self.next += 1;
        let mut made = body.clone();
        made["id"] = json!(format!("{}-{}", &kind[..1], self.next));
        made.as_object_mut().unwrap().remove("passwordProfile");
        let all = if kind == "users" { &mut self.users } else { &mut self.groups };
        all.push(made.clone());
        self.changes.push((kind, json!({ "id": made["id"] })));
        (201, made)
    }

    fn patch(&mut self, kind: &str, id: &str, body: &Json) -> Answer {
        let (kind, all) = if kind == "users" { ("users", &mut self.users) } else { ("groups", &mut self.groups) };
        let Some(one) = all.iter_mut().find(|one| one["id"] == id) else { return missing(id) };
        for (name, value) in body.as_object().unwrap() {
            one[name] = value.clone();
        }
        self.changes.push((kind, json!({ "id": id })));
        (204, Json::Null)
    }

    fn group(&mut self, base: &str, method: &str, id: &str, rest: &[&str], body: &Json, skip: Option<&str>) -> Answer {
        let shown = |member: &str| {
            let kind = if member.starts_with('g') { "group" } else { "user" };
            json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": member, "displayName": member })
        };
        match (method, rest) {
            ("GET", ["members"]) => {
                let all: Vec<Json> = self.members.iter().filter(|(g, _)| g == id).map(|(_, m)| shown(m)).collect();
                self.list(base, &format!("/groups/{id}/members"), &all, None, skip)
            }
            ("GET", ["transitiveMembers"]) => {
                let (mut open, mut seen) = (vec![id.to_owned()], Vec::<String>::new());
                while let Some(group) = open.pop() {
                    for (_, member) in self.members.iter().filter(|(g, _)| *g == group) {
                        if !seen.contains(member) {
                            seen.push(member.clone());
                            open.push(member.clone());
                        }
                    }
                }
                (200, json!({ "value": seen.iter().map(|one| shown(one)).collect::<Vec<_>>() }))
            }
            ("GET", ["owners"]) => (200, json!({ "value": [shown("u-1")] })),
            ("POST", ["members", "$ref"]) => {
                let member = body["@odata.id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let pair = (id.to_owned(), member.clone());
                if self.members.contains(&pair) {
                    return bad(
                        "One or more added object references already exist for the following modified properties: 'members'.",
                    );
                }
                self.members.push(pair);
                self.changes.push(("groups", json!({ "id": id, "members@delta": [{ "id": member }] })));
                (204, Json::Null)
            }
            ("DELETE", ["members", member, "$ref"]) => {
                let before = self.members.len();
                self.members.retain(|pair| *pair != (id.to_owned(), (*member).to_owned()));
                if self.members.len() == before { missing(member) } else { (204, Json::Null) }
            }
            _ => missing(id),
        }
    }

    fn delta(&self, base: &str, kind: &str, token: Option<&str>) -> Answer {
        let link = |at: usize| format!("{base}/{kind}/delta?$deltatoken={at}");
        let start: usize = match token {
            Some("latest") => self.changes.len(),
            Some(text) => text.parse().unwrap(),
            None => 0,
        };
        if start < self.oldest {
            return (
                410,
                json!({ "error": { "code": "syncStateNotFound", "message": "The sync state generation is not found" } }),
            );
        }
        let end = self.changes.len().min(start + self.page);
        let told: Vec<&Json> =
            self.changes[start..end].iter().filter(|(of, _)| *of == kind).map(|(_, one)| one).collect();
        let key = if end < self.changes.len() { "@odata.nextLink" } else { "@odata.deltaLink" };
        (200, json!({ "value": told, key: link(end) }))
    }
}
