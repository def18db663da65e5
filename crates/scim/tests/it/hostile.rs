//! Whatever is sent, it is refused or understood; the corpus of the fuzz target is replayed.

use proptest::prelude::*;
use scim::schema::{GROUP, USER};
use scim::{patch, resource};
use serde_json::{Value as Json, json};

fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::from),
        "[a-z \\[\\]\".:é]{0,20}".prop_map(Json::String),
        Just(json!("members[value eq \"1\"]")),
        Just(json!("emails[type eq \"work\"].value")),
        Just(json!("replace")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let names = ["op", "path", "value", "userName", "emails", "members", "name", "active", "manager", "x"];
        let key = proptest::sample::select(names.map(str::to_owned).to_vec());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec((key, inner), 0..4).prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(body in values(), operations in proptest::collection::vec(values(), 1..4)) {
        let _ = resource::canonical(&USER, &body);
        let request = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        for schema in [&USER, &GROUP] {
            let before = json!({ "userName": "a", "displayName": "g", "emails": [{ "value": "x", "type": "work" }] });
            let before = before.as_object().cloned().unwrap_or_default();
            let _ = patch::apply(schema, &before, &request);
        }
        let _ = resource::project(body, Some("emails.value,userName"), None);
    }
}

#[test]
fn the_corpus_replays() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/scim");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        let _ = scim::Filter::parse(&text);
        let _ = scim::path::Path::parse(&text);
        if let Ok(json) = serde_json::from_str::<Json>(&text) {
            let _ = patch::apply(&USER, &serde_json::Map::new(), &json);
        }
        count += 1;
    }
    assert!(count > 3, "{count}");
}
