//! Access on one person's own decision, and who signs in as whom: no way around asking.

use identity::Error;
use identity::assignment::{Assignment, Mode, NewAssignment, Source, Target};
use identity::finding::{FindingKind, FindingState};
use identity::sod::NewSodException;

use crate::house::{DAY_US, House, by, refused};

async fn give(house: &House, to: &str, role: &str, mode: Mode, giver: &str) -> Result<Assignment, Error> {
    let new = NewAssignment {
        person: house.person(to),
        target: Target::Role(role.to_owned()),
        mode,
        source: Source::Person,
        source_ref: None,
        reason: "the month's end".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    house.identity.give(new, &by(giver)).await
}

pub async fn who_gives_alone_is_bound_as_who_asks(url: String) {
    let house = House::open(&url).await;
    let active = Mode::Active;
    assert!(refused(give(&house, "guard", "payer", active, "guard").await).contains("to themselves"));
    assert!(refused(give(&house, "guard", "payer", Mode::Eligible, "guard").await).contains("to themselves"));
    assert!(refused(give(&house, "amina", "payer", active, "stranger").await).contains("nobody on record"));
    assert!(matches!(give(&house, "amina", "nothing", active, "guard").await, Err(Error::NotFound { .. })));
    give(&house, "amina", "payer", active, "guard").await.unwrap();
    // What must stay apart stays apart, eligible or not, unless whoever owns the risk excepted her.
    for mode in [active, Mode::Eligible] {
        assert!(refused(give(&house, "amina", "buyer", mode, "boss").await).contains("pay-vendor"));
    }
    let exception = NewSodException {
        rule: "pay-vendor".to_owned(),
        person: house.person("amina"),
        risk_owner: house.person("guard"),
        mitigation: "the director looks at each payment".to_owned(),
        reason: "one person at the station".to_owned(),
        until: house.store.now().plus_micros(30 * DAY_US),
    };
    house.identity.except(exception, &by("guard")).await.unwrap();
    give(&house, "amina", "buyer", active, "boss").await.unwrap();
    // Power is borrowed.
    assert!(refused(give(&house, "bram", "admin", active, "guard").await).contains("borrowed for a time"));
    give(&house, "bram", "admin", Mode::Eligible, "guard").await.unwrap();
    assert_eq!(house.assigned("bram").await, ["eligible admin"]);
}

async fn changes(house: &House) -> Vec<String> {
    let open = house.identity.findings(Some(FindingKind::LoginChanged), Some(FindingState::Open)).await.unwrap();
    open.into_iter().map(|one| one.title).collect()
}

pub async fn nobody_says_who_they_are_themselves(url: String) {
    let house = House::open(&url).await;
    let identity = &house.identity;
    let link = async |user: &str, person: &str, officer: &str| {
        identity.link_login(&format!("user-{user}"), house.person(person), &by(officer)).await
    };
    assert_eq!(changes(&house).await, Vec::<String>::new());
    // The manager's person, for one's own user or for a second one.
    assert!(refused(link("guard", "boss", "guard").await).contains("nobody says who they are"));
    assert!(refused(link("second", "boss", "guard").await).contains("signs in as user-boss already"));
    assert!(refused(link("bram", "boss", "guard").await).contains("already"));
    link("boss", "boss", "guard").await.unwrap();
    assert!(refused(identity.unlink_login("user-guard", "x", &by("guard")).await).contains("nobody says who they are"));
    assert!(refused(identity.unlink_login("user-boss", "", &by("guard")).await).contains("reason"));
    assert!(matches!(identity.unlink_login("user-second", "x", &by("guard")).await, Err(Error::NotFound { .. })));
    // A new user for somebody is seen by all, whoever made it.
    identity.unlink_login("user-boss", "a new address", &by("guard")).await.unwrap();
    assert!(refused(identity.person_behind(&by("boss")).await).contains("nobody on record"));
    link("second", "boss", "guard").await.unwrap();
    assert_eq!(identity.person_behind(&by("second")).await.unwrap(), house.person("boss"));
    assert_eq!(changes(&house).await, ["boss X signs in as another user now: see what was decided as them since"]);
}
