//! What of the machine wants a person.

use axum::http::{Method, StatusCode};
use kernel::Fact;
use kernel::Timestamp;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Delivery, HandlerError, Subscriber};

use crate::house::House;

const DAY_US: i64 = 86_400_000_000;

/// A room that fails until it is mended.
#[derive(Default)]
struct Broken(AtomicBool);

#[async_trait::async_trait]
impl Subscriber for Broken {
    fn name(&self) -> &'static str {
        "test.broken"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["source-silent"]
    }

    fn tries(&self) -> u32 {
        2
    }

    async fn handle(&self, _: &Delivery) -> Result<(), HandlerError> {
        if self.0.load(Ordering::SeqCst) { Ok(()) } else { Err("no room for it".into()) }
    }
}

#[tokio::test]
async fn what_a_room_cannot_take_in_is_shown_and_told_again() {
    let house = House::new().await;
    let root = house.administrator().await;
    let operator = house.person(&root, "olga", &["operator"]).await;
    let nothing = json!({"clock": null, "waiting": [], "parked": []});
    assert_eq!(house.get(&operator, "/system/attention").await.json(), nothing);

    let mut tx = house.store.begin().await.unwrap();
    tx.emit(Fact::SourceSilent { source: "gate".to_owned(), last_seen: Timestamp(0) });
    tx.commit(store::Entry::new(&kernel::Actor::system("test"), "test.emit", "fact")).await.unwrap();
    let broken = Arc::new(Broken::default());
    let mut postman = house.store.postman(broken.clone());
    postman.round().await.unwrap();
    let shown = house.get(&operator, "/system/attention").await.json();
    assert_eq!(shown["waiting"][0]["subscriber"], "test.broken");
    assert_eq!(shown["waiting"][0]["problem"], "no room for it");
    house.clock.advance_s(5);
    postman.round().await.unwrap();
    let shown = house.get(&operator, "/system/attention").await.json();
    assert_eq!((&shown["waiting"], &shown["parked"][0]["topic"]), (&json!([]), &json!("source-silent")));

    broken.0.store(true, Ordering::SeqCst);
    let sequence = shown["parked"][0]["sequence"].as_i64().unwrap();
    let again = format!("/system/parked/test.broken/{sequence}/retry");
    let analyst = house.person(&root, "amina", &["analyst"]).await;
    assert_eq!(house.call(&analyst, Method::POST, &again, json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.call(&operator, Method::POST, &again, json!({})).await.status, StatusCode::NO_CONTENT);
    postman.round().await.unwrap();
    assert_eq!(house.get(&operator, "/system/attention").await.json(), nothing);
    assert_eq!(house.call(&operator, Method::POST, &again, json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_clock_that_cannot_be_believed_is_for_a_person_to_judge() {
    let house = House::new().await;
    let root = house.administrator().await;
    let before = house.store.now();
    house.clock.set_wall(before.plus_micros(1_000 * DAY_US));
    house.clock.advance_s(120);
    let clock = async || house.get(&root, "/system/attention").await.json()["clock"].clone();
    let doubt = clock().await;
    let text = |at: Timestamp| Json::from(at.to_string());
    assert_eq!(doubt["house"], text(before.plus_micros(120_000_000)), "{doubt}");
    assert_eq!(doubt["wall"], text(before.plus_micros(1_000 * DAY_US + 120_000_000)), "{doubt}");
    let trust = async |reason: &str| house.post(&root, "/system/clock/trust", json!({"reason": reason})).await;
    assert_eq!(trust(" ").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.clock.set_wall(before.plus_micros(3 * DAY_US));
    assert_eq!(trust("the machine was switched off over the holidays").await.json()["clock"], Json::Null);
    assert_eq!(house.store.now(), before.plus_micros(3 * DAY_US));
}
