//! Begin, show, decide, close, look: load, decide, write in one transaction.

use std::collections::BTreeSet;

use kernel::id::{CampaignId, PersonId, ReviewItemId};
use kernel::{Actor, Fact};
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Read};

use super::campaign::{self, Campaign, CampaignState, NewCampaign, OnSilence};
use super::decide::{self, Verdict};
use super::gather::{Gathering, reviewer, sources};
use super::item::{self, ItemState, OriginShown, ReviewItem};
use super::report::{ReviewerFigures, figures};
use crate::account;
use crate::approver::{self, Approver, Directory, Matter};
use crate::error::{Error, Refusal, said};
use crate::finding::{FindingKind, NewFinding};
use crate::inventory::{Inventory, Node, Origin, Scope};
use crate::room::{Identity, Turn};
use crate::saying::saying;

/// When a campaign ends.
pub(crate) const CAMPAIGN_DUE: &str = "identity.review-campaign";
/// When it is looked whether something is gone at the target.
pub(crate) const VERIFY: &str = "identity.review-verify";
const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 86_400_000_000;
const ESCALATION_DAYS: i64 = 7;

/// Accesses of a campaign that nobody has, at most.
const MOST_CANARIES: usize = 50;

impl Identity {
    /// Begins a campaign: everything in its scope becomes an item with a reviewer.
    ///
    /// # Errors
    /// [`Error::Refused`] when nothing is in its scope, nobody is named to review, or its end is not ahead.
    pub async fn begin_campaign(&self, plan: NewCampaign, actor: &Actor) -> Result<Campaign, Error> {
        let title = said("title", &plan.title, 200)?;
        if plan.reviewers.is_empty() {
            return Err(Refusal::bad("reviewers", "name who reviews").into());
        }
        let mut turn = self.turn(actor, "").await?;
        let now = turn.now();
        if plan.due <= now {
            return Err(Refusal::bad("due", "it must be ahead").into());
        }
        if plan.canaries > MOST_CANARIES {
            let problem = format!("at most {MOST_CANARIES}: more would be most of what reviewers look at");
            return Err(Refusal::bad("canaries", problem).into());
        }
        let inventory = Inventory::load(&mut turn.tx, Scope::Everybody, now).await?;
        let directory = Directory::load(&mut turn.tx, now).await?;
        let mut campaign = Campaign {
            id: turn.tx.id(),
            plan: NewCampaign { title, ..plan },
            state: CampaignState::Open,
            items: 0,
            without_reviewer: 0,
            begun_by: actor.to_string(),
            created: now,
            closed: None,
            prolonged: false,
            version: 0,
        };
        let unknown = plan_reviewers(&campaign).find(|number| directory.numbered(number).is_none());
        if let Some(number) = unknown {
            return Err(Refusal::bad("reviewers", format!("nobody who is known has the number {number}")).into());
        }
        let mut items = Gathering::new(&inventory, &directory, &campaign, now)?.items(&turn);
        if items.is_empty() {
            return Err(Refusal::bad("scope", "nobody holds anything of it").into());
        }
        campaign.items = items.len();
        campaign.without_reviewer = items.iter().filter(|item| item.reviewer.is_none()).count();
        campaign::save(&mut turn, &mut campaign).await?;
        for item in &mut items {
            item::save(&mut turn, item).await?;
        }
        promise_end(&mut turn, &campaign).await?;
        told(&mut turn, &campaign, "begin", Json::Null);
        turn.finish().await?;
        Ok(campaign)
    }

