//! Asking for access.

use identity::Error;
use identity::assignment::{Mode, Target};
use identity::request::{Asking, Command, ExceptionAsked, Order, RequestState};
use identity::system::Risk;

use crate::house::{DAY_US, HOUR_S, House, asking, by, refused};

pub async fn two_stages_and_the_access_is_given(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    assert_eq!(request.parts[0].title, "payer (fr)", "in the requester's language");
    // What is a side of a rule of high risk is of high risk, and says which rule that is.
    let context = house.identity.request_context(request.id).await.unwrap();
    let sides = |grant: &str| {
        let one = context.gives.iter().find(|one| one.grant == grant).unwrap();
        (one.risk, one.sides.iter().map(|side| side.rule.as_str()).collect::<Vec<_>>())
    };
    assert_eq!((request.risk, sides("erp/pay")), (Risk::High, (Risk::High, vec!["pay-vendor"])));
    assert_eq!(sides("erp/reports").1, Vec::<&str>::new());
    let asked = identity::request::RequestFilter { asked: Some(house.person("boss")), ..Default::default() };
    assert_eq!(house.identity.requests(&asked, 10).await.unwrap().len(), 1);
    assert!(refused(house.answer(&request, "owner", true).await).contains("not asked in this stage"));
    let request = house.answer(&request, "boss", true).await.unwrap();
    assert_eq!(request.state, RequestState::Pending);
    assert!(house.assigned("amina").await.is_empty());
    let request = house.answer(&request, "owner", true).await.unwrap();
    assert_eq!(request.state, RequestState::Granted);
    assert_eq!(house.assigned("amina").await, ["active payer"]);
    assert!(house.answer(&request, "owner", false).await.is_err());
    let other = house.ask("bram", &["payer"]).await.unwrap();
    let other = house.answer(&other, "boss", false).await.unwrap();
    assert_eq!((other.state, other.closed_because.as_deref()), (RequestState::Refused, Some("seen")));
}

pub async fn nobody_decides_on_their_own(url: String) {
    let house = House::open(&url).await;
    // The owner of the role asks for it: the owner's stage goes to somebody else.
    let request = house.ask("owner", &["payer"]).await.unwrap();
    assert!(refused(house.answer(&request, "owner", true).await).contains("nobody decides on their own"));
    let request = house.answer(&request, "director", true).await.unwrap();
    assert!(refused(house.answer(&request, "owner", true).await).contains("nobody decides on their own"));
    let holders: Vec<_> = request.stages[1].seats[0].candidates.iter().map(|one| one.person).collect();
    assert!(!holders.contains(&house.person("owner")), "{holders:?}");
    // Nor when somebody asks for them, nor by appointment.
    let asking = Asking { person: Some(house.person("bram")), ..asking(&["payer"]) };
    let request = house.identity.ask(&asking, &by("boss")).await.unwrap();
    assert!(refused(house.answer(&request, "boss", true).await).contains("nobody decides on their own"));
    for name in ["boss", "bram"] {
        let command = Command::Appoint { seat: 0, person: house.person(name), reason: "urgent".to_owned() };
        let order = Order { request: request.id, version: request.version, command };
        assert!(refused(house.identity.order(&order, &by("guard")).await).contains("nobody decides on their own"));
    }
    let appoint = |reason: &str| {
        let command = Command::Appoint { seat: 0, person: house.person("guard"), reason: reason.to_owned() };
        Order { request: request.id, version: request.version, command }
    };
    let order = appoint("urgent");
    assert!(refused(house.identity.order(&order, &by("boss")).await).contains("does not choose who decides"));
    // Nor does who decides appoint themselves, and whoever is appointed is so for a reason.
    assert!(refused(house.identity.order(&order, &by("guard")).await).contains("nobody appoints themselves"));
    assert!(refused(house.identity.order(&appoint(" "), &by("owner")).await).contains("reason"));
    let program = kernel::Actor::Token("token-1".to_owned());
    assert!(refused(house.identity.order(&order, &program).await).contains("a program cannot"));
}

pub async fn two_decisions_at_once(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    let (first, second) = tokio::join!(house.answer(&request, "boss", true), house.answer(&request, "boss", false));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "one wins");
    let lost = if first.is_ok() { second } else { first };
    assert!(matches!(lost, Err(Error::Conflict(_))), "the other is told: {lost:?}");
}

