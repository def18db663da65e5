//! Who may do what: every operation of the contract against every role and every scope.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use kernel::ScalarType;
use kernel::port::FactTables;
use serde_json::Value as Json;
use server::Operation;
use server::api::tokens::Scope;
use server::api::users::Role;
use server::authorise::{Asker, Authority};
use server::table_rights::{Reading, TABLE_RIGHTS, reading};

use crate::house::{Client, House};

/// One column for nobody, one for each role, one for each scope of a token that an administrator owns.
fn row(authority: &Authority, operation: &Operation) -> String {
    let mark = |asker: Asker<'_>| if authority.permits(asker, operation.action, Some("any")) { "yes" } else { "  -" };
    let mut row = format!("{:<5}{:<32}", operation.method.as_str(), operation.path.trim_start_matches("/api/v1"));
    write!(row, "{:>5}", mark(Asker::Anonymous)).unwrap();
    for role in Role::ALL {
        write!(row, "{:>5}", mark(Asker::User { roles: &[role] })).unwrap();
    }
    row.push_str("   |");
    for scope in Scope::ALL {
        let asker = Asker::Token { owner_roles: &[Role::Administrator], scopes: &[scope], target: None };
        write!(row, "{:>5}", mark(asker)).unwrap();
    }
    row
}

#[tokio::test]
async fn every_operation_and_every_role() {
    let house = House::new().await;
    let authority = Authority::shipped().unwrap();
    let mut table = format!("{:<37}{:>5}", "", "none");
    for role in Role::ALL {
        write!(table, "{:>5}", &role.as_str()[..4]).unwrap();
    }
    table.push_str("   |");
    for scope in Scope::ALL {
        write!(table, "{:>5}", &scope.as_str()[..4]).unwrap();
    }
    for operation in house.server.operations().all() {
        write!(table, "\n{}", row(&authority, operation)).unwrap();
    }
    insta::assert_snapshot!("authorisation_matrix", table);
}

/// One column for each role, one for each scope of a token that an administrator owns.
fn table_row(authority: &Authority, table: &str) -> String {
    let mark = |asker: Asker<'_>| match reading(authority, asker, table) {
        Reading::Everything => "all",
        Reading::Own(_) => "own",
        Reading::Nothing => "  -",
    };
    let mut row = format!("{table:<20}");
    for role in Role::ALL {
        write!(row, "{:>5}", mark(Asker::User { roles: &[role] })).unwrap();
    }
    row.push_str("   |");
    for scope in Scope::ALL {
        let asker = Asker::Token { owner_roles: &[Role::Administrator], scopes: &[scope], target: None };
        write!(row, "{:>5}", mark(asker)).unwrap();
    }
    row
}

/// A table of facts that names no action is read by nobody, which is a mistake of whoever made the table.
#[tokio::test]
async fn every_table_of_facts_and_every_role() {
    let house = House::new().await;
    let authority = Authority::shipped().unwrap();
    let mut lines = format!("{:<20}", "");
    for role in Role::ALL {
        write!(lines, "{:>5}", &role.as_str()[..4]).unwrap();
    }
    lines.push_str("   |");
    for scope in Scope::ALL {
        write!(lines, "{:>5}", &scope.as_str()[..4]).unwrap();
    }
    let tables = FactTables::tables(&house.store);
    for table in &tables {
        let right = TABLE_RIGHTS.iter().find(|right| right.table == table.name);
        let right = right.unwrap_or_else(|| panic!("`{}` needs a line in TABLE_RIGHTS", table.name));
        if let Some(own) = right.own {
            assert_eq!(table.column(own.column).map(|column| column.scalar), Some(ScalarType::String), "{own:?}");
        }
        write!(lines, "\n{}", table_row(&authority, &table.name)).unwrap();
    }
    for right in TABLE_RIGHTS {
        assert!(tables.iter().any(|table| table.name == right.table), "there is no table {}", right.table);
    }
    insta::assert_snapshot!("table_matrix", lines);
}

