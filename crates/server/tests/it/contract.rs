//! The committed contract is the one that the code speaks.

/// Set `UPDATE_OPENAPI=1` to write the file anew.
#[test]
fn committed_contract_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let fresh = server::openapi_json();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &fresh).expect("openapi.json can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "openapi.json is stale: run UPDATE_OPENAPI=1 cargo test -p server contract");
}

/// Every type that the contract refers to is in it: a generator of clients can read it.
#[test]
fn contract_has_no_dangling_reference() {
    let contract: serde_json::Value = serde_json::from_str(&server::openapi_json()).expect("JSON");
    let mut references = Vec::new();
    collect_references(&contract, &mut references);
    assert!(references.len() > 100, "only {} references found: the walk is broken", references.len());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(contract.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(|target| target.as_str()).map(str::to_owned));
            fields.values().for_each(|field| collect_references(field, into));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}
