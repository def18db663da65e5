//! Resources in the database.

use kernel::Actor;
use scim::{Client, Error, Kind, ListRequest, Precondition, Scim, SortOrder};
use serde_json::{Value as Json, json};
use store::Store;
use testkit::{CountingRandomness, TestClock};

async fn room(url: &str) -> Scim {
    Scim::new(Store::open(url, TestClock::noon(), CountingRandomness::seeded(1)).await.expect("store"))
}

fn actor() -> Client {
    Client { name: "hr".to_owned(), actor: Actor::Token("token-1".into()) }
}

fn user(name: &str) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": format!("x-{name}") })
}

fn group(name: &str, members: &[&str]) -> Json {
    let members: Vec<Json> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members })
}

fn operations(operations: Json) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn status<T>(result: Result<T, Error>) -> u16 {
    result.err().map_or(200, |error| error.status())
}

pub async fn every_statement_prepares(url: String) {
    let store = Store::open(&url, TestClock::noon(), CountingRandomness::seeded(1)).await.expect("store");
    for statement in scim::sql::STATEMENTS {
        store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in scim::FACT_TABLES {
        store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

pub async fn a_user_from_first_to_last(url: String) {
    let room = room(&url).await;
    let made = room.create(&actor(), Kind::User, &user("Amina")).await.unwrap();
    assert_eq!((made.version, made.body["userName"].as_str()), (1, Some("Amina")));
    assert_eq!(
        status(room.create(&actor(), Kind::User, &user("AMINA")).await),
        409,
        "a name belongs to one, without case"
    );
    assert_eq!(status(room.create(&actor(), Kind::User, &json!({ "userName": "x" })).await), 400, "no schemas");
    let patch = operations(json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let patched = room.patch(&actor(), Kind::User, &made.id, &patch, &Precondition::Versions(vec![1])).await.unwrap();
    assert_eq!((patched.version, &patched.body["active"]), (2, &json!(false)));
    let same = room.patch(&actor(), Kind::User, &made.id, &patch, &Precondition::None).await.unwrap();
    assert_eq!(same.version, 2, "what changes nothing is no version");
    let stale = room.patch(&actor(), Kind::User, &made.id, &patch, &Precondition::Versions(vec![1])).await;
    assert_eq!(status(stale), 412);
    let bad = operations(json!([
        { "op": "add", "path": "title", "value": "Chief" }, { "op": "add", "path": "nonsense", "value": 1 }
    ]));
    assert_eq!(status(room.patch(&actor(), Kind::User, &made.id, &bad, &Precondition::None).await), 400);
    assert!(room.get(Kind::User, &made.id).await.unwrap().body.get("title").is_none(), "whole or not at all");
    let unnamed = operations(json!([{ "op": "remove", "path": "userName" }]));
    assert_eq!(status(room.patch(&actor(), Kind::User, &made.id, &unnamed, &Precondition::None).await), 400);
    room.create(&actor(), Kind::User, &user("bo")).await.unwrap();
    let taken = room.replace(&actor(), Kind::User, &made.id, &user("BO"), &Precondition::None).await;
    assert_eq!(status(taken), 409);
    room.replace(&actor(), Kind::User, &made.id, &user("Amina.D"), &Precondition::None).await.unwrap();
    assert!(room.get(Kind::User, &made.id).await.unwrap().body.get("active").is_none(), "replaced is replaced");
    assert_eq!(status(room.get(Kind::Group, &made.id).await), 404);
    room.delete(&actor(), Kind::User, &made.id, &Precondition::None).await.unwrap();
    assert_eq!(status(room.get(Kind::User, &made.id).await), 404);
    assert_eq!(status(room.delete(&actor(), Kind::User, &made.id, &Precondition::None).await), 404);
}

pub async fn groups_hold_who_is_there(url: String) {
    let room = room(&url).await;
    let one = room.create(&actor(), Kind::User, &user("one")).await.unwrap().id;
    let two = room.create(&actor(), Kind::User, &user("two")).await.unwrap().id;
    let early = room.create(&actor(), Kind::Group, &group("early", &["not-yet"])).await.unwrap();
    assert_eq!(early.to_json("")["members"], json!([{ "value": "not-yet" }]), "named before it is provisioned");
    assert_eq!(status(room.create(&actor(), Kind::Group, &group("g", &[&"x".repeat(300)])).await), 400);
    let inner = room.create(&actor(), Kind::Group, &group("inner", &[&two])).await.unwrap().id;
    let made = room.create(&actor(), Kind::Group, &group("outer", &[&one, &inner])).await.unwrap();
    let shown = made.to_json("http://x/scim/v2");
    assert_eq!(shown["members"].as_array().unwrap().len(), 2);
    assert!(shown["members"].to_string().contains(&format!("http://x/scim/v2/Groups/{inner}")), "{shown}");
    let itself = operations(json!([{ "op": "add", "path": "members", "value": [{ "value": made.id }] }]));
    assert_eq!(status(room.patch(&actor(), Kind::Group, &made.id, &itself, &Precondition::None).await), 400);
    let remove = operations(json!([{ "op": "Remove", "path": format!("members[value eq \"{inner}\"]") }]));
    let after = room.patch(&actor(), Kind::Group, &made.id, &remove, &Precondition::None).await.unwrap();
    assert_eq!(after.body["members"].as_array().unwrap().len(), 1);
    assert_eq!(room.get(Kind::User, &one).await.unwrap().body["groups"][0]["display"], "outer");
    room.delete(&actor(), Kind::User, &one, &Precondition::None).await.unwrap();
    assert!(room.get(Kind::Group, &made.id).await.unwrap().body.get("members").is_none(), "who is gone is in no group");
}

pub async fn lists_in_all_ways(url: String) {
    let room = room(&url).await;
    for number in 0..25 {
        room.create(&actor(), Kind::User, &user(&format!("u{number:02}"))).await.unwrap();
    }
    let list = async |request: ListRequest| room.list(Kind::User, &request).await.unwrap();
    let filter = |text: &str| ListRequest { filter: Some(text.to_owned()), ..ListRequest::default() };
    assert_eq!(list(ListRequest::default()).await.total, Some(25));
    for text in [
        "userName eq \"U07\"",
        "externalId eq \"x-u07\"",
        "not (userName ne \"u07\")",
        "userName sw \"u07\" and userName pr",
    ] {
        let found = list(filter(text)).await;
        assert_eq!((found.total, found.resources[0].body["userName"].as_str()), (Some(1), Some("u07")), "{text}");
    }
    assert_eq!(list(filter("externalId eq \"X-U07\"")).await.total, Some(0), "case matters there");
    let page = ListRequest { start_index: Some(21), count: Some(10), ..ListRequest::default() };
    let page = list(page).await;
    assert_eq!((page.resources.len(), page.start_index, page.total), (5, 21, Some(25)));
    let none = list(ListRequest { count: Some(0), ..ListRequest::default() }).await;
    assert_eq!((none.resources.len(), none.total), (0, Some(25)));
    let sorted = ListRequest {
        sort_by: Some("userName".into()),
        sort_order: Some(SortOrder::Descending),
        count: Some(2),
        ..ListRequest::default()
    };
    let sorted = list(sorted).await;
    assert_eq!(
        sorted.resources.iter().map(|one| one.body["userName"].as_str().unwrap()).collect::<Vec<_>>(),
        ["u24", "u23"]
    );
    let (mut seen, mut cursor) = (0, Some(String::new()));
    while let Some(now) = cursor {
        let page = ListRequest { cursor: Some(now), count: Some(10), ..filter("userName co \"u\"") };
        let page = list(page).await;
        seen += page.resources.len();
        cursor = page.next_cursor;
    }
    assert_eq!(seen, 25);
    let bad = room.list(Kind::User, &filter("userName is 1")).await;
    assert_eq!(status(bad), 400);
}

pub async fn what_a_client_provisions_is_one_set(url: String) {
    let room = room(&url).await;
    assert_eq!(room.provisioned("hr").await.unwrap(), None, "never heard of");
    let one = room.create(&actor(), Kind::User, &user("one")).await.unwrap().id;
    let other = Client { name: "entra".to_owned(), actor: Actor::Token("token-2".into()) };
    room.create(&other, Kind::User, &user("two")).await.unwrap();
    room.create(&actor(), Kind::Group, &group("g", &[&one])).await.unwrap();
    let state = |name: &str, changes, users| (name.to_owned(), changes, users);
    let seen = async || {
        let all = room.clients().await.unwrap();
        all.into_iter().map(|one| (one.client, one.changes, one.users)).collect::<Vec<_>>()
    };
    assert_eq!(seen().await, [state("entra", 1, 1), state("hr", 2, 1)]);
    // A program touches nothing of another's; whoever changes it, it is the set of the client that made it that changes.
    let foreign = room.replace(&other, Kind::User, &one, &user("uno"), &Precondition::None).await;
    assert_eq!(status(foreign), 403);
    assert_eq!(status(room.delete(&other, Kind::User, &one, &Precondition::None).await), 403);
    let person = Client::from(Actor::User("user-1".to_owned()));
    room.replace(&person, Kind::User, &one, &user("uno"), &Precondition::None).await.unwrap();
    assert_eq!(seen().await, [state("entra", 1, 1), state("hr", 3, 1)]);
    let held = room.provisioned("hr").await.unwrap().unwrap();
    assert_eq!(held.users.iter().map(|one| one.body["userName"].as_str().unwrap()).collect::<Vec<_>>(), ["uno"]);
    assert_eq!(Some(held.changed), room.changed("hr").await.unwrap());
    room.delete(&actor(), Kind::User, &one, &Precondition::None).await.unwrap();
    assert_eq!(room.provisioned("hr").await.unwrap().unwrap().users, Vec::new(), "an empty set is a set");
    assert_eq!(seen().await, [state("entra", 1, 1), state("hr", 4, 0)]);
}
