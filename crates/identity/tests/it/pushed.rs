//! What a personnel system pushes to our SCIM service, taken as a delivery.

use identity::Error;
use identity::engagement::EngagementState;
use identity::feed::{BatchState, FetchState};
use identity::finding::{FindingKind, FindingState};
use kernel::Actor;
use scim::{Client, Kind, Precondition, Scim};
use serde_json::{Value as Json, json};

use crate::rig::{self, Rig, officer};

const MINUTE_US: i64 = 60_000_000;
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ENGAGEMENT: &str = "urn:ietf:params:scim:schemas:extension:vigie:2.0:User";

/// The feed `asked` as a personnel system pushes it; `more` comes before the mapping.
fn feed(more: &str) -> String {
    format!(
        r#"
[feed.asked]
title = "Personnel"
owner = "P-1"
format = "scim"
[feed.asked.guards]
leavers_percent = 20.0
unit_leavers_percent = 50.0
{more}
[feed.asked.source]
kind = "scim-push"
client = "workday"
quiet_minutes = 10
every_minutes = 60
[feed.asked.map]
anchor = "externalId"
key = "externalId"
number = "{ENTERPRISE}:employeeNumber"
given_name = "name.givenName"
family_name = "name.familyName"
mail = 'emails[type eq "work"].value'
birth_date = "{ENGAGEMENT}:birthDate"
begins = "{ENGAGEMENT}:startDate"
station = "{ENGAGEMENT}:dutyStation"
org_unit = "{ENTERPRISE}:department"
manager = "{ENTERPRISE}:manager.employeeNumber"
job = "{{{{ row.title | default('Officer') }}}}"
"#
    )
}

fn client(name: &str) -> Client {
    Client { name: name.to_owned(), actor: Actor::Token(format!("token-{name}")) }
}

fn user(number: usize, manager: Option<&str>) -> Json {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, ENGAGEMENT],
        "userName": format!("u{number}"), "externalId": format!("W-{number}"), "active": true,
        "name": { "givenName": format!("Given{number}"), "familyName": format!("Family{number}") },
        "emails": [{ "type": "home", "value": format!("{number}@home.vigie.test") },
            { "type": "work", "value": format!("{number}@vigie.test"), "primary": true }],
        ENTERPRISE: { "employeeNumber": format!("P-{number}"), "department": "OPS", "manager": manager.map(|id| json!({ "value": id })) },
        ENGAGEMENT: { "startDate": "2026-01-01", "birthDate": format!("19{}-01-02", 40 + number), "dutyStation": "nbo" },
    })
}

struct Push<'a> {
    scim: Scim,
    rig: &'a Rig,
}

impl Push<'_> {
    fn of(rig: &Rig) -> Push<'_> {
        Push { scim: Scim::new(rig.store.clone()), rig }
    }

    async fn add(&self, number: usize, manager: Option<&str>) -> String {
        self.scim.create(&client("workday"), Kind::User, &user(number, manager)).await.unwrap().id
    }

    async fn deactivate(&self, id: &str) {
        let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
        self.scim.patch(&client("workday"), Kind::User, id, &patch, &Precondition::None).await.unwrap();
    }

    async fn remove(&self, id: &str) {
        self.scim.delete(&client("workday"), Kind::User, id, &Precondition::None).await.unwrap();
    }

    async fn fetch(&self) -> (FetchState, Option<BatchState>, String) {
        let (state, batch) =
            self.rig.identity.fetch_feed("asked", self.rig.targets.as_ref(), &officer()).await.unwrap();
        let findings = || batch.as_ref().map(|batch| batch.findings.join("; "));
        let why = state.problem.clone().or_else(findings).unwrap_or_default();
        (state.state, batch.map(|batch| batch.state), why)
    }

    /// After so many minutes without a push.
    async fn fetch_after(&self, minutes: u64) -> (FetchState, Option<BatchState>, String) {
        self.rig.clock.advance_us(minutes * 60_000_000);
        self.fetch().await
    }

    async fn active(&self) -> usize {
        let mut active = 0;
        for person in self.rig.people().await {
            let view = self.rig.identity.person_view(person.id).await.unwrap();
            active += view.engagements.iter().filter(|one| one.state == EngagementState::Active).count();
        }
        active
    }
}

const APPLIED: (FetchState, Option<BatchState>) = (FetchState::Taken, Some(BatchState::Applied));
const HELD: (FetchState, Option<BatchState>) = (FetchState::Taken, Some(BatchState::Held));

fn short(whole: (FetchState, Option<BatchState>, String)) -> (FetchState, Option<BatchState>) {
    (whole.0, whole.1)
}

