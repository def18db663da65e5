//! Many operations in one request.

use kernel::Actor;
use scim::{Client, Error, Kind, Scim};
use serde_json::{Value as Json, json};
use store::Store;
use testkit::{CountingRandomness, TestClock};

const BASE: &str = "https://vigie.example/scim/v2";

struct Service {
    scim: Scim,
    by: Client,
}

impl Service {
    async fn open(url: &str) -> Service {
        let store = Store::open(url, TestClock::noon(), CountingRandomness::seeded(1)).await.expect("store");
        Service { scim: Scim::new(store), by: Client { name: "hr".to_owned(), actor: Actor::Token("token-1".into()) } }
    }

    async fn tried(&self, more: Json, operations: Vec<Json>) -> Result<Vec<Json>, Error> {
        let mut request =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        if let (Json::Object(request), Json::Object(more)) = (&mut request, more) {
            request.extend(more);
        }
        let answer = self.scim.bulk(&self.by, &request, BASE).await?;
        assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        Ok(answer["Operations"].as_array().unwrap().clone())
    }

    async fn bulk(&self, operations: Vec<Json>) -> Vec<Json> {
        self.tried(json!({}), operations).await.unwrap()
    }

    async fn names(&self, kind: Kind) -> Vec<String> {
        let listed = self.scim.list(kind, &scim::ListRequest::default()).await.unwrap();
        let name =
            |one: &scim::Stored| one.to_json("")[if kind == Kind::User { "userName" } else { "displayName" }].clone();
        listed.resources.iter().map(|one| name(one).as_str().unwrap().to_owned()).collect()
    }
}

fn user(bulk_id: &str, name: &str) -> Json {
    let data = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Json {
    let members: Vec<Json> = members.iter().map(|id| json!({ "type": "Group", "value": id })).collect();
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": { "schemas": schemas, "displayName": name, "members": members } })
}

fn statuses(results: &[Json]) -> Vec<&str> {
    results.iter().map(|one| one["status"].as_str().unwrap()).collect()
}

fn id(result: &Json) -> String {
    result["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// RFC 7644 §3.7: each has its result, in the order of the request, whatever becomes of the others.
pub async fn each_operation_has_its_result(url: String) {
    let service = Service::open(&url).await;
    let made = service.bulk(vec![user("a", "alice"), user("b", "bob"), user("c", "ALICE")]).await;
    assert_eq!(statuses(&made), ["201", "201", "409"]);
    assert_eq!(made[2]["response"]["scimType"], "uniqueness");
    assert_eq!(
        (&made[0]["bulkId"], &made[0]["method"], &made[0]["version"]),
        (&json!("a"), &json!("POST"), &json!("W/\"1\""))
    );
    let (alice, bob) = (format!("/Users/{}", id(&made[0])), format!("/Users/{}", id(&made[1])));
    assert_eq!(made[0]["location"], format!("{BASE}{alice}"));
    let off = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    let whole =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bob", "title": "Chief" });
    let done = service
        .bulk(vec![
            json!({ "method": "patch", "path": alice, "data": off }),
            json!({ "method": "PUT", "path": bob, "version": "W/\"7\"", "data": whole }),
            json!({ "method": "PUT", "path": bob, "version": "W/\"1\"", "data": whole }),
            json!({ "method": "DELETE", "path": alice }),
            json!({ "method": "DELETE", "path": alice }),
        ])
        .await;
    assert_eq!(statuses(&done), ["200", "412", "200", "204", "404"]);
    assert_eq!((&done[2]["version"], &done[3]["location"]), (&json!("W/\"2\""), &json!(format!("{BASE}{alice}"))));
    assert_eq!(service.names(Kind::User).await, ["bob"]);
    let wrong = [
        (json!(7), "an operation is no object"),
        (json!({ "path": "/Users" }), "without `method`"),
        (json!({ "method": "GET", "path": bob }), "none of POST, PUT, PATCH and DELETE"),
        (json!({ "method": "POST", "bulkId": "x", "path": "/Persons", "data": {} }), "none of /Users, /Users/ID"),
        (json!({ "method": "POST", "path": "/Users", "data": {} }), "needs a `bulkId`"),
        (json!({ "method": "POST", "path": bob, "bulkId": "x", "data": {} }), "the path of a POST"),
        (json!({ "method": "DELETE", "path": "/Users" }), "names a resource"),
        (json!({ "method": "PUT", "path": bob }), "needs `data`"),
        (json!({ "method": "PUT", "path": format!("{bob}/x"), "data": {} }), "none of /Users"),
        (group("g", "g", &["bulkId:nobody"]), "made by no operation"),
        (group("g", "g", &["bulkId:g"]), "a member of itself"),
    ];
    for (operation, word) in wrong {
        let result = service.bulk(vec![operation.clone()]).await;
        let detail = result[0]["response"]["detail"].as_str().unwrap_or_default();
        assert!(result[0]["status"] == "400" && detail.contains(word), "{operation}: {result:?}");
    }
    assert_eq!(service.names(Kind::Group).await, Vec::<String>::new());
}

/// RFC 7644 §3.7.1 and §3.7.2: what others make is named before and after it, also in a circle.
pub async fn what_is_made_is_named_by_others(url: String) {
    let service = Service::open(&url).await;
    let made = service.bulk(vec![group("team", "Team", &["bulkId:amina"]), user("amina", "amina")]).await;
    assert_eq!(statuses(&made), ["201", "201"]);
    let team = service.scim.get(Kind::Group, &id(&made[0])).await.unwrap();
    assert_eq!(team.to_json("")["members"][0]["value"], id(&made[1]).as_str());
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "members", "value": [{ "value": "bulkId:bo" }] }] });
    let more = service.bulk(vec![
        json!({ "method": "PATCH", "path": format!("/Groups/{}", team.id), "data": patch }),
        user("bo", "bo"),
    ]);
    assert_eq!(statuses(&more.await), ["200", "201"]);
    assert_eq!(
        service.scim.get(Kind::Group, &team.id).await.unwrap().to_json("")["members"].as_array().unwrap().len(),
        2
    );
    let circle = service
        .bulk(vec![group("a", "A", &["bulkId:b"]), group("b", "B", &["bulkId:c"]), group("c", "C", &["bulkId:a"])])
        .await;
    assert_eq!(statuses(&circle), ["201", "201", "201"]);
    for (one, next) in [(0, 1), (1, 2), (2, 0)] {
        let group = service.scim.get(Kind::Group, &id(&circle[one])).await.unwrap();
        assert_eq!(group.to_json("")["members"][0]["value"], id(&circle[next]).as_str());
        assert_eq!(circle[one]["version"], group.entity_tag());
    }
    // One of a circle that cannot be takes the others with it, and so does what is named and was not made.
    let mut bad = group("y", "Y", &["bulkId:x"]);
    bad["data"]["nonsense"] = json!(1);
    let broken = service
        .bulk(vec![
            group("x", "X", &["bulkId:y"]),
            bad,
            group("z", "Z", &["bulkId:x", "bulkId:amina2"]),
            user("amina2", "AMINA"),
        ])
        .await;
    assert_eq!(statuses(&broken), ["409", "400", "409", "409"], "{broken:?}");
    let mut groups = service.names(Kind::Group).await;
    groups.sort();
    assert_eq!(groups, ["A", "B", "C", "Team"]);
    let in_path =
        service.bulk(vec![user("new", "new"), json!({ "method": "DELETE", "path": "/Users/bulkId:new" })]).await;
    assert_eq!(statuses(&in_path), ["201", "204"]);
}

