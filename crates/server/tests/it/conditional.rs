//! Conditional access and consents over the API.

use std::sync::Arc;

use axum::http::StatusCode;
use connector::memory::Memory;
use connector::{
    Attributes, Capabilities, Capability, Change, Connector, NewObject, ObjectClass, ObjectKey, Operation,
    ProtectionRules, Schema,
};
use serde_json::{Value as Json, json};

use crate::house::{Client, House, Reply};

const SECOND_FACTOR: &str = "forbid(principal, action == Action::\"sign-in\", resource)\n\
    unless { context.authentication_strength >= 2 }\nunless { principal.break_glass };";

const TENANT: &str = r#"
[system.entra]
title = "Cloud directory"
owner = "P-1"
connector = { kind = "entra" }
anchor = "employeeId"
break_glass = ["glass@relief.example"]
[system.entra.login]
template = "{{ person.family_name | lower }}@relief.example"
scope = "entra"
"#;

async fn make(target: &Memory, class: ObjectClass, name: &str, attributes: Attributes) -> String {
    let key = ObjectKey::correlation(class, "mark", name);
    let new = NewObject { name: name.to_owned(), attributes: attributes.with("mark", name), ..NewObject::default() };
    target.write(&Operation::new("make", key, Change::Create(new))).await.unwrap().id.as_str().to_owned()
}

/// A tenant with a policy of its own, an account of the last resort, and an application that reads mail.
async fn tenant(house: &House) -> Arc<Memory> {
    let classes = [
        ObjectClass::Account,
        ObjectClass::Group,
        ObjectClass::Application,
        ObjectClass::ConsentGrant,
        ObjectClass::ConditionalAccessPolicy,
    ];
    let can = [Capability::Create, Capability::Update, Capability::Delete, Capability::Groups];
    let target = Arc::new(Memory::with(
        "entra",
        Capabilities::of(&classes, &can),
        Schema::default(),
        ProtectionRules::default(),
    ));
    let policy = json!({ "id": "ca-1", "displayName": "Old protocols", "state": "enabled",
        "conditions": { "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
            "clientAppTypes": ["exchangeActiveSync", "other"] },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] } });
    let attributes = Attributes::new().with("policy", policy.to_string().as_str());
    make(&target, ObjectClass::ConditionalAccessPolicy, "Old protocols", attributes).await;
    let application =
        make(&target, ObjectClass::Application, "Mail Helper", Attributes::new().with("appId", "app-9")).await;
    let grant = Attributes::new()
        .with("clientId", application.as_str())
        .with("resourceId", "graph")
        .with("principalId", "id-osei")
        .with("scope", "Mail.ReadWrite");
    make(&target, ObjectClass::ConsentGrant, "grant", grant).await;
    house.targets.put("entra", target.clone());
    target
}

async fn save(house: &House, client: &Client, state: &str, cedar: &str) -> Reply {
    let body = json!({ "title": "A second factor", "owner": "P-1", "state": state, "cedar": cedar });
    let saved = json!({ "kind": "conditional-access", "key": "mfa", "body": body, "reason": "the plan of the year" });
    house.post(client, "/access/documents", saved).await
}