    /// Campaigns, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn campaigns(&self) -> Result<Vec<Campaign>, Error> {
        campaign::all(&mut self.store.clone()).await
    }

    /// Items of a campaign, the most unexpected first; of one reviewer or of all.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such campaign.
    pub async fn review_items(&self, id: CampaignId, reviewer: Option<PersonId>) -> Result<Vec<ReviewItem>, Error> {
        campaign::find(&mut self.store.clone(), id).await?;
        item::of_campaign(&mut self.store.clone(), id, reviewer).await
    }

    /// An item as its reviewer sees it. The first look is remembered.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn show_item(&self, id: ReviewItemId, actor: &Actor) -> Result<ReviewItem, Error> {
        let mut turn = self.turn(actor, "").await?;
        let by = approver::person_of(&mut turn.tx, actor).await.ok();
        let mut item = item::find(&mut turn.tx, id).await?;
        if item.state == ItemState::Open && item.shown.is_none() && item.reviewer == by && by.is_some() {
            item.shown = Some(turn.now());
            item::save(&mut turn, &mut item).await?;
            turn.record("review.show", id, Json::Null, json!({ "reviewer": by }));
            turn.finish().await?;
        }
        Ok(item)
    }

    /// Decides on an item. An item that changed meanwhile comes back undecided, with what there is now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody decided meanwhile; [`Error::Refused`] for one's own access, another reviewer's
    /// item, the last holder, or a source with which more would go and that was not confirmed.
    pub async fn review(
        &self,
        id: ReviewItemId,
        version: i64,
        (verdict, whole_source, comment): (Verdict, bool, &str),
        actor: &Actor,
    ) -> Result<ReviewItem, Error> {
        let mut turn = self.turn(actor, comment).await?;
        let by = approver::person_of(&mut turn.tx, actor).await?;
        let before = item::find(&mut turn.tx, id).await?;
        if before.version != version {
            return Err(Error::conflict(json!(verdict), json!(before), before.version));
        }
        let campaign = campaign::find(&mut turn.tx, before.campaign).await?;
        if campaign.state != CampaignState::Open {
            return Err(Refusal::rule("the campaign is closed").into());
        }
        let after = take_decision(&mut turn, &before, verdict, Some(by), whole_source, comment).await?;
        turn.finish().await?;
        Ok(after)
    }

    /// How each reviewer of a campaign reviews.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such campaign.
    pub async fn reviewer_figures(&self, id: CampaignId) -> Result<Vec<ReviewerFigures>, Error> {
        Ok(figures(&self.review_items(id, None).await?))
    }

    /// Gives open items of reviewers who are no longer here to who is asked in their place.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn reroute_reviews(&self, actor: &Actor) -> Result<usize, Error> {
        let mut turn = self.turn(actor, "").await?;
        let moved = reroute_all(&mut turn).await?;
        turn.finish().await?;
        Ok(moved)
    }
}

/// Numbers of those who are named as reviewers.
fn plan_reviewers(campaign: &Campaign) -> impl Iterator<Item = &str> {
    campaign.plan.reviewers.iter().filter_map(|one| match one {
        Approver::Person(number) => Some(number.as_str()),
        _ => None,
    })
}

async fn promise_end(turn: &mut Turn, campaign: &Campaign) -> Result<(), Error> {
    turn.tx
        .deadline(Deadline {
            kind: CAMPAIGN_DUE.to_owned(),
            subject: campaign.id.to_string(),
            owes: "reviewers".to_owned(),
            due: Due::At(campaign.plan.due),
            otherwise: "what nobody decided on goes by the campaign's rule for silence".to_owned(),
        })
        .await?;
    Ok(())
}

fn told(turn: &mut Turn, campaign: &Campaign, verb: &str, before: Json) {
    let (id, version, at) = (campaign.id, campaign.version, turn.now());
    turn.tx.emit(Fact::CampaignChanged { campaign: id, version, at });
    turn.record(&format!("campaign.{verb}"), id, before, json!(campaign));
}

/// Decides, takes the access away where that was decided, and writes.
async fn take_decision(
    turn: &mut Turn,
    before: &ReviewItem,
    verdict: Verdict,
    by: Option<PersonId>,
    whole_source: bool,
    comment: &str,
) -> Result<ReviewItem, Error> {
    let now = turn.now();
    let inventory = Inventory::load(&mut turn.tx, Scope::Everybody, now).await?;
    let (sources, base) = sources(&inventory, before.person, before.entitlement);
    let holders = inventory.held(before.entitlement).map_or(0, |held| inventory.closure.holders(held).len());
    let is_last = before.privileged && holders == 1;
    let mut after = decide::decide(before, verdict, by, whole_source, &sources, &base, is_last, now)?;
    if after.decision.is_some() {
        after.decided_by = Some(by.map_or_else(|| "silence".to_owned(), |by| by.to_string()));
        after.comment = Some(comment.trim().to_owned()).filter(|comment| !comment.is_empty());
    }
    match after.state {
        ItemState::Removing if after.is_canary => look_again(turn, &after).await?,
        ItemState::Removing => remove(turn, &inventory, &mut after).await?,
        _ => {}
    }
    item::save(turn, &mut after).await?;
    let verb = if after.changed == before.changed { "review.decide" } else { "review.put-up-again" };
    turn.record(verb, after.id, json!(before), json!(after));
    Ok(after)
}