/// The contract that clients see has no operation that the table above has not.
#[tokio::test]
async fn the_contract_and_the_matrix_have_the_same_operations() {
    let house = House::new().await;
    let contract: Json = serde_json::from_str(&server::openapi_json()).unwrap();
    let mut documented: Vec<String> = Vec::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        documented
            .extend(methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let mut registered: Vec<String> =
        house.server.operations().all().iter().map(|op| format!("{} {}", op.method, op.path)).collect();
    documented.sort();
    registered.sort();
    assert_eq!(documented, registered);
}

fn request(operation: &Operation) -> Request<Body> {
    let path = operation.path.replace("{id}", "none-such").replace("{target}", "any");
    Request::builder()
        .method(operation.method.clone())
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap()
}

/// The router does what the table says: a sample of real people, every operation, over the whole stack.
#[tokio::test]
async fn the_guard_keeps_to_the_matrix() {
    let house = House::new().await;
    let authority = Authority::shipped().unwrap();
    let root = house.administrator().await;
    for role in [None, Some(Role::Auditor), Some(Role::Analyst), Some(Role::Operator), Some(Role::Engineer)] {
        let client = match role {
            None => Client::default(),
            Some(role) => house.person(&root, role.as_str(), &[role.as_str()]).await,
        };
        for operation in house.server.operations().all() {
            // Ends the session that the rest of the walk needs.
            if operation.id == "logout" {
                continue;
            }
            let roles: Vec<Role> = role.into_iter().collect();
            let asker = if roles.is_empty() { Asker::Anonymous } else { Asker::User { roles: &roles } };
            let permitted = authority.permits(asker, operation.action, Some("any"));
            let (status, problem) = house.refusal(&client, request(operation)).await;
            // SCIM has a form of its own for refusals, without room for the action.
            let denied = if operation.path.starts_with("/scim/") {
                matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            } else {
                problem.is_some_and(|problem| problem["parameters"].get("action").is_some())
            };
            assert_eq!(denied, !permitted, "{role:?} {} {}: {status}", operation.method, operation.path);
            if denied {
                let expected = if role.is_none() { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
                assert_eq!(status, expected, "{} {}", operation.method, operation.path);
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    let house = House::new().await;
    house.administrator().await;
    for wrong in ["vgt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", "x", "vgs_link"] {
        let client = Client::with_token(wrong);
        for operation in house.server.operations().all() {
            let (status, _) = house.refusal(&client, request(operation)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong:?} {} {}", operation.method, operation.path);
        }
    }
    let basic =
        Request::get("/api/v1/users").header("authorization", "Basic cm9vdDpyb290").body(Body::empty()).unwrap();
    assert_eq!(house.refusal(&Client::default(), basic).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_ingest_token_delivers_to_its_target_and_does_nothing_else() {
    let house = House::new().await;
    let root = house.administrator().await;
    let source = serde_json::json!({"name": "dc-01", "format": "windows-json", "reason": "new controller"});
    let connected = house.post(&root, "/sources", source).await;
    assert_eq!(connected.status, StatusCode::CREATED, "{}", connected.text());
    assert_eq!(connected.json()["path"], "/api/v1/ingest/dc-01");
    let token = Client::with_token(connected.json()["token"]["secret"].as_str().unwrap());
    for operation in house.server.operations().all() {
        let path = operation.path.replace("{id}", "none-such").replace("{target}", "dc-01");
        let request = Request::builder().method(operation.method.clone()).uri(path);
        let request = request.header("content-type", "application/json").body(Body::from("{}")).unwrap();
        let (status, _) = house.refusal(&token, request).await;
        let open = matches!(operation.action.as_str(), "ingest" | "enter");
        assert_eq!(status == StatusCode::FORBIDDEN, !open, "{} {}: {status}", operation.method, operation.path);
    }
    let other = Request::post("/api/v1/ingest/SecurityEvent").body(Body::from("{}")).unwrap();
    assert_eq!(house.refusal(&token, other).await.0, StatusCode::FORBIDDEN);
    let wrong_method = Request::builder().method(Method::PUT).uri("/api/v1/ingest/dc-01").body(Body::empty()).unwrap();
    assert_eq!(house.refusal(&token, wrong_method).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
