//! Feeds with the credentials that devices have, and what people see of messages.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use serde_json::json;

use crate::house::{Client, House};

fn bearer_of(client: &Client) -> String {
    client.token.clone().unwrap()
}

#[tokio::test]
async fn a_device_delivers_with_whatever_credentials_it_can_send() {
    let house = House::new().await;
    let root = house.administrator().await;
    let osmand = bearer_of(&house.token(&root, &["ingest"], Some("osmand")).await);
    let any = bearer_of(&house.token(&root, &["ingest"], None).await);
    let nobody = Client::default();
    let position = "id=bf12&lat=-8.55&lon=125.57&timestamp=1795262400";
    // By the address alone, as trackers do; the second delivery is the same.
    for duplicates in [0, 1] {
        let request =
            Request::get(format!("/api/v1/feeds/osmand?{position}&token={osmand}")).body(Body::empty()).unwrap();
        let reply = house.send(&nobody, request).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(
            (&reply.json()["duplicates"], &reply.json()["positions"]),
            (&json!(duplicates), &json!(1 - duplicates))
        );
    }
    // As the password of Basic, with an answer that the client understands.
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("ana:{any}"));
    let request = Request::post("/api/v1/feeds/owntracks")
        .header("authorization", format!("Basic {basic}"))
        .header("x-limit-u", "ana")
        .header("x-limit-d", "phone")
        .body(Body::from(r#"{"_type":"location","lat":1,"lon":2,"tst":1795262400}"#))
        .unwrap();
    let reply = house.send(&nobody, request).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "[]"));
    // In the header of a portal: a call for help six hours old.
    let post =
        json!({ "Version": "2.0", "Events": [{ "imei": "3", "messageCode": 4, "timeStamp": 1_795_240_800_000_i64 }] });
    let request = Request::post("/api/v1/feeds/inreach")
        .header("x-outbound-auth-token", &any)
        .body(Body::from(post.to_string()))
        .unwrap();
    let reply = house.send(&nobody, request).await;
    assert_eq!((reply.status, &reply.json()["distress"]), (StatusCode::OK, &json!(1)), "{}", reply.text());
    // Not with the token of another feed, not with none, not to a feed that there is not.
    for (path, status) in [
        (format!("/api/v1/feeds/inreach?token={osmand}"), StatusCode::FORBIDDEN),
        ("/api/v1/feeds/osmand?token=vgt_wrong".to_owned(), StatusCode::UNAUTHORIZED),
        (format!("/api/v1/feeds/osmand?{position}"), StatusCode::UNAUTHORIZED),
        (format!("/api/v1/feeds/none?token={any}"), StatusCode::NOT_FOUND),
        (format!("/api/v1/courier?token={any}"), StatusCode::UNAUTHORIZED),
    ] {
        let reply = house.send(&nobody, Request::get(&path).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, status, "{path}");
    }
    // What is kept has no token in it.
    let state = house.get(&root, "/courier").await.json();
    let channel =
        state["channels"].as_array().unwrap().iter().find(|channel| channel["name"] == "osmand").unwrap().clone();
    assert_eq!((&channel["received"], &channel["duplicates"]), (&json!(2), &json!(1)));
    let request = Request::get(format!("/api/v1/feeds/osmand?id=bf12&token={osmand}")).body(Body::empty()).unwrap();
    house.send(&nobody, request).await;
    let faulty = house.get(&root, "/courier/faulty").await.json();
    assert_eq!(faulty[0]["body"], "id=bf12", "{faulty}");
    let raw = house.get(&root, &format!("/courier/deliveries/{}", faulty[0]["id"].as_str().unwrap())).await.json();
    assert_eq!(raw, faulty[0]);
}

#[tokio::test]
async fn people_see_what_waits_and_test_a_channel() {
    let house = House::new().await;
    let root = house.administrator().await;
    let operator = house.person(&root, "olga", &["operator"]).await;
    let wanted = json!({ "means": "sms", "address": "+67077231234", "text": "one two" });
    let sent = house.post(&operator, "/courier/test", wanted).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    let message = sent.json()["message"].clone();
    assert_eq!((&message["state"], &message["exercise"]), (&json!("queued"), &json!(true)));
    let key = message["key"].as_str().unwrap();
    assert_eq!(house.get(&operator, &format!("/courier/dispatch?key={key}")).await.json()["message"], message);
    assert_eq!(house.get(&operator, "/courier/dispatches?state=queued").await.json()[0]["key"], message["key"]);
    assert_eq!(house.get(&operator, "/courier/dispatches?state=lost").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.get(&operator, "/courier").await.json()["waiting"], json!([{ "means": "sms", "waiting": 1 }]));
    let wrong = json!({ "means": "pigeon", "address": "x", "text": "y" });
    assert_eq!(house.post(&operator, "/courier/test", wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let count = house.post(&operator, "/courier/segments", json!({ "text": "الوضع هادئ" })).await.json();
    assert_eq!(count, json!({ "coding": "ucs2", "segments": 1, "left": 60 }));
    assert_eq!(house.get(&operator, "/courier/messages").await.json(), json!([]));
}