async fn get(house: &House, client: &Client, path: &str) -> Json {
    let reply = house.get(client, path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    // What others build on is shown by `--nocapture`.
    println!("GET {path}\n{}\n", serde_json::to_string_pretty(&reply.json()).unwrap());
    reply.json()
}

async fn post(house: &House, client: &Client, path: &str, body: Json) -> Json {
    let reply = house.post(client, path, body.clone()).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    println!("POST {path}\n{body}\n{}\n", serde_json::to_string_pretty(&reply.json()).unwrap());
    reply.json()
}

#[tokio::test]
async fn policies_are_written_tried_on_recorded_sign_ins_and_compared_with_the_tenant() {
    let house = House::new().await;
    let root = house.administrator().await;
    tenant(&house).await;
    let put = axum::http::Method::PUT;
    let saved = house.call(&root, put, "/identity/documents", json!({ "toml": TENANT, "reason": "begin" })).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());

    let naked = save(&house, &root, "on", &SECOND_FACTOR.replace("unless { principal.break_glass }", "")).await;
    assert_eq!(naked.status.as_u16(), 422, "{}", naked.text());
    assert!(naked.text().contains("break_glass"), "{}", naked.text());
    assert_eq!(save(&house, &root, "report-only", SECOND_FACTOR).await.status, StatusCode::OK);
    let listed = get(&house, &root, "/access/conditional/policies").await;
    assert_eq!((&listed["records"][0]["key"], &listed["records"][0]["version"]), (&json!("mfa"), &json!(1)));
    let versions = get(&house, &root, "/access/conditional/policies/mfa/versions").await;
    assert_eq!(versions["records"][0]["reason"], "the plan of the year");

    let blocks_old = "forbid(principal, action == Action::\"sign-in\", resource) when { context.client == \"other\" };";
    let draft = json!({ "key": "old", "title": "Old protocols", "cedar": blocks_old });
    let tried = post(&house, &root, "/access/conditional/what-if", json!({ "days": 7, "drafts": [draft] })).await;
    let report = &tried["report"];
    assert_eq!((&tried["circumstances"], &report["considered"]["sign_ins"]), (&json!(4), &json!(53)));
    assert_eq!(report["blocked"], json!({ "sign_ins": 7, "people": 1 }));
    assert_eq!(
        report["asked"]["second-factor"]["sign_ins"], 6,
        "glass is not known at the tenant yet, and is asked, too"
    );
    assert_eq!(report["affected"][0]["name"], "lind@relief.example");
    let bad = json!({ "drafts": [{ "key": "x", "title": "x", "cedar": "permit(principal, action, resource);" }] });
    assert_eq!(house.post(&root, "/access/conditional/what-if", bad).await.status.as_u16(), 422);
    let unread = house.post(&root, "/access/conditional/what-if", json!({ "against": "entra" })).await;
    assert_eq!(unread.status, StatusCode::NOT_FOUND, "nobody has read the tenant yet");

    let consents = post(&house, &root, "/access/tenants/entra/looks", json!({})).await;
    let consent = &consents["records"][0];
    assert_eq!((&consent["application_name"], &consent["state"]), (&json!("Mail Helper"), &json!("active")));
    let pairs = get(&house, &root, "/access/tenants/entra/comparison").await;
    let relations: Vec<_> = pairs["records"].as_array().unwrap().iter().map(|pair| &pair["relation"]).collect();
    assert_eq!(relations, ["missing", "unmanaged"]);
    let against = json!({ "against": "entra", "policies": ["mfa"] });
    let against = post(&house, &root, "/access/conditional/what-if", against).await;
    let first = &against["report"]["affected"][0];
    assert_eq!(first["after"], json!({ "outcome": "asked", "control": "second-factor" }));
    assert_eq!((&first["name"], &first["sign_ins"]), (&json!("osei@relief.example"), &json!(5)));
    let gaps = get(&house, &root, "/access/conditional/gaps?source=entra&days=7").await;
    let kinds: Vec<_> = gaps["report"]["gaps"].as_array().unwrap().iter().map(|gap| &gap["kind"]).collect();
    assert!(kinds.contains(&&json!("no-second-factor")) && !kinds.contains(&&json!("legacy-protocol")), "{gaps}");
    let glass = get(&house, &root, "/access/conditional/break-glass").await;
    assert_eq!(glass["report"]["held_up"], json!([]));
    let exported = get(&house, &root, "/access/conditional/policies/mfa/entra").await;
    assert_eq!(exported["records"][0]["policy"]["grantControls"]["builtInControls"], json!(["mfa"]));
    assert!(get(&house, &root, "/access/conditional/schema").await["schema"].as_str().unwrap().contains("break_glass"));

    let id = consent["id"].as_str().unwrap();
    let accepted = post(&house, &root, &format!("/access/consents/{id}/accept"), json!({ "reason": "known" })).await;
    assert_eq!(accepted["record"]["state"], "accepted");
    let gone = post(&house, &root, &format!("/access/consents/{id}/restrict"), json!({ "reason": "unknown" })).await;
    assert_eq!(gone["record"]["state"], "restricted");
    assert_eq!(get(&house, &root, "/access/consents?system=entra").await["records"].as_array().unwrap().len(), 1);
    assert_eq!(get(&house, &root, "/access/tenants").await["records"][0]["directory"], "entra");
    assert_eq!(get(&house, &root, "/access/tenants/entra/policies").await["records"].as_array().unwrap().len(), 1);
    assert_eq!(house.get(&root, "/access/conditional/gaps?days=0").await.status.as_u16(), 422);
}

/// Rules of the Access desk are questions that KQL understands, over the tables that are shipped and those of the desks.
#[tokio::test]
async fn rules_of_the_desk_bind() {
    let house = House::new().await;
    let tables = kernel::schema::shipped_tables().into_iter().chain(kernel::port::FactTables::tables(&house.store));
    let catalog = kql::catalog::Catalog::new(tables);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/rules/identity");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (_, rule) = detect::scheduled::parse_sentinel(&path, &std::fs::read_to_string(&path).unwrap()).unwrap();
        rule.check().unwrap();
        let bound = kql::compile(&rule.query, &catalog);
        let is_error = |one: &&kernel::Diagnostic| one.level == kernel::diagnostic::Level::Error;
        let errors: Vec<_> = bound.diagnostics.iter().filter(is_error).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let query = bound.query.unwrap();
        for entity in &rule.entities {
            let known = query.plan.schema.iter().any(|column| column.name == entity.column);
            assert!(known, "{}: the answer has no column `{}`", path.display(), entity.column);
        }
        count += 1;
    }
    assert!(count >= 10, "{count}");
    for question in [identity::conditional::sign_ins(30), identity::last_use::question(30)] {
        let bound = kql::compile(&question, &catalog);
        assert!(bound.query.is_some(), "{:?}", bound.diagnostics);
    }
}

/// The question for sign-ins is one that KQL understands, over the columns that the shipped tables have.
#[test]
fn the_question_for_sign_ins_binds() {
    let catalog = kql::catalog::Catalog::new(kernel::schema::shipped_tables());
    let bound = kql::compile(&identity::conditional::sign_ins(30), &catalog);
    let errors: Vec<_> = bound.diagnostics.iter().filter(|one| one.level == kernel::diagnostic::Level::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
}
