//! The items of a campaign: who holds what of its scope, where it comes from, how unexpected it is, who looks at it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entitlements::Edge;
use entitlements::outliers::{Evidence, Outlier, outliers};
use entitlements::roles::Access;
use entitlements::sod::{analyse, explain};
use kernel::Timestamp;
use kernel::id::{EntitlementId, PersonId};
use sha2::{Digest, Sha256};

use super::campaign::Campaign;
use super::item::{FeaturesShown, ItemState, OriginShown, ReviewItem, SourceShown};
use crate::approver::{Directory, Matter};
use crate::assignment::Target;
use crate::error::{Error, Refusal};
use crate::inventory::{self, Inventory};
use crate::room::Turn;
use crate::sod::Rules;

const DAY_US: i64 = 86_400_000_000;

/// Makes the items of a campaign.
pub(super) struct Gathering<'a> {
    inventory: &'a Inventory,
    directory: &'a Directory,
    campaign: &'a Campaign,
    wanted: BTreeSet<EntitlementId>,
    scores: HashMap<(u32, u32), Outlier>,
    violates: HashMap<(u32, u32), BTreeSet<String>>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(
        inventory: &'a Inventory,
        directory: &'a Directory,
        campaign: &'a Campaign,
        now: Timestamp,
    ) -> Result<Gathering<'a>, Error> {
        let violates = violating(inventory, now)?;
        let scores = scores(inventory, directory, &violates, now);
        let wanted = wanted(inventory, campaign)?;
        Ok(Gathering { inventory, directory, campaign, wanted, scores, violates })
    }

    pub(super) fn items(&self, turn: &Turn) -> Vec<ReviewItem> {
        let mut items = Vec::new();
        for (user, person) in (0_u32..).zip(&self.inventory.people) {
            if !self.is_in_scope(*person) {
                continue;
            }
            for held in self.inventory.closure.entitlements_of(entitlements::User(user)) {
                let Some(entitlement) = self.inventory.entitlements.get(held.0 as usize) else { continue };
                if self.wanted.contains(&entitlement.id) {
                    items.push(self.item(turn, (user, *person), held.0, false));
                }
            }
        }
        let canaries = self.canaries();
        let mut disguised: Vec<ReviewItem> =
            canaries.into_iter().map(|(user, person, held)| self.item(turn, (user, person), held, true)).collect();
        for canary in &mut disguised {
            self.disguise(canary, &items);
        }
        items.extend(disguised);
        items
    }

    /// A canary looks as a real item does: its way, origin and score are those of a like one, with ids of its own person.
    fn disguise(&self, canary: &mut ReviewItem, items: &[ReviewItem]) {
        let system = |item: &ReviewItem| item.name.split_once('/').map(|(system, _)| system.to_owned());
        let likeness = |item: &&ReviewItem| {
            (
                item.entitlement == canary.entitlement,
                system(item) == system(canary),
                item.privileged == canary.privileged,
            )
        };
        let Some(like) = items.iter().filter(|item| item.person != canary.person).max_by_key(likeness) else { return };
        let of_system = self
            .inventory
            .accounts
            .iter()
            .find(|(_, one)| one.person == Some(canary.person) && Some(&one.system) == system(canary).as_ref());
        let own_id = |kind: &str, reference: &str| {
            let digest = Sha256::digest(format!("{}\n{}\n{kind}\n{reference}", canary.id, canary.entitlement));
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            match (kind, of_system) {
                ("assignment", _) => kernel::id::AssignmentId::derived(bytes).to_string(),
                (_, Some((id, _))) => id.to_string(),
                (_, None) => kernel::id::AccountId::derived(bytes).to_string(),
            }
        };
        let mut sources = like.sources.clone();
        for source in &mut sources {
            // The way ends in what is reviewed, as a real one does.
            if like.entitlement != canary.entitlement {
                source.way = source.way.iter().map(|step| step.replace(&like.name, &canary.name)).collect();
            }
            for origin in &mut source.origins {
                origin.reference = own_id(&origin.kind, &origin.reference);
            }
        }
        let digest = Sha256::digest(format!("{sources:?}"));
        (canary.base, canary.sources) = (hex::encode(digest), sources);
        (canary.score, canary.features) = (like.score, like.features.clone());
    }

    fn is_in_scope(&self, person: PersonId) -> bool {
        let scope = &self.campaign.plan.scope;
        let station = || self.directory.post(person).and_then(|post| post.sheet.station.clone());
        let is_there = scope.stations.is_empty() || station().is_some_and(|station| scope.stations.contains(&station));
        is_there && scope.people.as_ref().is_none_or(|people| people.contains(&person))
    }

    fn item(&self, turn: &Turn, (user, person): (u32, PersonId), held: u32, is_canary: bool) -> ReviewItem {
        let entitlement = &self.inventory.entitlements[held as usize];
        let (sources, base) = sources(self.inventory, person, entitlement.id);
        let matter = Matter {
            owners: entitlement.owner.iter().cloned().collect(),
            systems: BTreeSet::from([entitlement.system.clone()]),
        };
        let score = self.scores.get(&(user, held));
        let accounts = self.inventory.accounts.values();
        let own = accounts.filter(|one| one.person == Some(person) && one.system == entitlement.system);
        ReviewItem {
            id: turn.tx.id(),
            campaign: self.campaign.id,
            person,
            person_name: self.directory.name(person),
            entitlement: entitlement.id,
            name: entitlement.grant().to_string(),
            risk: entitlement.risk,
            privileged: entitlement.privileged,
            reviewer: reviewer(self.directory, self.campaign, person, &matter, None),
            sources,
            score: score.map_or(0.0, |one| one.score),
            features: score.map(|one| FeaturesShown::from(&one.features)),
            last_use: own.filter_map(|one| one.last_use).max(),
            violates: self.violates.get(&(user, held)).into_iter().flatten().cloned().collect(),
            base,
            state: ItemState::Open,
            decision: None,
            comment: None,
            decided_by: None,
            decided: None,
            shown: None,
            changed: None,
            escalated: false,
            looked: 0,
            is_canary,
            version: 0,
        }
    }

    /// Accesses in scope that their person does not have, the same for the same campaign.
    fn canaries(&self) -> Vec<(u32, PersonId, u32)> {
        let people: Vec<(u32, PersonId)> = (0_u32..)
            .zip(self.inventory.people.iter().copied())
            .filter(|(_, person)| self.is_in_scope(*person))
            .collect();
        let wanted: Vec<u32> =
            self.wanted.iter().filter_map(|id| self.inventory.held(*id)).map(|held| held.0).collect();
        let mut found: BTreeMap<(u32, u32), PersonId> = BTreeMap::new();
        let tries = self.campaign.plan.canaries.saturating_mul(50);
        for number in 0..tries {
            if found.len() >= self.campaign.plan.canaries || people.is_empty() || wanted.is_empty() {
                break;
            }
            let digest = Sha256::digest(format!("{}\ncanary {number}", self.campaign.id));
            let word = |at: usize| u32::from_be_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]]);
            let (user, person) = people[word(0) as usize % people.len()];
            let held = wanted[word(4) as usize % wanted.len()];
            if !self.inventory.closure.holds(entitlements::User(user), entitlements::Entitlement(held)) {
                found.insert((user, held), person);
            }
        }
        found.into_iter().map(|((user, held), person)| (user, person, held)).collect()
    }
}

