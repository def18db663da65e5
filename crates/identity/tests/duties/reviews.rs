//! Rounds of reviews.

use std::collections::BTreeMap;

use identity::Error;
use identity::approver::Approver;
use identity::assignment::{Mode, Target};
use identity::review::{Campaign, CampaignScope, ItemState, NewCampaign, OnSilence, ReviewItem, Verdict};
use identity::system::Risk;

use crate::house::{DAY_US, HOUR_S, House, by, refused};

fn plan(house: &House) -> NewCampaign {
    NewCampaign {
        title: "Quarter".to_owned(),
        scope: CampaignScope::default(),
        reviewers: vec![Approver::Manager, Approver::Owner],
        due: house.store.now().plus_micros(14 * DAY_US),
        on_silence: BTreeMap::new(),
        canaries: 0,
    }
}

async fn begin(house: &House, plan: NewCampaign) -> Campaign {
    house.identity.begin_campaign(plan, &by("guard")).await.unwrap()
}

async fn item(house: &House, campaign: &Campaign, person: &str, name: &str) -> ReviewItem {
    let items = house.identity.review_items(campaign.id, None).await.unwrap();
    let is_it = |item: &ReviewItem| item.person == house.person(person) && item.name == name && !item.is_canary;
    items.into_iter().find(is_it).unwrap_or_else(|| panic!("no item of {person} for {name}"))
}

async fn decide(
    house: &House,
    item: &ReviewItem,
    verdict: Verdict,
    whole: bool,
    name: &str,
) -> Result<ReviewItem, Error> {
    house.identity.review(item.id, item.version, (verdict, whole, "looked at"), &by(name)).await
}

fn entitlement(house: &House, name: &str) -> Target {
    Target::Entitlement(house.erp(name))
}

pub async fn nobody_reviews_their_own(url: String) {
    let house = House::open(&url).await;
    house.give("boss", entitlement(&house, "reports"), Mode::Active).await;
    house.give("director", entitlement(&house, "reports"), Mode::Active).await;
    let campaign =
        begin(&house, NewCampaign { reviewers: vec![Approver::Person("boss".to_owned())], ..plan(&house) }).await;
    let own = item(&house, &campaign, "boss", "erp/reports").await;
    assert_ne!(own.reviewer, Some(house.person("boss")), "it goes to somebody else");
    assert!(refused(decide(&house, &own, Verdict::Keep, false, "boss").await).contains("their own access"));
    let other = item(&house, &campaign, "director", "erp/reports").await;
    assert!(refused(decide(&house, &other, Verdict::Keep, false, "bram").await).contains("another reviewer"));
    let kept = decide(&house, &other, Verdict::Keep, false, "boss").await.unwrap();
    assert_eq!(kept.state, ItemState::Kept);
    assert!(matches!(decide(&house, &other, Verdict::Revoke, false, "boss").await, Err(Error::Conflict(_))));
}

pub async fn a_change_puts_the_item_up_again(url: String) {
    let house = House::open(&url).await;
    let given = house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    let gone = house.give("bram", entitlement(&house, "reports"), Mode::Active).await;
    let campaign = begin(&house, plan(&house)).await;
    let (first, second) =
        (item(&house, &campaign, "amina", "erp/reports").await, item(&house, &campaign, "bram", "erp/reports").await);
    house.identity.end(given.id, "by mistake", &by("guard")).await.unwrap();
    let again = house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    let up = decide(&house, &first, Verdict::Revoke, false, "boss").await.unwrap();
    assert_eq!((up.state, up.decision), (ItemState::Open, None), "a decision on what was is not applied");
    assert!(up.changed.is_some());
    assert_eq!(up.sources[0].origins[0].reference, again.id.to_string());
    assert_eq!(house.assigned("amina").await.len(), 1);
    let decided = decide(&house, &up, Verdict::Revoke, false, "boss").await.unwrap();
    assert_eq!(decided.state, ItemState::Removing);
    assert!(house.assigned("amina").await.is_empty());
    house.identity.end(gone.id, "left the team", &by("guard")).await.unwrap();
    assert_eq!(decide(&house, &second, Verdict::Keep, false, "boss").await.unwrap().state, ItemState::Gone);
}

