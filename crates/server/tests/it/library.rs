//! Functions, watchlists and reference tables over the API: versions, refusals, what the editor and the ledger know.

use axum::http::Method;
use serde_json::{Value as Json, json};

use crate::house::House;

#[tokio::test]
async fn functions_are_put_by_version_and_known_to_the_editor() {
    let house = House::new().await;
    let root = house.administrator().await;
    let body =
        json!({"parameters": "(least: long = 3)", "body": "Rows | where N > least", "description": "Large rows."});
    let made = house.call(&root, Method::PUT, "/functions/Large", body.clone()).await;
    assert_eq!((made.status.as_u16(), &made.json()["version"]), (201, &json!(1)), "{}", made.text());
    // The table is not there: kept, and told.
    assert!(made.json()["problems"][0]["message"].as_str().unwrap().contains("`Rows`"), "{}", made.text());

    let again = house.call(&root, Method::PUT, "/functions/Large", body).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("conflict")), "{}", again.text());
    let changed = json!({"version": 1, "body": "print N = 5"});
    let changed = house.call(&root, Method::PUT, "/functions/Large", changed).await;
    assert_eq!((changed.status.as_u16(), &changed.json()["problems"]), (200, &json!([])), "{}", changed.text());
    let caller = json!({"body": "Large | count"});
    let caller = house.call(&root, Method::PUT, "/functions/Counted", caller).await;
    assert_eq!(caller.json()["uses"], json!(["Large"]));

    for (name, body, status, part) in [
        ("Large", json!({"version": 2, "body": "Counted"}), 422, "calls itself"),
        ("Odd", json!({"body": "Rows | where"}), 422, "not valid"),
        ("strlen", json!({"body": "1"}), 422, "function of the language"),
        ("Odd", json!({"body": "1", "colour": 1}), 422, "colour"),
    ] {
        let refused = house.call(&root, Method::PUT, &format!("/functions/{name}"), body).await;
        assert_eq!(refused.status.as_u16(), status, "{name}: {}", refused.text());
        assert!(refused.text().contains(part), "{name}: {}", refused.text());
    }
    let called = house.call(&root, Method::DELETE, "/functions/Large?version=2", Json::Null).await;
    assert!(called.status.as_u16() == 422 && called.text().contains("`Counted`"), "{}", called.text());

    let analysis = house.post(&root, "/kql/analyze", json!({"text": "Larg", "offset": 4})).await.json();
    let labels: Vec<&str> =
        analysis["completions"].as_array().unwrap().iter().filter_map(|one| one["label"].as_str()).collect();
    assert!(labels.contains(&"Large"), "{labels:?}");
    let analysis = house.post(&root, "/kql/analyze", json!({"text": "Counted", "offset": 3})).await.json();
    assert_eq!(analysis["columns"], json!([{"name": "Count", "type": "long"}]));
    assert_eq!(analysis["hover"]["title"], "stored function `Counted()`");

    let listed = house.get(&root, "/functions").await.json();
    assert_eq!(listed["functions"].as_array().unwrap().len(), 2);
    assert_eq!(
        house.call(&root, Method::DELETE, "/functions/Counted?version=1", Json::Null).await.status.as_u16(),
        204
    );
    assert_eq!(house.get(&root, "/functions/Counted").await.status.as_u16(), 404);
    let verbs: Vec<Json> = ledger(&house).await;
    assert_eq!(verbs, ["function.make", "function.change", "function.make", "function.delete"]);
}

#[tokio::test]
async fn watchlists_and_reference_tables() {
    let house = House::new().await;
    let root = house.administrator().await;
    let list = json!({"csv": "Account,Level\namina,1\n", "search_key": "Account"});
    let made = house.call(&root, Method::PUT, "/watchlists/vips", list).await;
    assert_eq!((made.status.as_u16(), &made.json()["items"]), (201, &json!(1)), "{}", made.text());
    let bad = house.call(&root, Method::PUT, "/watchlists/vips", json!({"version": 1, "csv": "a,b\n1\n"})).await;
    assert!(bad.status.as_u16() == 422 && bad.text().contains("line 2"), "{}", bad.text());
    assert_eq!(house.get(&root, "/watchlists/vips").await.json()["csv"], "Account,Level\namina,1\n");
    let text = "_GetWatchlist('vips') | project SearchKey, Level";
    let analysis = house.post(&root, "/kql/analyze", json!({"text": text})).await.json();
    assert_eq!(
        analysis["columns"],
        json!([{"name": "SearchKey", "type": "string"}, {"name": "Level", "type": "string"}])
    );

    let address = "https://lists.irco.example/bad.csv";
    let text = format!("externaldata(ip: string)['{address}']");
    let refused = house.post(&root, "/kql/analyze", json!({"text": text})).await.json();
    assert_eq!(refused["diagnostics"][0]["code"], "KQL0030");
    let reference = json!({"addresses": [address], "content": "10.0.0.1\n"});
    let made = house.call(&root, Method::PUT, "/reference-tables/bad", reference).await;
    assert_eq!((made.status.as_u16(), &made.json()["bytes"]), (201, &json!(9)), "{}", made.text());
    let answered = house.post(&root, "/kql/analyze", json!({"text": text})).await.json();
    assert_eq!(answered["diagnostics"], json!([]));
    assert_eq!(house.get(&root, "/reference-tables/bad").await.json()["content"], "10.0.0.1\n");

    for path in ["/watchlists/vips?version=1", "/reference-tables/bad?version=1"] {
        assert_eq!(house.call(&root, Method::DELETE, path, Json::Null).await.status.as_u16(), 204, "{path}");
        assert_eq!(house.call(&root, Method::DELETE, path, Json::Null).await.status.as_u16(), 404, "{path}");
    }
}

/// What was done to functions, oldest first.
async fn ledger(house: &House) -> Vec<Json> {
    let statement = store::Statement::new(
        "test.functions",
        "SELECT verb FROM ledger WHERE substr(entity, 1, 9) = 'function:' ORDER BY seq",
    );
    let rows = house.store.fetch_all(&statement, store::params![]).await.unwrap();
    rows.iter().map(|row| json!(row.text("verb").unwrap())).collect()
}
