//! Keys that must stay apart.

use identity::assignment::{Mode, Target};
use identity::document::DocumentKind;
use identity::finding::{FindingKind, FindingState};
use identity::sod::{NewSodException, ViolationState};
use serde_json::json;

use crate::house::{DAY_US, House, by, refused};

fn role(key: &str) -> Target {
    Target::Role(key.to_owned())
}

pub async fn found_excused_and_open_again(url: String) {
    let house = House::open(&url).await;
    house.give("amina", role("payer"), Mode::Active).await;
    house.give("amina", role("buyer"), Mode::Active).await;
    let summary = house.identity.analyse_duties(&by("guard")).await.unwrap();
    assert_eq!((summary.violations, summary.new), (1, 1));
    let amina = house.person("amina");
    let found = house.identity.violations(Some(amina), None, 10).await.unwrap();
    let ways: Vec<_> = found[0].sides.iter().map(|side| side.ways[0].join(" → ")).collect();
    assert_eq!(ways, ["role:payer → erp/pay", "role:buyer → erp/vendors"]);
    assert_eq!(house.identity.analyse_duties(&by("guard")).await.unwrap().new, 0, "once");

    let exception = |risk_owner| NewSodException {
        rule: "pay-vendor".to_owned(),
        person: amina,
        risk_owner: house.person(risk_owner),
        mitigation: "a second signature".to_owned(),
        reason: "leave cover".to_owned(),
        until: house.store.now().plus_micros(10 * DAY_US),
    };
    let problem = refused(house.identity.except(exception("owner"), &by("owner")).await);
    assert!(problem.contains("only the owner of the risk"), "{problem}");
    let too_long = NewSodException { until: house.store.now().plus_micros(400 * DAY_US), ..exception("guard") };
    assert!(refused(house.identity.except(too_long, &by("guard")).await).contains("180 days"));
    let unsaid = NewSodException { mitigation: " ".to_owned(), ..exception("guard") };
    assert!(refused(house.identity.except(unsaid, &by("guard")).await).contains("mitigation"));
    house.identity.except(exception("guard"), &by("guard")).await.unwrap();
    let state = async || house.identity.violations(Some(amina), None, 10).await.unwrap()[0].state;
    assert_eq!(state().await, ViolationState::Excused);
    house.turn_the_clock(11 * 86_400).await;
    assert_eq!(state().await, ViolationState::Open, "the exception is over");
}

pub async fn documents_that_make_no_sense_are_refused(url: String) {
    let house = House::open(&url).await;
    let rule = |sides: serde_json::Value| json!({ "title": "t", "owner": "guard", "sides": sides });
    let problem = refused(house.duty(DocumentKind::SodRule, "x", rule(json!([["pay"]]))).await);
    assert!(problem.contains("two or more"), "{problem}");
    let problem = refused(house.duty(DocumentKind::SodRule, "x", rule(json!([["pay"], ["fly"]]))).await);
    assert!(problem.contains("no sod-function `fly`"), "{problem}");
    // What keeps nothing apart, although it looks so.
    let problem = refused(house.duty(DocumentKind::SodRule, "x", rule(json!([["pay"], ["vendor", "pay"]]))).await);
    assert!(problem.contains("`pay` is on two sides"), "{problem}");
    let mut scoped = rule(json!([["pay"], ["vendor"]]));
    scoped["scope"] = json!("moon");
    let problem = refused(house.duty(DocumentKind::SodRule, "x", scoped).await);
    assert!(problem.contains("no function of it says a `moon`"), "{problem}");
    let function = |grant: &str| json!({ "title": "Fly", "owner": "guard", "entitlements": [grant] });
    let problem = refused(house.duty(DocumentKind::SodFunction, "fly", function("nosys/x")).await);
    assert!(problem.contains("there is no system `nosys`"), "{problem}");
    let package = json!({ "title": "t", "owner": "guard", "roles": ["nobody"] });
    let problem = refused(house.duty(DocumentKind::Package, "x", package).await);
    assert!(problem.contains("no role `nobody`"), "{problem}");
    assert!(house.identity.document(DocumentKind::SodRule, "x").await.is_err(), "nothing was written");
}

/// A typing error in a control is a control that is off: it is told until what is named was seen.
pub async fn a_function_that_names_nothing_is_told(url: String) {
    let house = House::open(&url).await;
    let told = async || {
        let all =
            house.identity.findings(Some(FindingKind::UnknownEntitlement), Some(FindingState::Open)).await.unwrap();
        all.into_iter().map(|one| one.title).collect::<Vec<_>>()
    };
    let function = |grant: &str| json!({ "title": "Fly", "owner": "guard", "entitlements": [grant, "erp/pay"] });
    house.duty(DocumentKind::SodFunction, "fly", function("erp/plane")).await.unwrap();
    house.identity.analyse_duties(&by("guard")).await.unwrap();
    assert_eq!(told().await, ["the function Fly names nothing that is known: erp/plane"]);
    house.duty(DocumentKind::SodFunction, "fly", function("erp/vendors")).await.unwrap();
    assert_eq!(told().await, Vec::<String>::new());
}

pub async fn a_membership_at_the_system_counts(url: String) {
    let house = House::open(&url).await;
    house.give("amina", role("payer"), Mode::Active).await;
    house.seen("amina", &["pay", "vendors"]).await;
    let summary = house.identity.analyse_duties(&by("guard")).await.unwrap();
    assert_eq!(summary.new, 1, "the other key was given at the system itself");
    house.seen("amina", &["pay"]).await;
    assert_eq!(house.identity.analyse_duties(&by("guard")).await.unwrap().resolved, 1);
}
