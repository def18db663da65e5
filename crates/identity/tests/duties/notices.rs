//! Who is told what, when, in which language; each once.

use identity::assignment::{Mode, Target};
use identity::finding::{FindingKind, FindingState};
use identity::request::{Command, Order, RequestState};
use identity::review::{CampaignScope, NewCampaign};
use kernel::Fact;
use kernel::message::{DeliveryState, MessageDelivery};

use crate::house::{DAY_US, HOUR_S, House, by};

/// Recipient and subject of everything that was to be sent.
async fn told(house: &House) -> Vec<(String, String)> {
    let (sent, _) = house.sent().await;
    sent.into_iter().map(|one| (one.addresses[0].address.clone(), one.subject.unwrap_or_default())).collect()
}

fn line(to: &str, subject: &str) -> (String, String) {
    (format!("{to}@relief.example"), subject.to_owned())
}

pub async fn whoever_is_replaced_is_told(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    house.deliver().await;
    let reason = "cannot be reached".to_owned();
    let command = Command::Appoint { seat: 0, person: house.person("director"), reason };
    let order = Order { request: request.id, version: request.version, command };
    let request = house.identity.order(&order, &by("guard")).await.unwrap();
    assert_eq!(request.stages[0].seats[0].holder().unwrap().because.as_deref(), Some("cannot be reached"));
    house.deliver().await;
    house.deliver().await;
    let all = told(&house).await;
    assert_eq!(all.iter().filter(|one| one.1.starts_with("Quelqu'un d'autre décide")).count(), 1, "{all:?}");
    assert!(all.contains(&line("boss", "Quelqu'un d'autre décide : payer (fr) pour amina X")), "{all:?}");
    assert!(all.contains(&line("director", "To decide: payer (fr) for amina X")), "{all:?}");
}

pub async fn an_approver_hears_at_once_again_at_half_the_time_and_the_next_at_the_deadline(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    house.deliver().await;
    house.deliver().await;
    let (sent, _) = house.sent().await;
    assert_eq!(
        told(&house).await,
        [line("boss", "À décider : payer (fr) pour amina X")],
        "once, in the approver's language"
    );
    assert!(sent[0].text.contains("amina X demande payer (fr)") && sent[0].text.contains("Vigie"), "{}", sent[0].text);
    assert!(!sent[0].text.contains("needed for the audit"), "a reason is not for the mail");
    house.turn_the_clock(35 * HOUR_S).await;
    assert_eq!(told(&house).await.len(), 1, "it is not yet half the time");
    house.turn_the_clock(2 * HOUR_S).await;
    assert_eq!(told(&house).await[1], line("boss", "Toujours à décider : payer (fr) pour amina X"));
    house.turn_the_clock(36 * HOUR_S).await;
    assert_eq!(told(&house).await[2], line("director", "To decide: payer (fr) for amina X"), "the manager's manager");
    let (_, withdrawn) = house.sent().await;
    assert_eq!(withdrawn.len(), 2, "what the first one had not been sent is taken back: {withdrawn:?}");
    let now = house.identity.request(request.id).await.unwrap();
    let now = house.answer(&now, "director", true).await.unwrap();
    house.deliver().await;
    let now = house.answer(&now, "owner", true).await.unwrap();
    assert_eq!(now.state, RequestState::Granted);
    house.deliver().await;
    let all = told(&house).await;
    assert!(all.contains(&line("owner", "To decide: payer (fr) for amina X")), "the second stage: {all:?}");
    assert_eq!(all.last().unwrap(), &line("amina", "Accord donné : payer (fr)"), "in the language of the request");
    // It is told that it is there when the system shows it, not before.
    house.turn_the_clock(600).await;
    assert!(!told(&house).await.contains(&line("amina", "C’est en place : payer (fr)")));
    house.seen("amina", &["pay", "reports"]).await;
    house.turn_the_clock(2 * HOUR_S).await;
    house.turn_the_clock(24 * HOUR_S).await;
    let all = told(&house).await;
    assert_eq!(all.iter().filter(|one| **one == line("amina", "C’est en place : payer (fr)")).count(), 1, "{all:?}");
    let count = all.len();
    house.turn_the_clock(90 * HOUR_S).await;
    assert_eq!(told(&house).await.len(), count, "and that was all");
}

