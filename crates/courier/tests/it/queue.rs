//! The queue of what goes out.

use courier::arrival::{Item, Receipt, Said};
use courier::{FACT_TABLES, Outcome, Reading, Sender};
use kernel::message::DeliveryState::{Delivered, Failed, Sent, Undeliverable, Withdrawn};
use kernel::message::{DeliveryState, Means};
use kernel::{Actor, Fact};
use store::{Entry, OutboxPort};

use crate::rig::{Rig, Scripted, dispatch};

const ANA: &[(Means, &str)] = &[(Means::Sms, "+67077231234"), (Means::Email, "ana@una.example")];

pub async fn every_statement_prepares(url: String) {
    let rig = Rig::open(&url).await;
    for statement in courier::sql::STATEMENTS {
        rig.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
        let others = courier::sql::STATEMENTS.iter().filter(|other| other.name == statement.name).count();
        assert_eq!(others, 1, "two statements are called {}", statement.name);
    }
    for table in FACT_TABLES {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

fn receipt(provider_id: &str, said: Said) -> Reading {
    let problem = (said == Said::Lost).then(|| "the network says UNDELIV".to_owned());
    let receipt = Receipt { provider_id: provider_id.to_owned(), said, problem };
    Reading { items: vec![Item::Receipt(receipt)], findings: Vec::new() }
}

fn named(states: &[(String, DeliveryState)]) -> Vec<DeliveryState> {
    states.iter().map(|(_, state)| *state).collect()
}

pub async fn asked_for_twice_it_is_sent_once(url: String) {
    let mut rig = Rig::open(&url).await;
    let sms = Scripted::new(Means::Sms, true, vec![]);
    rig.courier.connect(sms.clone());
    rig.ask(vec![dispatch("a", ANA), dispatch("b", ANA)]).await;
    rig.ask(vec![dispatch("a", ANA)]).await;
    assert_eq!(rig.send(&sms).await, 2);
    assert_eq!(named(&rig.states().await), [Sent, Sent]);
    rig.courier.take("sms", b"raw", receipt("a-0", Said::Delivered)).await.unwrap();
    rig.courier.take("sms", b"raw", receipt("a-0", Said::Delivered)).await.unwrap();
    assert_eq!(rig.states().await, [("a".to_owned(), Delivered)]);
    let (found, tries) = rig.courier.dispatch("a").await.unwrap();
    assert!(!found.open && tries.len() == 1 && tries[0].outcome.as_deref() == Some("accepted"));
}

/// What a silent alarm says is kept with its dispatch alone, and there as long as it has to be sent.
pub async fn a_secret_is_kept_no_longer_than_it_is_needed(url: String) {
    let mut rig = Rig::open(&url).await;
    let sms = Scripted::new(Means::Sms, true, vec![Outcome::failed("down")]);
    rig.courier.connect(sms.clone());
    let secret = |key: &str| kernel::message::Dispatch {
        subject: Some("the umbrella".to_owned()),
        text: "look at the screen".to_owned(),
        secret: true,
        ..dispatch(key, &ANA[..1])
    };
    rig.ask(vec![secret("a"), dispatch("b", ANA), kernel::message::Dispatch { addresses: Vec::new(), ..secret("c") }])
        .await;
    let told = format!("{:?}", rig.store.facts_after(0, 1_000).await.unwrap());
    assert!(told.contains("[secret]") && !told.contains("screen") && !told.contains("umbrella"), "{told}");
    assert!(told.contains(&dispatch("b", ANA).text), "what is no secret stays");
    let text = async |key: &str| {
        let (found, _) = rig.courier.dispatch(key).await.unwrap();
        (found.text, found.subject)
    };
    assert_eq!(
        text("a").await,
        ("look at the screen".to_owned(), Some("the umbrella".to_owned())),
        "it has to be sent"
    );
    assert_eq!(text("c").await, ("[secret]".to_owned(), None), "it cannot be sent");
    rig.send(&sms).await;
    rig.clock.advance_s(60);
    rig.send(&sms).await;
    rig.courier.take("sms", b"raw", receipt("a-0", Said::Delivered)).await.unwrap();
    let (found, _) = rig.courier.dispatch("a").await.unwrap();
    assert_eq!((found.open, found.text.as_str(), found.subject), (false, "[secret]", None));
}

pub async fn the_next_means_has_its_turn(url: String) {
    let mut rig = Rig::open(&url).await;
    let refused = Outcome::Refused { problem: "no such number".to_owned() };
    let sms = Scripted::new(Means::Sms, true, vec![refused, Outcome::failed("down"), Outcome::failed("down")]);
    let mail = Scripted::new(Means::Email, false, vec![]);
    rig.courier.connect(sms.clone());
    rig.courier.connect(mail.clone());
    rig.ask(vec![dispatch("refused", ANA)]).await;
    rig.send(&sms).await;
    rig.send(&mail).await;
    assert_eq!(named(&rig.states().await), [Failed, Sent]);

    // Down for longer than the patience of its precedence: two minutes.
    rig.ask(vec![dispatch("down", ANA)]).await;
    rig.send(&sms).await;
    assert_eq!(rig.states().await, [], "it is tried again first");
    rig.clock.advance_s(118);
    rig.send(&sms).await;
    rig.send(&mail).await;
    assert_eq!(named(&rig.states().await), [Failed, Sent]);

    // Taken, but no receipt within the patience.
    rig.ask(vec![dispatch("silent", ANA)]).await;
    rig.send(&sms).await;
    rig.courier.tend().await.unwrap();
    assert_eq!(named(&rig.states().await), [Sent]);
    rig.clock.advance_s(121);
    rig.courier.tend().await.unwrap();
    rig.send(&mail).await;
    let news = rig.deliveries().await;
    assert_eq!(news[0].problem.as_deref(), Some("no receipt within 120 s"));
    assert_eq!((news[0].state, news[1].state), (Failed, Sent));
    // The receipt comes after all: whoever has it has it.
    rig.courier.take("sms", b"late", receipt("silent-0", Said::Delivered)).await.unwrap();
    assert_eq!(named(&rig.states().await), [Delivered]);
}

pub async fn a_receipt_may_overtake_its_answer(url: String) {
    let mut rig = Rig::open(&url).await;
    let sms = Scripted::new(Means::Sms, true, vec![]);
    rig.courier.connect(sms.clone());
    rig.courier.take("sms", b"early", receipt("A-0", Said::Delivered)).await.unwrap();
    rig.ask(vec![dispatch("a", &ANA[..1])]).await;
    rig.send(&sms).await;
    assert_eq!(named(&rig.states().await), [Sent, Delivered]);
    // Lost by its only means: a dead letter, which the desk hears of.
    rig.ask(vec![dispatch("b", &ANA[..1])]).await;
    rig.send(&sms).await;
    rig.courier.take("sms", b"lost", receipt("b-0", Said::Lost)).await.unwrap();
    assert_eq!(named(&rig.states().await), [Sent, Failed, Undeliverable]);
    let dead = rig.courier.dispatches(kernel::Timestamp::MAX, Some(Undeliverable), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].problem.as_deref(), Some("the network says UNDELIV"));
}

pub async fn what_is_taken_back_is_not_sent(url: String) {
    let mut rig = Rig::open(&url).await;
    let sms = Scripted::new(Means::Sms, true, vec![]);
    rig.courier.connect(sms.clone());
    rig.ask(vec![dispatch("a", ANA), dispatch("b", ANA)]).await;
    let (keys, reason) = (vec!["b".to_owned()], "the headcount has ended".to_owned());
    rig.tell(Fact::MessagesWithdrawn { desk: "field".to_owned(), keys: keys.clone(), reason: reason.clone() }).await;
    rig.tell(Fact::MessagesWithdrawn { desk: "other".to_owned(), keys: vec!["a".to_owned()], reason }).await;
    assert_eq!(rig.send(&sms).await, 1);
    let mut states = rig.states().await;
    states.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(states, [("a".to_owned(), Sent), ("b".to_owned(), Withdrawn)]);
}

pub async fn what_nobody_can_send_is_a_dead_letter(url: String) {
    let mut rig = Rig::open(&url).await;
    rig.ask(vec![dispatch("no channel", &[(Means::Webhook, "partner")]), dispatch("no address", &[])]).await;
    rig.courier.tend().await.unwrap();
    let news = rig.deliveries().await;
    assert_eq!(news.iter().filter(|one| one.state == Undeliverable).count(), 2, "{news:?}");
    assert!(news.iter().any(|one| one.problem.as_deref().unwrap_or_default().contains("no channel for webhook")));
    // Two programs that answer each other: the eleventh of the same words within ten minutes is held.
    let same = |n: usize| kernel::message::Dispatch { text: "I am away".to_owned(), ..dispatch(&format!("l{n}"), ANA) };
    rig.ask((0..11).map(same).collect()).await;
    let news = rig.deliveries().await;
    assert_eq!(news.len(), 1);
    assert!(news[0].problem.as_deref().unwrap_or_default().contains("looks like a loop"));
}

pub async fn a_crash_between_try_and_record_sends_again_under_the_same_id(url: String) {
    let mut rig = Rig::open(&url).await;
    rig.ask(vec![dispatch("a", &ANA[..1])]).await;
    let never = std::sync::Arc::new(crate::simulation::Cut::default());
    rig.courier.connect(never.clone());
    let mut sender = Sender::new(rig.courier.clone(), never.clone());
    tokio::select! {
        _ = sender.drain() => panic!("the try cannot end"),
        () = never.cut.notified() => {}
    }
    drop(sender);
    rig.restart().await;
    let sms = Scripted::new(Means::Sms, false, vec![]);
    rig.courier.connect(sms.clone());
    assert_eq!(rig.send(&sms).await, 1);
    assert_eq!(never.sent.lock()[0], sms.sent.lock()[0].id);
    let (_, tries) = rig.courier.dispatch("a").await.unwrap();
    assert_eq!(tries.iter().map(|one| one.outcome.as_deref()).collect::<Vec<_>>(), [Some("unknown"), Some("accepted")]);
}

/// Four hundred messages go out, fifty at once, while somebody else writes: nobody waits for one who waits for them, and nothing
/// is sent twice because its try could not be recorded.
pub async fn a_long_queue_leaves_the_writer_to_others(url: String) {
    const MESSAGES: usize = 400;
    let mut rig = Rig::open(&url).await;
    let sms = Scripted::wide(Means::Sms, 50);
    rig.courier.connect(sms.clone());
    rig.ask((0..MESSAGES).map(|number| dispatch(&number.to_string(), &ANA[..1])).collect()).await;
    let (courier, channel) = (rig.courier.clone(), sms.clone());
    let sender = tokio::spawn(async move { courier.run_sender(channel).await });
    let mut written = 0;
    while sms.sent.lock().len() < MESSAGES {
        let tx = rig.store.begin().await.unwrap();
        tx.commit(Entry::new(&Actor::system("test"), "test.write", "test")).await.unwrap();
        written += 1;
    }
    while rig.courier.dispatch(&(MESSAGES - 1).to_string()).await.unwrap().0.open {
        tokio::task::yield_now().await;
    }
    sender.abort();
    let mut keys: Vec<String> = sms.sent.lock().iter().map(|message| message.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((keys.len(), sms.sent.lock().len()), (MESSAGES, MESSAGES), "each once");
    assert!(written > 5, "the other wrote {written} times meanwhile");
}