/// Entitlements in the scope of a campaign.
fn wanted(inventory: &Inventory, campaign: &Campaign) -> Result<BTreeSet<EntitlementId>, Error> {
    let scope = &campaign.plan.scope;
    let mut named: Option<BTreeSet<EntitlementId>> = None;
    for grant in &scope.entitlements {
        let id = inventory.named(grant);
        let id = id.ok_or_else(|| Refusal::bad("scope.entitlements", format!("there is no `{grant}`")))?;
        named.get_or_insert_default().insert(id);
    }
    for role in &scope.roles {
        let target = Target::Role(role.clone());
        if !inventory.knows(&target) {
            return Err(Refusal::bad("scope.roles", format!("there is no role `{role}`")).into());
        }
        named.get_or_insert_default().extend(inventory.given_by(&target).into_iter().map(|given| given.id));
    }
    let is_wanted = |one: &&crate::entitlement::Entitlement| {
        let in_system = scope.systems.is_empty() || scope.systems.contains(&one.system);
        in_system && (!scope.privileged || one.privileged) && named.as_ref().is_none_or(|named| named.contains(&one.id))
    };
    Ok(inventory.entitlements.iter().filter(is_wanted).map(|one| one.id).collect())
}

/// The first who is here, in the order of the campaign's functions; not `instead_of`.
pub(super) fn reviewer(
    directory: &Directory,
    campaign: &Campaign,
    person: PersonId,
    matter: &Matter,
    instead_of: Option<PersonId>,
) -> Option<PersonId> {
    let excluded: BTreeSet<PersonId> = std::iter::once(person).chain(instead_of).collect();
    let functions = campaign.plan.reviewers.iter();
    let mut asked = functions.flat_map(|function| directory.candidates(function, person, matter, &excluded));
    asked.next().map(|one| one.person)
}