pub async fn limits_are_what_is_advertised(url: String) {
    let service = Service::open(&url).await;
    let said = scim::schema::service_provider_config(BASE, 10)["bulk"].clone();
    assert_eq!(said, json!({ "supported": true, "maxOperations": 1_000, "maxPayloadSize": 4_194_304 }));
    let many = |count: usize| (0..count).map(|n| user(&format!("u{n}"), &format!("u{n}"))).collect::<Vec<_>>();
    let refused = service.tried(json!({}), many(1_001)).await.unwrap_err();
    assert!(refused.status() == 413 && refused.to_string().contains("maxOperations is 1000"), "{refused}");
    assert_eq!(service.names(Kind::User).await, Vec::<String>::new());
    let taken = vec![user("a", "a"), user("b", "A"), user("c", "a"), user("d", "d")];
    let stopped = service.tried(json!({ "failOnErrors": 2 }), taken.clone()).await.unwrap();
    assert_eq!(statuses(&stopped), ["201", "409", "409"], "what comes after is not tried");
    assert_eq!(service.names(Kind::User).await, ["a"]);
    for (more, operations, status) in [
        (json!({ "failOnErrors": 0 }), vec![user("x", "x")], 400),
        (json!({ "failOnErrors": "one" }), vec![user("x", "x")], 400),
        (json!({ "schemas": ["urn:x"] }), vec![user("x", "x")], 400),
        (json!({ "Operations": 1 }), vec![], 400),
        (json!({}), vec![user("x", "x"), user("x", "y")], 400),
    ] {
        assert_eq!(service.tried(more, operations).await.unwrap_err().status(), status);
    }
    assert_eq!(service.names(Kind::User).await, ["a"]);
    assert_eq!(service.bulk(vec![]).await, Vec::<Json>::new());
}