pub async fn a_role_goes_only_when_that_is_confirmed(url: String) {
    let house = House::open(&url).await;
    house.give("amina", Target::Role("payer".to_owned()), Mode::Active).await;
    let campaign = begin(&house, plan(&house)).await;
    let pay = item(&house, &campaign, "amina", "erp/pay").await;
    assert_eq!(pay.sources[0].way, ["role:payer", "erp/pay"]);
    let problem = refused(decide(&house, &pay, Verdict::Revoke, false, "boss").await);
    assert!(problem.contains("role:payer → erp/pay") && problem.contains("erp/reports"), "{problem}");
    assert_eq!(house.assigned("amina").await, ["active payer"]);
    let decided = decide(&house, &pay, Verdict::Revoke, true, "boss").await.unwrap();
    assert_eq!(decided.state, ItemState::Removing);
    assert!(house.assigned("amina").await.is_empty());
}

pub async fn removed_is_what_the_target_shows(url: String) {
    let house = House::open(&url).await;
    house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    house.seen("amina", &["reports"]).await;
    let campaign = begin(&house, plan(&house)).await;
    let reports = item(&house, &campaign, "amina", "erp/reports").await;
    decide(&house, &reports, Verdict::Revoke, false, "boss").await.unwrap();
    house.turn_the_clock(660).await;
    assert_eq!(item(&house, &campaign, "amina", "erp/reports").await.state, ItemState::Removing, "not read since");
    house.seen("amina", &["reports"]).await;
    house.turn_the_clock(1_300).await;
    assert_eq!(item(&house, &campaign, "amina", "erp/reports").await.state, ItemState::Removing, "still there");
    house.seen("amina", &[]).await;
    house.turn_the_clock(3_000).await;
    assert_eq!(item(&house, &campaign, "amina", "erp/reports").await.state, ItemState::Removed);
}

pub async fn access_from_elsewhere_remains_until_it_is_gone(url: String) {
    let house = House::open(&url).await;
    house.seen("amina", &["reports"]).await;
    let campaign = begin(&house, plan(&house)).await;
    let reports = item(&house, &campaign, "amina", "erp/reports").await;
    assert_eq!(reports.sources[0].origins[0].kind, "native");
    decide(&house, &reports, Verdict::Revoke, false, "boss").await.unwrap();
    house.clock.advance_s(1);
    house.seen("amina", &["reports"]).await;
    for _ in 0..8 {
        house.turn_the_clock(12 * HOUR_S).await;
    }
    assert_eq!(item(&house, &campaign, "amina", "erp/reports").await.state, ItemState::Remains, "never a success");
    house.seen("amina", &[]).await;
    house.turn_the_clock(400 * HOUR_S).await;
    assert_eq!(item(&house, &campaign, "amina", "erp/reports").await.state, ItemState::Removed);
}

pub async fn silence_goes_by_risk(url: String) {
    let house = House::open(&url).await;
    house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    house.give("amina", entitlement(&house, "admins"), Mode::Active).await;
    house.give("bram", entitlement(&house, "admins"), Mode::Active).await;
    house.give("bram", entitlement(&house, "vendors"), Mode::Active).await;
    let on_silence = BTreeMap::from([(Risk::Low, OnSilence::Escalate)]);
    let scope = CampaignScope { people: Some([house.person("bram")].into()), ..CampaignScope::default() };
    let escalating = begin(&house, NewCampaign { on_silence, scope, ..plan(&house) }).await;
    let others = CampaignScope { people: Some([house.person("amina")].into()), ..CampaignScope::default() };
    let due = house.store.now().plus_micros(7 * DAY_US);
    let usual = begin(&house, NewCampaign { scope: others, due, ..plan(&house) }).await;
    house.turn_the_clock(15 * 24 * HOUR_S).await;
    assert_eq!(item(&house, &usual, "amina", "erp/reports").await.state, ItemState::Kept);
    let admin = item(&house, &usual, "amina", "erp/admins").await;
    assert_eq!((admin.state, admin.decided_by.as_deref()), (ItemState::Removing, Some("silence")));
    let escalated = item(&house, &escalating, "bram", "erp/vendors").await;
    assert_eq!((escalated.state, escalated.reviewer), (ItemState::Open, Some(house.person("guard"))));
    house.turn_the_clock(8 * 24 * HOUR_S).await;
    assert_eq!(item(&house, &escalating, "bram", "erp/vendors").await.state, ItemState::Removing);
    // Bram was the last administrator by then.
    assert_eq!(item(&house, &escalating, "bram", "erp/admins").await.state, ItemState::Remains);
    assert_eq!(house.assigned("bram").await.len(), 1);
}