pub async fn a_push_is_taken_whole_and_when_it_is_quiet(url: String) {
    let rig = rig::open(&url).await;
    rig.save(&feed("")).await.unwrap();
    let push = Push::of(&rig);
    let (state, _, why) = push.fetch().await;
    assert_eq!(state, FetchState::Waiting);
    assert!(why.contains("`workday` has provisioned anybody yet (of those that have: nobody has)"), "{why}");
    let boss = push.add(0, None).await;
    let mut ids = vec![boss.clone()];
    for number in 1..12 {
        ids.push(push.add(number, Some(&boss)).await);
    }
    push.scim.create(&client("entra"), Kind::User, &user(50, None)).await.unwrap();
    let (state, batch, why) = push.fetch_after(9).await;
    assert_eq!((state, batch), (FetchState::Waiting, None), "a push in full swing is not half of the people: {why}");
    assert!(why.contains("workday is at it: its last change was at"), "{why}");
    assert_eq!(short(push.fetch_after(1).await), APPLIED);
    let people = rig.people().await;
    assert_eq!(people.len(), 12, "those of another client are not this feed's");
    let view = rig.identity.person_view(rig.person("Family7").await.id).await.unwrap();
    let sheet = &view.engagements[0].sheet;
    assert_eq!(
        (sheet.manager.as_deref(), sheet.org_unit.as_deref(), sheet.job.as_deref()),
        (Some("P-0"), Some("OPS"), Some("Officer"))
    );
    assert_eq!(
        (view.person.sheet.mail.as_deref(), view.person.sheet.number.as_deref()),
        (Some("7@vigie.test"), Some("P-7"))
    );
    assert_eq!(push.fetch_after(60).await.0, FetchState::Unchanged);
    // Who is not active, and who was deleted, has left.
    push.deactivate(&ids[11]).await;
    push.remove(&ids[10]).await;
    assert_eq!(short(push.fetch_after(10).await), APPLIED);
    assert_eq!(push.active().await, 10);
    // Somebody is there twice: neither is believed.
    let mut twice = user(3, None);
    twice["userName"] = json!("another-name");
    let again = push.scim.create(&client("workday"), Kind::User, &twice).await.unwrap().id;
    let (state, batch, why) = push.fetch_after(10).await;
    assert_eq!((state, batch), (FetchState::Taken, Some(BatchState::Rejected)), "{why}");
    push.remove(&again).await;
    assert_eq!(short(push.fetch_after(10).await), APPLIED);
    assert_eq!(push.active().await, 10);
}

pub async fn half_a_push_and_a_wiped_service_are_held(url: String) {
    let mut rig = rig::open(&url).await;
    rig.save(&feed("")).await.unwrap();
    let push = Push::of(&rig);
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(push.add(number, None).await);
    }
    assert_eq!(short(push.fetch_after(10).await), APPLIED);
    // It deletes everybody to make them anew, and stops in the middle for longer than it is waited for.
    for id in &ids {
        push.remove(id).await;
    }
    for number in 0..5 {
        push.add(number, None).await;
    }
    let (state, batch, why) = push.fetch_after(10).await;
    assert_eq!((state, batch), HELD, "{why}");
    assert!(why.contains("7 of 12 people would leave"), "{why}");
    assert_eq!(push.active().await, 12, "what is held writes nothing");
    assert_eq!(push.fetch_after(60).await.0, FetchState::Unchanged, "held once");
    // The program dies and starts again while the rest comes; by the clock alone the whole is taken.
    for number in 5..12 {
        push.add(number, None).await;
    }
    drop(push);
    rig.restart().await;
    let before = rig.identity.batches(Some("asked")).await.unwrap().len();
    rig.pass_until(rig.store.now().plus_micros(75 * MINUTE_US)).await;
    let batches = rig.identity.batches(Some("asked")).await.unwrap();
    assert_eq!((batches.len() - before, batches[0].state, batches[0].leavers), (1, BatchState::Applied, 0));
    let push = Push::of(&rig);
    assert_eq!(push.active().await, 12);
    // Nothing at all is no delivery.
    for one in push.scim.provisioned("workday").await.unwrap().unwrap().users {
        push.remove(&one.id).await;
    }
    let (_, batch, why) = push.fetch_after(10).await;
    assert_eq!(batch, Some(BatchState::Rejected));
    assert!(why.contains("fewer than 1 are not believed"), "{why}");
    assert_eq!(push.active().await, 12);
}

pub async fn a_push_that_never_rests_is_told_to_people(url: String) {
    let mut rig = rig::open(&url).await;
    rig.save(&feed("")).await.unwrap();
    let scim = Scim::new(rig.store.clone());
    let troubles =
        async |rig: &Rig| rig.identity.findings(Some(FindingKind::FeedFailed), Some(FindingState::Open)).await.unwrap();
    for number in 0..170 {
        if number == 150 {
            assert!(troubles(&rig).await.is_empty(), "not before a day has passed");
        }
        let user = user(number, None).to_string().replace(&format!("19{}", 40 + number), "1980");
        scim.create(&client("workday"), Kind::User, &serde_json::from_str(&user).unwrap()).await.unwrap();
        rig.pass_until(rig.store.now().plus_micros(9 * MINUTE_US)).await;
    }
    let found = troubles(&rig).await;
    assert!(found[0].title.contains("Personnel has waited for a day: workday is at it"), "{:?}", found[0]);
    assert_eq!(rig.people().await.len(), 0);
    rig.pass_until(rig.store.now().plus_micros(11 * MINUTE_US)).await;
    assert_eq!((rig.people().await.len(), troubles(&rig).await.len()), (170, 0));
}

pub async fn a_mapping_that_leads_nowhere_is_refused_with_the_remedy(url: String) {
    let rig = rig::open(&url).await;
    let cases = [
        ("\"name.familyName\"", "\"name.famliyName\"", "map.family_name: `famliyName` is no part of `name`; there are"),
        ("'emails[type eq \"work\"].value'", "'emails[type eq work].value'", "map.mail: filter, byte"),
        ("kind = \"scim-push\"", "kind = \"scim-push\"\nlargest_mb = 0", "source.largest_mb"),
        ("quiet_minutes = 10", "quiet_minutes = 0", "source.quiet_minutes: it is between 1 and 720"),
        ("client = \"workday\"", "client = \" \"", "source.client: it is empty; write the name of the token"),
        ("format = \"scim\"", "format = \"json\"", "write `format = \"scim\"`"),
    ];
    for (right, wrong, word) in cases {
        let document = feed("").replace(right, wrong);
        assert!(document.contains(wrong), "{right}");
        let refused = rig.save(&document).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused(why) if why.to_string().contains(word)), "{word}: {refused}");
    }
    rig.save(&feed("")).await.unwrap();
    let unknown = rig.identity.fetch_feed("hrr", rig.targets.as_ref(), &officer()).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no feed `hrr`; there are asked, hr");
}