pub async fn silence_is_never_a_yes(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    let holder = async || {
        let request = house.identity.request(request.id).await.unwrap();
        let place = request.open_stage();
        (request.state, place.and_then(|place| request.stages[place].seats[0].holder().map(|one| one.person)))
    };
    assert_eq!(holder().await, (RequestState::Pending, Some(house.person("boss"))));
    house.turn_the_clock(73 * HOUR_S).await;
    assert_eq!(holder().await.1, Some(house.person("director")), "the manager's manager");
    assert!(
        refused(house.answer(&house.identity.request(request.id).await.unwrap(), "boss", true).await)
            .contains("not asked")
    );
    house.turn_the_clock(73 * HOUR_S).await;
    assert_eq!(holder().await.1, Some(house.person("owner")));
    house.turn_the_clock(73 * HOUR_S).await;
    assert_eq!(holder().await.1, Some(house.person("guard")));
    house.turn_the_clock(73 * HOUR_S).await;
    assert_eq!(holder().await.0, RequestState::Lapsed);
    assert!(house.assigned("amina").await.is_empty());
}

/// What waits is not asked for once more, nothing is asked for twice at once, endlessly, or for a time that is over.
pub async fn the_same_is_not_asked_for_twice(url: String) {
    let house = House::open(&url).await;
    let now = house.store.now();
    let asking = |packages: Vec<(&str, Option<kernel::Timestamp>)>| Asking {
        packages: packages.into_iter().map(|(key, from)| (key.to_owned(), from, None)).collect(),
        person: None,
        reason: "closing the books".to_owned(),
        language: "en".to_owned(),
        exception: None,
    };
    let refuse = async |packages, words: &str| {
        let problem = refused(house.identity.ask(&asking(packages), &by("amina")).await);
        assert!(problem.contains(words), "{problem}");
    };
    refuse(vec![("payer", None), ("payer", None)], "`payer` is asked for twice").await;
    refuse(vec![("payer", None); 500], "one to 20 packages, not for 500").await;
    refuse(vec![("payer", Some(now.plus_micros(-2 * DAY_US)))], "a time that is over").await;
    let first = house.identity.ask(&asking(vec![("payer", None)]), &by("amina")).await.unwrap();
    refuse(vec![("payer", None)], &first.id.to_string()).await;
    house.identity.ask(&asking(vec![("payer", None)]), &by("bram")).await.unwrap();
}

/// One stands in at a time: the latest who was named, for 90 days at most, until it is ended.
pub async fn a_new_delegate_takes_the_place_of_the_old(url: String) {
    let house = House::open(&url).await;
    let (boss, now) = (house.person("boss"), house.store.now());
    let delegate = async |to: &str, days: i64| {
        let times = (now, now.plus_micros(days * DAY_US));
        house.identity.delegate(boss, house.person(to), times, &by("boss")).await
    };
    assert!(refused(delegate("bram", 5_000).await).contains("90 days at most"));
    assert!(refused(delegate("bram", 0).await).contains("before it begins"));
    delegate("bram", 5).await.unwrap();
    delegate("owner", 5).await.unwrap();
    let shown = house.identity.delegations_of(boss).await.unwrap();
    assert_eq!(shown.iter().map(|one| one.delegate).collect::<Vec<_>>(), [house.person("owner")]);
    assert_eq!(house.identity.delegations_of(house.person("owner")).await.unwrap(), shown, "who stands in sees it");
    assert_eq!(house.identity.delegations_of(house.person("bram")).await.unwrap(), []);
    house.identity.end_delegation(boss, &by("boss")).await.unwrap();
    assert!(refused(house.identity.end_delegation(boss, &by("boss")).await).contains("nobody decides"));
    assert_eq!(house.identity.delegations_of(boss).await.unwrap(), []);
}

pub async fn a_delegate_stands_in(url: String) {
    let house = House::open(&url).await;
    let now = house.store.now();
    let (boss, bram) = (house.person("boss"), house.person("bram"));
    house.identity.delegate(boss, bram, (now, now.plus_micros(DAY_US)), &by("boss")).await.unwrap();
    let request = house.ask("amina", &["payer"]).await.unwrap();
    let request = house.answer(&request, "bram", true).await.unwrap();
    let decision = request.stages[0].seats[0].decision.clone().unwrap();
    assert_eq!((decision.by, decision.via), (bram, identity::approver::Via::Delegation));
    // The delegate asks: the delegation does not make them their own judge.
    let own = house.ask("bram", &["payer"]).await.unwrap();
    assert_eq!(own.stages[0].seats[0].holder().map(|one| one.person), Some(boss));
    // A manager on leave is passed over.
    house.employ("boss", Some("director"), "leave").await;
    let request = house.ask("amina", &["buyer"]).await.unwrap();
    assert_ne!(request.stages[0].seats[0].holder().map(|one| one.person), Some(boss));
}