/// Ends what can be ended here; what cannot is named, and stays `removing` until the target shows otherwise.
async fn remove(turn: &mut Turn, inventory: &Inventory, item: &mut ReviewItem) -> Result<(), Error> {
    let (Some(user), Some(held)) = (inventory.user(item.person), inventory.held(item.entitlement)) else {
        return Ok(());
    };
    let why = format!("revoked in the review {}", item.campaign);
    let mut elsewhere = Vec::new();
    for edge in inventory.closure.sources(user, held) {
        for origin in inventory.origins(edge) {
            match origin {
                Origin::Assignment { assignment } => {
                    turn.end_assignment(*assignment, &why).await?;
                }
                Origin::Native { account, .. } => match take_natively(turn, inventory, edge, *account, &why).await {
                    Ok(()) => {}
                    Err(Error::Refused(refusal)) => {
                        tracing::info!(%refusal, "a membership cannot be taken away from here");
                        elsewhere.push(OriginShown::from(origin));
                    }
                    Err(error) => return Err(error),
                },
                // What a rule gives is kept from this person, with the reason, and is not given again at the next turn.
                Origin::Policy { .. } => match edge {
                    entitlements::Edge::Member(_, group) => match inventory.node(group) {
                        Some(Node::Entitlement(id)) => {
                            turn.exclude(item.person, *id, &why, Some(item.id.to_string())).await?;
                        }
                        _ => elsewhere.push(OriginShown::from(origin)),
                    },
                    _ => elsewhere.push(OriginShown::from(origin)),
                },
            }
        }
    }
    if !elsewhere.is_empty() {
        let title =
            saying!("{what} is to be taken from {name} at its source", what = item.name, name = item.person_name);
        let detail = json!({ "item": item.id, "sources": item.sources, "elsewhere": elsewhere });
        let new = NewFinding::new(FindingKind::Other, item.id, title);
        turn.find(NewFinding { person: Some(item.person), detail, ..new }).await?;
    }
    look_again(turn, item).await
}

/// A membership that was made at the system is taken away there, by the engine.
async fn take_natively(
    turn: &mut Turn,
    inventory: &Inventory,
    edge: entitlements::Edge,
    account: kernel::id::AccountId,
    why: &str,
) -> Result<(), Error> {
    let entitlements::Edge::Member(_, group) = edge else { return Ok(()) };
    let Some(Node::Entitlement(id)) = inventory.node(group) else { return Ok(()) };
    let Some(name) = inventory.entitlement(*id).map(|one| one.name.clone()) else { return Ok(()) };
    turn.deny(account, &name, why).await
}

async fn look_again(turn: &mut Turn, item: &ReviewItem) -> Result<(), Error> {
    let patience = 1_i64 << item.looked.min(10);
    turn.tx
        .deadline(Deadline {
            kind: VERIFY.to_owned(),
            subject: item.id.to_string(),
            owes: "system:identity".to_owned(),
            due: Due::After(10 * MINUTE_US * patience),
            otherwise: "the target is looked at".to_owned(),
        })
        .await?;
    Ok(())
}

/// Looks whether a removed access is gone at the target.
pub(crate) async fn verify(turn: &mut Turn, id: ReviewItemId) -> Result<(), Error> {
    let before = item::find(&mut turn.tx, id).await?;
    if !matches!(before.state, ItemState::Removing | ItemState::Remains) {
        return Ok(());
    }
    let shows = shown_at_target(&mut turn.tx, &before).await?;
    let mut after = decide::looked(&before, shows);
    match after.state {
        ItemState::Removed => {
            let why = "the target shows it no longer";
            turn.settle_finding(FindingKind::Other, &id.to_string(), why).await?;
        }
        _ => look_again(turn, &after).await?,
    }
    item::save(turn, &mut after).await?;
    turn.record("review.look", id, json!({ "state": before.state }), json!({ "state": after.state, "shows": shows }));
    Ok(())
}

/// By effective membership, after every account that could hold it was read since the decision.
async fn shown_at_target(read: &mut impl Read, item: &ReviewItem) -> Result<Option<bool>, Error> {
    let Some(decided) = item.decided else { return Ok(None) };
    let nesting = crate::entitlement::nesting(read).await?;
    let mut leading = BTreeSet::from([item.entitlement]);
    let mut open = vec![item.entitlement];
    while let Some(parent) = open.pop() {
        for (_, child) in nesting.iter().filter(|(other, _)| *other == parent) {
            if leading.insert(*child) {
                open.push(*child);
            }
        }
    }
    let mut all_read = true;
    for account in account::of_person(read, item.person).await? {
        if !item.name.starts_with(&format!("{}/", account.system)) {
            continue;
        }
        let is_fresh = account.seen_at.is_some_and(|seen| seen >= decided);
        let held = account::holdings(read, account.id).await?;
        match (is_fresh, held.is_disjoint(&leading)) {
            (true, false) => return Ok(Some(true)),
            (true, true) => {}
            (false, _) => all_read = false,
        }
    }
    Ok(all_read.then_some(false))
}

