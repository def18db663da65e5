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

pub async fn a_merge_gives_nothing_that_could_not_be_given(url: String) {
    let house = House::open(&url).await;
    let merge = async |survivor: &str, absorbed: &str, by_whom: &str| {
        let (survivor, absorbed) = (house.person(survivor), house.person(absorbed));
        house.identity.merge(survivor, absorbed, "one and the same", &by(by_whom)).await
    };
    // Whoever they are, it is not theirs to say, on either side.
    for (survivor, absorbed) in [("guard", "bram"), ("bram", "guard")] {
        assert!(refused(merge(survivor, absorbed, "guard").await).contains("records are their own"));
    }
    assert!(refused(merge("amina", "bram", "stranger").await).contains("nobody on record"));
    // What somebody gave to the other record they do not get by a merge.
    give(&house, "bram", "payer", Mode::Active, "director").await.unwrap();
    assert!(refused(merge("director", "bram", "guard").await).contains("director X gave payer to bram X"));
    // Nor are duties put together that must stay apart.
    give(&house, "amina", "buyer", Mode::Active, "boss").await.unwrap();
    let problem = refused(merge("amina", "bram", "guard").await);
    assert!(problem.contains("pay-vendor"), "{problem}");
    // What waits or runs for the other record is settled first.
    let request = house.ask("bram", &["payer"]).await.unwrap();
    assert!(refused(merge("owner", "bram", "guard").await).contains("a request of bram X waits"));
    house.answer(&request, "boss", false).await.unwrap();
    // What was given by a word is looked at by somebody, until the records are taken apart.
    let told = async || {
        let open = house.identity.findings(Some(FindingKind::Other), Some(FindingState::Open)).await.unwrap();
        open.into_iter().map(|one| one.title).filter(|title| title.contains("merged")).collect::<Vec<_>>()
    };
    let id = merge("owner", "bram", "guard").await.unwrap();
    assert!(told().await[0].starts_with("owner X has what was given to a record that was merged: payer"));
    assert!(refused(house.identity.unmerge(id, "two", &by("owner")).await).contains("records are their own"));
    house.identity.unmerge(id, "two", &by("guard")).await.unwrap();
    assert_eq!(told().await, Vec::<String>::new());
}

pub async fn what_is_given_to_a_merged_record_is_given_to_who_it_is(url: String) {
    let house = House::open(&url).await;
    let (amina, bram) = (house.person("amina"), house.person("bram"));
    give(&house, "amina", "buyer", Mode::Active, "boss").await.unwrap();
    house.identity.merge(amina, bram, "one and the same", &by("guard")).await.unwrap();
    assert!(refused(give(&house, "bram", "payer", Mode::Active, "boss").await).contains("pay-vendor"));
    // Whoever signs in as the record that was absorbed is the same human being.
    assert!(refused(give(&house, "amina", "payer", Mode::Active, "bram").await).contains("to themselves"));
    let given = give(&house, "bram", "admin", Mode::Eligible, "boss").await.unwrap();
    assert_eq!(given.person, amina, "and the answer says so");
}