pub async fn toxic_parts_are_refused_at_once(url: String) {
    let house = House::open(&url).await;
    let problem = refused(house.ask("amina", &["payer", "buyer"]).await);
    assert!(problem.contains("pay-vendor") && problem.contains("in itself"), "{problem}");
    let shown = house.identity.preview(&asking(&["payer", "buyer"]), &by("amina")).await.unwrap();
    let parts: Vec<_> = shown[0].sides.iter().map(|side| side.part).collect();
    assert_eq!(parts, [Some(0), Some(1)]);
}

pub async fn toxic_with_what_is_held_needs_the_risk_owner(url: String) {
    let house = House::open(&url).await;
    house.give("amina", Target::Role("payer".to_owned()), Mode::Active).await;
    let problem = refused(house.ask("amina", &["buyer"]).await);
    assert!(problem.contains("ask for an exception"), "{problem}");
    let until = house.store.now().plus_micros(30 * DAY_US);
    let exception = Some(ExceptionAsked { mitigation: "a second signature".to_owned(), until });
    let asking = Asking { exception, ..asking(&["buyer"]) };
    let request = house.identity.ask(&asking, &by("amina")).await.unwrap();
    let request = house.answer(&request, "boss", true).await.unwrap();
    let request = house.answer(&request, "owner", true).await.unwrap();
    assert_eq!(request.state, RequestState::Pending, "the owner of the risk is asked last");
    let request = house.answer(&request, "guard", true).await.unwrap();
    assert_eq!(request.state, RequestState::Granted);
    let given = house.identity.exceptions(None).await.unwrap();
    assert_eq!((given[0].risk_owner, given[0].until), (house.person("guard"), until));
    let open = house.identity.violations(None, Some(identity::sod::ViolationState::Open), 10).await.unwrap();
    assert!(open.is_empty(), "the exception covers it");
}

pub async fn what_became_toxic_is_blocked(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["buyer"]).await.unwrap();
    let request = house.answer(&request, "boss", true).await.unwrap();
    house.give("amina", Target::Role("payer".to_owned()), Mode::Active).await;
    let request = house.answer(&request, "owner", true).await.unwrap();
    assert_eq!(request.state, RequestState::Blocked);
    assert!(request.closed_because.unwrap().contains("pay-vendor"));
    assert_eq!(house.assigned("amina").await, ["active payer"]);
}

pub async fn the_catalogue_speaks_languages(url: String) {
    let house = House::open(&url).await;
    let titles = async |language: &str| -> Vec<String> {
        house.identity.catalogue(language).await.unwrap().into_iter().map(|offer| offer.title).collect()
    };
    assert_eq!(titles("fr-CH").await, ["buyer (fr)", "payer (fr)"]);
    assert_eq!(titles("ar").await, ["buyer", "payer"]);
    let offers = house.identity.catalogue("en").await.unwrap();
    assert_eq!(offers[1].gives, ["erp/pay", "erp/reports"]);
}

/// Who left, is on leave or is locked out is passed over at once; whoever comes next has the whole time of the stage.
pub async fn an_approver_who_left_is_passed_over_and_nothing_is_granted(url: String) {
    let house = House::open(&url).await;
    let request = house.ask("amina", &["payer"]).await.unwrap();
    house.turn_the_clock(60 * HOUR_S).await;
    house.employ("boss", Some("director"), "ended").await;
    house.employ("director", None, "leave").await;
    house
        .tell(kernel::Fact::PersonLeft { person: house.person("boss"), at: house.store.now(), emergency: false })
        .await;
    let now = house.identity.request(request.id).await.unwrap();
    let seat = &now.stages[0].seats[0];
    assert_eq!((now.state, seat.holder().map(|one| one.person)), (RequestState::Pending, Some(house.person("owner"))));
    assert!(
        now.stages[0].due.unwrap() > house.store.now().plus_micros(2 * DAY_US),
        "not what was left of the first one's time"
    );
    assert!(refused(house.answer(&now, "boss", true).await).contains("not asked"));
    assert!(house.assigned("amina").await.is_empty());
    // Without the fact, the hourly look finds it.
    house.employ("owner", Some("director"), "leave").await;
    house.turn_the_clock(2 * HOUR_S).await;
    let now = house.identity.request(request.id).await.unwrap();
    assert_eq!(now.stages[0].seats[0].holder().map(|one| one.person), Some(house.person("guard")));
    // Nobody is left: it lapses, with a finding, and nothing was given.
    house.employ("guard", Some("director"), "ended").await;
    house.turn_the_clock(2 * HOUR_S).await;
    assert_eq!(house.identity.request(request.id).await.unwrap().state, RequestState::Lapsed);
    assert!(house.assigned("amina").await.is_empty());
}
