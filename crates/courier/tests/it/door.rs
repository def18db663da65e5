//! What comes in.

use courier::arrival::{Call, Distress, Item, Position, Segment, Text};
use courier::{Courier, Reading, Taken};
use kernel::message::{Means, MessageReceived, PositionReported, Quirk};
use kernel::{Fact, Timestamp};
use testkit::TestClock;

use crate::rig::{Rig, Scripted, dispatch};

async fn take(courier: &Courier, items: Vec<Item>) -> Taken {
    courier.take("sms", b"\x00raw", Reading { items, findings: Vec::new() }).await.unwrap()
}

fn sms(text: &str) -> Item {
    Item::Text(Text::plain(Means::Sms, "+67077231234", "1234", text))
}

fn messages(facts: Vec<Fact>) -> Vec<MessageReceived> {
    let found = facts.into_iter().filter_map(|fact| match fact {
        Fact::MessageReceived(message) => Some(*message),
        _ => None,
    });
    found.collect()
}

pub async fn the_same_message_twice_is_one_act_and_two_receipts(url: String) {
    let mut rig = Rig::open(&url).await;
    take(&rig.courier, vec![sms("SAFE")]).await;
    rig.clock.advance_s(120);
    assert_eq!(take(&rig.courier, vec![sms("SAFE")]).await.duplicates, 1);
    assert_eq!(messages(rig.hear().await).len(), 1);
    let kept = rig.courier.messages(Timestamp::MAX, 10).await.unwrap();
    assert_eq!((kept.len(), kept[0].receipts), (1, 2));
    // Said again much later, it is said again.
    rig.clock.advance_s(400);
    take(&rig.courier, vec![sms("SAFE")]).await;
    assert_eq!(messages(rig.hear().await).len(), 1);
    // With an id of the network, time does not matter.
    let mut named = Text::plain(Means::Email, "a@b.example", "desk@una.example", "hello");
    named.provider_id = Some("<1@b.example>".to_owned());
    for _ in 0..3 {
        rig.clock.advance_s(86_400);
        take(&rig.courier, vec![Item::Text(named.clone())]).await;
    }
    assert_eq!(messages(rig.hear().await).len(), 1);
    assert_eq!(rig.courier.messages(Timestamp::MAX, 1).await.unwrap()[0].receipts, 3);
}

pub async fn two_messages_in_one_second_are_both_kept(url: String) {
    let mut rig = Rig::open(&url).await;
    take(&rig.courier, vec![sms("SAFE")]).await;
    take(&rig.courier, vec![sms("NEED HELP")]).await;
    let texts: Vec<String> = messages(rig.hear().await).into_iter().map(|one| one.text).collect();
    assert_eq!(texts, ["SAFE", "NEED HELP"]);
    let raw = rig.courier.raw(rig.courier.messages(Timestamp::MAX, 1).await.unwrap()[0].raw).await.unwrap();
    assert_eq!((raw.encoding.as_str(), raw.body.as_str()), ("base64", "AHJhdw=="));
}

pub async fn segments_in_any_order_make_one_message(url: String) {
    let mut rig = Rig::open(&url).await;
    let segment = |number, text: &str| {
        let (sender, recipient) = ("+67077231234".to_owned(), "1234".to_owned());
        Item::Segment(Segment { sender, recipient, reference: 9, total: 3, number, text: text.to_owned() })
    };
    for (number, text) in [(3, "bridge"), (1, "Shots "), (1, "Shots "), (2, "near the ")] {
        take(&rig.courier, vec![segment(number, text)]).await;
    }
    assert_eq!(messages(rig.hear().await)[0].text, "Shots near the bridge");
    // One that never comes does not hold back the others for ever.
    take(&rig.courier, vec![segment(2, "we are at")]).await;
    rig.clock.advance_s(601);
    rig.courier.tend().await.unwrap();
    rig.courier.tend().await.unwrap();
    let told = messages(rig.hear().await);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].text, "[part 1 of 3 is missing]we are at[part 3 of 3 is missing]");
}

fn positions(facts: Vec<Fact>) -> Vec<PositionReported> {
    let found = facts.into_iter().filter_map(|fact| match fact {
        Fact::PositionsReported { positions } => Some(positions),
        _ => None,
    });
    found.flatten().collect()
}

pub async fn positions_are_told_once_with_what_is_odd_about_them(url: String) {
    let mut rig = Rig::open(&url).await;
    let at = |offset_s: i64, latitude: f64| {
        let fix_time = Some(TestClock::NOON.plus_micros(offset_s * 1_000_000));
        Item::Position(Position { fix_time, ..Position::at("osmand", "bf12", latitude, 125.57) })
    };
    let zero = Item::Position(Position::at("osmand", "bf12", 0.0, 0.0));
    let zero_zero = match zero {
        Item::Position(position) => Item::Position(Position { longitude: 0.0, ..position }),
        other => other,
    };
    let taken = take(&rig.courier, vec![at(0, -8.5), at(-7200, -8.6), at(86_400, -8.7), at(0, -8.5), zero_zero]).await;
    assert_eq!((taken.positions, taken.duplicates), (4, 1));
    let quirks: Vec<Vec<Quirk>> = positions(rig.hear().await).into_iter().map(|one| one.quirks).collect();
    assert_eq!(quirks, [vec![], vec![Quirk::Late], vec![Quirk::Future], vec![Quirk::NullIsland, Quirk::NoTime]]);
    assert_eq!(take(&rig.courier, vec![at(0, -8.5)]).await.duplicates, 1);
    assert_eq!(positions(rig.hear().await), []);
}