/// Where an access comes from now, and the digest of it.
pub(super) fn sources(inventory: &Inventory, person: PersonId, id: EntitlementId) -> (Vec<SourceShown>, String) {
    let (Some(user), Some(held)) = (inventory.user(person), inventory.held(id)) else {
        return (Vec::new(), String::new());
    };
    let mut shown = Vec::new();
    let mut digest = Sha256::new();
    let mut edges = inventory.closure.sources(user, held);
    edges.sort_unstable();
    for edge in edges {
        let Edge::Member(_, group) = edge else { continue };
        let given = inventory.closure.given_by(edge);
        let also = given
            .iter()
            .filter(|other| *other != held.0)
            .filter_map(|other| inventory.entitlements.get(other as usize));
        let (paths, _) = inventory.closure.paths(user, held, 100);
        let way = paths.iter().find(|path| path.groups.first() == Some(&group));
        let origins: Vec<OriginShown> = inventory.origins(edge).iter().map(OriginShown::from).collect();
        for origin in &origins {
            digest.update(format!("{}\n{}\n{}\n", inventory.label(group), origin.kind, origin.reference));
        }
        shown.push(SourceShown {
            way: way.map(|path| inventory.words(path)).unwrap_or_default(),
            origins,
            also_loses: also.map(|one| one.grant().to_string()).collect(),
            nesting_reaches: way.and_then(|path| reached_by_nesting(inventory, path)),
        });
    }
    (shown, hex::encode(digest.finalize()))
}

/// How many people are below the first nesting of a way: they would lose something if it were cut.
fn reached_by_nesting(inventory: &Inventory, path: &entitlements::Path) -> Option<u64> {
    let nested = path.groups.get(1).and(path.groups.first())?;
    Some(inventory.closure.members(*nested).len())
}

/// (user, entitlement) of every violation, with the rules.
fn violating(inventory: &Inventory, now: Timestamp) -> Result<HashMap<(u32, u32), BTreeSet<String>>, Error> {
    let rules = Rules::of(inventory)?;
    let found = analyse(&inventory.closure, &rules.book, now.micros(), inventory::workers());
    let users: BTreeSet<u32> = found.iter().flat_map(|one| one.users.iter()).collect();
    let mut all: HashMap<(u32, u32), BTreeSet<String>> = HashMap::new();
    for user in users {
        for conflict in explain(&inventory.closure, &rules.book, entitlements::User(user), now.micros()) {
            let Some((key, _)) = rules.rules.get(conflict.rule) else { continue };
            for held in conflict.held.iter().flat_map(|held| held.entitlements()) {
                all.entry((user, held.0)).or_default().insert(key.clone());
            }
        }
    }
    Ok(all)
}

/// How unexpected each access is.
fn scores(
    inventory: &Inventory,
    directory: &Directory,
    violates: &HashMap<(u32, u32), BTreeSet<String>>,
    now: Timestamp,
) -> HashMap<(u32, u32), Outlier> {
    let users = 0..inventory.people.len() as u32;
    let held = |user| inventory.closure.entitlements_of(entitlements::User(user));
    let access = Access::new(users.map(|user| held(user).into_iter().map(|held| held.0).collect()).collect());
    let mut numbers: HashMap<Vec<Option<String>>, u32> = HashMap::new();
    let mut groups: Vec<Vec<Option<u32>>> = Vec::new();
    for person in &inventory.people {
        let sheet = directory.post(*person).map(|post| &post.sheet);
        let unit = sheet.and_then(|sheet| sheet.org_unit.clone());
        let job = sheet.and_then(|sheet| sheet.job.clone());
        let station = sheet.and_then(|sheet| sheet.station.clone());
        let levels = [
            vec![unit.clone(), job.clone(), station.clone()],
            vec![unit.clone(), job.clone()],
            vec![job.clone(), station],
            vec![job],
            vec![unit],
        ];
        let number = |level: Vec<Option<String>>| {
            let is_known = level.iter().all(Option::is_some);
            let next = numbers.len() as u32;
            is_known.then(|| *numbers.entry(level).or_insert(next))
        };
        groups.push(levels.into_iter().map(number).collect());
    }
    let mut used: HashMap<(PersonId, &str), Timestamp> = HashMap::new();
    for account in inventory.accounts.values() {
        if let (Some(person), Some(last)) = (account.person, account.last_use) {
            let latest = used.entry((person, account.system.as_str())).or_insert(last);
            *latest = (*latest).max(last);
        }
    }
    let idle = |user: u32, held: u32| {
        let (person, entitlement) = (inventory.people.get(user as usize)?, inventory.entitlements.get(held as usize)?);
        let last = used.get(&(*person, entitlement.system.as_str()))?;
        u32::try_from((now.micros() - last.micros()).max(0) / DAY_US).ok()
    };
    let toxic = |user: u32, held: u32| violates.contains_key(&(user, held));
    let evidence = Evidence { peer_groups: &groups, idle_days: Some(&idle), is_toxic: Some(&toxic) };
    let found = outliers(&access, &evidence, inventory::workers());
    found.into_iter().map(|one| ((one.user, one.permission), one)).collect()
}