/// The end of a campaign: what nobody decided on goes by the rule for silence.
pub(crate) async fn close_due(turn: &mut Turn, id: CampaignId) -> Result<(), Error> {
    let mut campaign = campaign::find(&mut turn.tx, id).await?;
    if campaign.state != CampaignState::Open {
        return Ok(());
    }
    let was = json!(campaign);
    let now = turn.now();
    let directory = Directory::load(&mut turn.tx, now).await?;
    let mut escalated = 0;
    for item in item::of_campaign(&mut turn.tx, id, None).await? {
        if item.state != ItemState::Open {
            continue;
        }
        let silence = campaign.on_silence(item.risk, item.privileged);
        match silence {
            OnSilence::Escalate if !item.escalated => {
                escalate(turn, &directory, &campaign, item).await?;
                escalated += 1;
            }
            OnSilence::Keep => silent(turn, &item, Verdict::Keep).await?,
            OnSilence::Remove | OnSilence::Escalate => silent(turn, &item, Verdict::Revoke).await?,
        }
    }
    if escalated > 0 {
        campaign.plan.due = now.plus_micros(ESCALATION_DAYS * DAY_US);
        campaign.prolonged = true;
        promise_end(turn, &campaign).await?;
    } else {
        (campaign.state, campaign.closed) = (CampaignState::Closed, Some(now));
    }
    campaign::save(turn, &mut campaign).await?;
    told(turn, &campaign, if escalated > 0 { "prolong" } else { "close" }, was);
    Ok(())
}

/// Decided by nobody. What a person would have to confirm is not done by silence: it is a finding.
async fn silent(turn: &mut Turn, item: &ReviewItem, verdict: Verdict) -> Result<(), Error> {
    let words = "nobody decided by the end of the campaign";
    match take_decision(turn, item, verdict, None, false, words).await {
        Ok(after) if after.changed != item.changed => {
            // It changed in the last moment: what there is now is looked at in the next campaign.
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => {
            let title = saying!(
                "{what} of {name} was not decided on and cannot go by itself",
                what = item.name,
                name = item.person_name
            );
            let new = NewFinding::new(FindingKind::Other, item.id, title);
            let detail = json!({ "item": item.id, "because": refusal.to_string() });
            turn.find(NewFinding { person: Some(item.person), detail, ..new }).await?;
            let mut after = ReviewItem { state: ItemState::Remains, decided: Some(turn.now()), ..item.clone() };
            item::save(turn, &mut after).await
        }
        Err(error) => Err(error),
    }
}

async fn escalate(
    turn: &mut Turn,
    directory: &Directory,
    campaign: &Campaign,
    mut item: ReviewItem,
) -> Result<(), Error> {
    let security = approver::Approver::Security;
    let excluded: BTreeSet<PersonId> = std::iter::once(item.person).chain(item.reviewer).collect();
    let next = directory.candidates(&security, item.person, &Matter::default(), &excluded);
    let from = item.reviewer;
    item.reviewer = next.first().map(|one| one.person).or(item.reviewer);
    (item.escalated, item.shown) = (true, None);
    item::save(turn, &mut item).await?;
    let after = json!({ "campaign": campaign.id, "from": from, "to": item.reviewer });
    turn.record("review.escalate", item.id, Json::Null, after);
    Ok(())
}

/// Open items of reviewers who left or are away go to others; done decisions stay with who took them.
pub(crate) async fn reroute_all(turn: &mut Turn) -> Result<usize, Error> {
    let now = turn.now();
    let open: Vec<Campaign> =
        campaign::all(&mut turn.tx).await?.into_iter().filter(|one| one.state == CampaignState::Open).collect();
    if open.is_empty() {
        return Ok(0);
    }
    let directory = Directory::load(&mut turn.tx, now).await?;
    let nobody = PersonId::derived([0; 16]);
    let inventory = Inventory::load(&mut turn.tx, Scope::One(nobody), now).await?;
    let mut moved = 0;
    for campaign in &open {
        let before = moved;
        for mut item in item::of_campaign(&mut turn.tx, campaign.id, None).await? {
            let is_here = item.reviewer.is_some_and(|reviewer| directory.is_here(reviewer));
            if item.state != ItemState::Open || is_here {
                continue;
            }
            let entitlement = inventory.entitlement(item.entitlement);
            let matter = Matter {
                owners: entitlement.and_then(|one| one.owner.clone()).into_iter().collect(),
                systems: entitlement.map(|one| one.system.clone()).into_iter().collect(),
            };
            let next = reviewer(&directory, campaign, item.person, &matter, item.reviewer);
            if next == item.reviewer || next.is_none() {
                continue;
            }
            let from = item.reviewer;
            (item.reviewer, item.shown) = (next, None);
            item::save(turn, &mut item).await?;
            turn.record("review.reroute", item.id, Json::Null, json!({ "from": from, "to": next }));
            moved += 1;
        }
        if moved > before {
            let (id, version, at) = (campaign.id, campaign.version, turn.now());
            turn.tx.emit(Fact::CampaignChanged { campaign: id, version, at });
        }
    }
    Ok(moved)
}