pub async fn canaries_and_nodding_show(url: String) {
    let house = House::open(&url).await;
    house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    house.give("bram", entitlement(&house, "vendors"), Mode::Active).await;
    let scope = CampaignScope {
        people: Some([house.person("amina"), house.person("bram")].into()),
        ..CampaignScope::default()
    };
    let campaign = begin(&house, NewCampaign { canaries: 3, scope, ..plan(&house) }).await;
    assert_eq!(campaign.items, 5);
    for item in house.identity.review_items(campaign.id, Some(house.person("boss"))).await.unwrap() {
        let shown = house.identity.show_item(item.id, &by("boss")).await.unwrap();
        house.clock.advance_s(2);
        decide(&house, &shown, Verdict::Keep, false, "boss").await.unwrap();
    }
    let figures = house.identity.reviewer_figures(campaign.id).await.unwrap();
    assert_eq!((figures[0].decided, figures[0].canaries, figures[0].canaries_caught), (5, 3, 0));
    assert_eq!((figures[0].median_s, figures[0].glanced), (Some(2.0), Some(1.0)));
    assert!(figures[0].is_rubber_stamp);
    assert_eq!(house.assigned("amina").await.len(), 1, "a canary gives nothing");
}

/// Nothing that a reviewer or a script reads tells a canary from what is real.
pub async fn a_canary_shows_itself_by_nothing(url: String) {
    let house = House::open(&url).await;
    house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    house.give("bram", entitlement(&house, "vendors"), Mode::Active).await;
    let campaign = begin(&house, NewCampaign { canaries: 3, ..plan(&house) }).await;
    let items = house.identity.review_items(campaign.id, None).await.unwrap();
    let shape = |item: &ReviewItem| {
        let origins = item.sources.iter().flat_map(|one| &one.origins);
        let ids = origins.map(|one| one.reference.split('-').next().unwrap().to_owned()).collect::<Vec<_>>();
        (item.sources.len(), ids, item.features.is_some(), item.base.len(), item.last_use.is_some())
    };
    let real: Vec<_> = items.iter().filter(|item| !item.is_canary).map(shape).collect();
    let canaries: Vec<&ReviewItem> = items.iter().filter(|item| item.is_canary).collect();
    assert!(canaries.len() >= 2, "{}", canaries.len());
    for canary in &canaries {
        assert!(real.contains(&shape(canary)), "{:?} is like none of {real:?}", shape(canary));
        assert!(
            canary.sources.iter().flat_map(|one| &one.way).any(|step| *step == canary.name),
            "{:?}",
            canary.sources
        );
    }
    let asked = canaries.iter().find(|one| one.reviewer == Some(house.person("boss"))).unwrap();
    let revoked = decide(&house, asked, Verdict::Revoke, true, "boss").await.unwrap();
    assert_eq!(revoked.state, ItemState::Removing, "as a real one, until the target was read");
}

pub async fn a_reviewer_who_left(url: String) {
    let house = House::open(&url).await;
    house.give("amina", entitlement(&house, "reports"), Mode::Active).await;
    house.give("bram", entitlement(&house, "reports"), Mode::Active).await;
    let campaign = begin(&house, plan(&house)).await;
    let done = item(&house, &campaign, "bram", "erp/reports").await;
    decide(&house, &done, Verdict::Keep, false, "boss").await.unwrap();
    house.employ("boss", Some("director"), "ended").await;
    assert_eq!(house.identity.reroute_reviews(&by("guard")).await.unwrap(), 1);
    let open = item(&house, &campaign, "amina", "erp/reports").await;
    assert_eq!(open.reviewer, Some(house.person("director")));
    let done = item(&house, &campaign, "bram", "erp/reports").await;
    assert_eq!(done.decided_by, Some(house.person("boss").to_string()), "what was decided stays with who decided it");
}

pub async fn the_last_holder_stays(url: String) {
    let house = House::open(&url).await;
    house.give("amina", entitlement(&house, "admins"), Mode::Active).await;
    let campaign = begin(&house, plan(&house)).await;
    let last = item(&house, &campaign, "amina", "erp/admins").await;
    let problem = refused(decide(&house, &last, Verdict::Revoke, false, "boss").await);
    assert!(problem.contains("nobody left"), "{problem}");
    house.give("bram", entitlement(&house, "admins"), Mode::Active).await;
    assert_eq!(decide(&house, &last, Verdict::Revoke, false, "boss").await.unwrap().state, ItemState::Removing);
}