pub async fn a_call_for_help_is_told_whatever_its_age_and_order(url: String) {
    let mut rig = Rig::open(&url).await;
    let call = |call, code: &str, offset_s: i64| {
        Item::Distress(Distress {
            call,
            device: "300434030000000".to_owned(),
            label: None,
            source: "inreach",
            code: code.to_owned(),
            signalled: Some(TestClock::NOON.plus_micros(offset_s * 1_000_000)),
            place: Some((-8.5, 125.6)),
            text: None,
            exercise: false,
        })
    };
    take(&rig.courier, vec![call(Call::Cancel, "7 cancel SOS", -60)]).await;
    take(&rig.courier, vec![call(Call::Declare, "4 declare SOS", -21_600)]).await;
    take(&rig.courier, vec![call(Call::Declare, "4 declare SOS", -21_600)]).await;
    let facts = rig.hear().await;
    let [Fact::DistressCancelled(cancelled), Fact::DistressSignalled(signalled)] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    assert!(cancelled.signalled > signalled.signalled);
    assert_eq!(signalled.received.micros() - signalled.signalled.micros(), 21_600_000_000);
}

pub async fn an_answer_names_what_it_answers(url: String) {
    let mut rig = Rig::open(&url).await;
    let channel = Scripted::new(Means::Sms, true, vec![]);
    rig.courier.connect(channel.clone());
    rig.ask(vec![dispatch("headcount/1/p-7", &[(Means::Sms, "+67077231234")])]).await;
    rig.send(&channel).await;
    rig.hear().await;
    take(&rig.courier, vec![sms("SAFE")]).await;
    let answer = messages(rig.hear().await).remove(0);
    assert_eq!((answer.answers.as_deref(), answer.answers_certain), (Some("headcount/1/p-7"), false));
    // A second question is open: which one is meant cannot be told from the time.
    rig.ask(vec![dispatch("alarm/2", &[(Means::Sms, "+67077231234")])]).await;
    rig.send(&channel).await;
    take(&rig.courier, vec![sms("yes")]).await;
    assert_eq!(messages(rig.hear().await)[0].answers, None);
    // A mail names it.
    let mut mail = Text::plain(Means::Email, "ana@una.example", "desk@una.example", "yes");
    mail.answers = Some(rig.courier.dispatch("alarm/2").await.unwrap().0.id.to_string());
    take(&rig.courier, vec![Item::Text(mail)]).await;
    let answer = messages(rig.hear().await).remove(0);
    assert_eq!((answer.answers.as_deref(), answer.answers_certain), (Some("alarm/2"), true));
}

/// Where nobody is asked for a login, a list says who is believed; what others say is kept, shown, and acts on nothing.
pub async fn only_those_on_the_list_are_believed(url: String) {
    let mut rig = Rig::open(&url).await;
    rig.courier.allow("sms", Some(["+67077231234".to_owned()].into()));
    let stranger = || Item::Text(Text::plain(Means::Sms, "+15550000", "1234", "SOS"));
    let taken = take(&rig.courier, vec![sms("SAFE"), stranger()]).await;
    assert_eq!((taken.messages, taken.findings.len()), (1, 1), "{taken:?}");
    assert!(taken.findings[0].contains("+15550000 may not speak on channel sms"), "{taken:?}");
    assert_eq!(messages(rig.hear().await).len(), 1);
    assert_eq!(rig.courier.faulty(10).await.unwrap().len(), 1, "the bytes are kept and shown");
    rig.courier.allow("sms", None);
    assert_eq!(take(&rig.courier, vec![stranger()]).await.messages, 1);
}

/// What a desk conceals of a message is nowhere here any more; the digest of the bytes is.
pub async fn what_a_desk_conceals_is_shown_no_more(url: String) {
    let mut rig = Rig::open(&url).await;
    let mut mail = Text::plain(Means::Email, "ana@una.example", "room@una.example", "SAFE blue heron");
    mail.subject = Some("Blue heron".to_owned());
    let mail = Item::Text(mail);
    rig.courier
        .take("mail", b"Subject: blue heron\n\nSAFE blue heron", Reading { items: vec![mail], findings: Vec::new() })
        .await
        .unwrap();
    let message = messages(rig.hear().await)[0].message;
    let mut tx = rig.store.begin().await.unwrap();
    let (text, subject) = ("SAFE".to_owned(), Some("All well".to_owned()));
    tx.emit(Fact::MessageConcealed { message, text, subject, at: rig.store.now() });
    tx.commit(store::Entry::new(&kernel::Actor::system("field"), "test.conceal", message)).await.unwrap();
    rig.store.postman(rig.courier.subscriber()).round().await.unwrap();
    let kept = rig.courier.messages(Timestamp::MAX, 1).await.unwrap();
    assert_eq!((kept[0].text.as_str(), kept[0].subject.as_deref()), ("SAFE", Some("All well")));
    let raw = rig.courier.raw(kept[0].raw).await.unwrap().body;
    assert!(!raw.contains("heron") && raw.contains("SHA-256"), "{raw}");
}