pub async fn how_it_ended_is_told_and_what_waits_no_more_is_taken_back(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("bram", &["buyer"]).await.unwrap();
    house.deliver().await;
    house.answer(&request, "boss", false).await.unwrap();
    house.deliver().await;
    let all = told(&house).await;
    assert_eq!(all.last().unwrap(), &line("bram", "Refusé : buyer (fr)"));
    let (sent, withdrawn) = house.sent().await;
    assert!(sent.last().unwrap().text.contains("seen"), "the words of the refusal");
    assert_eq!(withdrawn, [format!("{}/0/0/{}", request.id, house.person("boss"))]);
    house.turn_the_clock(80 * HOUR_S).await;
    assert_eq!(told(&house).await.len(), all.len(), "nobody is reminded of what is over");
}

pub async fn who_cannot_be_reached_is_a_finding(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    house.deliver().await;
    let bounced = async |request: &identity::request::Request, at: usize| {
        house
            .tell(Fact::MessageDelivery(MessageDelivery {
                key: house.sent().await.0[at].key.clone(),
                about: request.id.to_string(),
                state: DeliveryState::Undeliverable,
                address: None,
                problem: Some("550 no such mailbox".to_owned()),
                at: house.store.now(),
            }))
            .await;
    };
    bounced(&request, 0).await;
    let notices = house.identity.notices(&request.id.to_string()).await.unwrap();
    assert_eq!(
        (notices[0].state.as_str(), notices[0].problem.as_deref()),
        ("undeliverable", Some("550 no such mailbox"))
    );
    let open = house.identity.findings(Some(FindingKind::NotReached), Some(FindingState::Open)).await.unwrap();
    assert!(open[0].title.contains("boss X could not be told: 550 no such mailbox"), "{open:?}");
    // One cause is one finding, however many messages it holds up.
    let other = house.ask("bram", &["buyer"]).await.unwrap();
    house.deliver().await;
    let last = house.sent().await.0.len() - 1;
    bounced(&other, last).await;
    let open = house.identity.findings(Some(FindingKind::NotReached), Some(FindingState::Open)).await.unwrap();
    assert_eq!((open.len(), open[0].detail["messages"].as_u64()), (1, Some(2)), "{open:?}");
}

pub async fn reviewers_hear_once_for_all_their_items_and_before_the_end(url: String) {
    let house = House::open(&url).await;
    for (name, grant) in [("amina", "reports"), ("bram", "reports"), ("bram", "vendors")] {
        house.give(name, Target::Entitlement(house.erp(grant)), Mode::Active).await;
    }
    let plan = NewCampaign {
        title: "Quarter".to_owned(),
        scope: CampaignScope::default(),
        reviewers: vec![identity::approver::Approver::Manager],
        due: house.store.now().plus_micros(14 * DAY_US),
        on_silence: Default::default(),
        canaries: 0,
    };
    let campaign = house.identity.begin_campaign(plan, &by("guard")).await.unwrap();
    house.deliver().await;
    let (sent, _) = house.sent().await;
    assert_eq!(told(&house).await, [line("boss", "À revoir : Quarter")]);
    assert!(sent[0].text.starts_with("3 accès"), "{}", sent[0].text);
    let items = house.identity.review_items(campaign.id, None).await.unwrap();
    let verdict = (identity::review::Verdict::Keep, false, "looked at");
    house.identity.review(items[0].id, items[0].version, verdict, &by("boss")).await.unwrap();
    house.turn_the_clock(11 * 24 * HOUR_S + 60).await;
    let (sent, _) = house.sent().await;
    assert_eq!(told(&house).await[1..], [line("boss", "Toujours à revoir : Quarter")]);
    assert!(sent[1].text.starts_with("2 accès"), "what is left: {}", sent[1].text);
    // Who takes over hears, too.
    house.employ("boss", Some("director"), "ended").await;
    house.identity.reroute_reviews(&by("guard")).await.unwrap();
    house.deliver().await;
    assert_eq!(told(&house).await.last().unwrap(), &line("director", "To review: Quarter"));
}
