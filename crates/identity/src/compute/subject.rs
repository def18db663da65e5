//! A person with everything that decides what they should have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::Timestamp;
use kernel::id::{EntitlementId, PersonId};
use store::{Read, params};

use crate::account::{self, Account};
use crate::assignment::{self, Assignment};
use crate::engagement::{self, Engagement, EngagementSheet};
use crate::entitlement::{self, Entitlement, EntitlementKind};
use crate::error::Error;
use crate::exclusion;
use crate::person::{self, MOST_PEOPLE, Person};
use crate::policy::Policy;
use crate::role::Grant;
use crate::slice::{self, Slice};
use crate::sql;

/// Slices that ended longer ago decide nothing any more.
const PAST_US: i64 = 400 * 86_400_000_000;

/// A contract with what is believed of it over time, the earliest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    pub engagement: Engagement,
    pub slices: Vec<Slice<EngagementSheet>>,
}

impl Contract {
    /// What holds at an instant; before the first slice the first, after the last the last.
    pub fn sheet_at(&self, at: Timestamp) -> &EngagementSheet {
        let last = self.slices.iter().rfind(|slice| slice.from <= at).or(self.slices.first());
        last.map_or(&self.engagement.sheet, |slice| &slice.sheet)
    }
}

/// A person with contracts, assignments and accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub person: Person,
    pub contracts: Vec<Contract>,
    pub assignments: Vec<Assignment>,
    pub accounts: Vec<Account>,
    /// What rules are kept from giving.
    pub excluded: BTreeSet<EntitlementId>,
}

/// What systems can give.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    by_id: HashMap<EntitlementId, Entitlement>,
    by_grant: HashMap<Grant, EntitlementId>,
}

impl Catalog {
    /// From a list, with what policy knows of them.
    pub fn new(entitlements: Vec<Entitlement>, policy: &Policy) -> Catalog {
        let noted = |one: Entitlement| {
            let note = policy.systems.get(&one.system).and_then(|system| system.entitlements.get(&one.name));
            match note {
                Some(note) => one.noted(note),
                None => one,
            }
        };
        let entitlements: Vec<Entitlement> = entitlements.into_iter().map(noted).collect();
        let by_grant = entitlements.iter().map(|one| (one.grant(), one.id)).collect();
        Catalog { by_id: entitlements.into_iter().map(|one| (one.id, one)).collect(), by_grant }
    }

    pub(crate) async fn load(read: &mut impl Read, policy: &Policy) -> Result<Catalog, Error> {
        Ok(Catalog::new(entitlement::all(read).await?, policy))
    }

    /// Every entitlement.
    pub fn all(&self) -> impl Iterator<Item = &Entitlement> {
        self.by_id.values()
    }

    /// An entitlement by its id.
    pub fn entitlement(&self, id: EntitlementId) -> Option<&Entitlement> {
        self.by_id.get(&id)
    }

    /// An entitlement by how roles name it.
    pub fn named(&self, grant: &Grant) -> Option<&Entitlement> {
        self.by_grant.get(grant).and_then(|id| self.by_id.get(id))
    }

    /// The id of an entitlement of a system, known or not.
    pub fn id(&self, system: &str, name: &str) -> EntitlementId {
        let known = self.by_grant.get(&Grant::entitlement(system, name)).copied();
        known.unwrap_or_else(|| entitlement::id_of(system, name))
    }

    pub(crate) fn is_licence(&self, grant: &Grant) -> bool {
        self.named(grant).is_some_and(|one| one.kind == EntitlementKind::Licence)
    }

    pub(crate) fn is_privileged(&self, grant: &Grant) -> bool {
        self.named(grant).is_some_and(|one| one.privileged)
    }
}

/// One person with everything.
pub(crate) async fn load(read: &mut impl Read, id: PersonId) -> Result<Subject, Error> {
    let person = person::must(read, id).await?;
    let mut by_subject: HashMap<String, Vec<Slice<EngagementSheet>>> = HashMap::new();
    for row in read.rows(&sql::SLICES_OF_PERSON, params![id]).await? {
        let subject = row.text("subject")?.to_owned();
        if subject.starts_with("engagement-") {
            by_subject.entry(subject).or_default().push(slice::slice(&row)?);
        }
    }
    let engagements = engagement::of_person(read, id).await?;
    Ok(Subject {
        person,
        contracts: engagements.into_iter().map(|engagement| contract(engagement, &mut by_subject)).collect(),
        assignments: assignment::of_person(read, id).await?,
        accounts: account::of_person(read, id).await?,
        excluded: exclusion::of_person(read, id)
            .await?
            .into_iter()
            .filter(|one| one.lifted.is_none())
            .map(|one| one.entitlement)
            .collect(),
    })
}

fn contract(engagement: Engagement, by_subject: &mut HashMap<String, Vec<Slice<EngagementSheet>>>) -> Contract {
    let slices = by_subject.remove(&engagement.id.to_string()).unwrap_or_default();
    Contract { engagement, slices }
}

/// Everybody with everything.
pub(crate) async fn load_all(read: &mut impl Read, now: Timestamp) -> Result<BTreeMap<PersonId, Subject>, Error> {
    let mut by_subject: HashMap<String, Vec<Slice<EngagementSheet>>> = HashMap::new();
    let rows = read.rows(&sql::CURRENT_SLICES, params![now.plus_micros(-PAST_US), MOST_PEOPLE * 4]).await?;
    for row in rows {
        let subject = row.text("subject")?;
        if subject.starts_with("engagement-") {
            by_subject.entry(subject.to_owned()).or_default().push(slice::slice(&row)?);
        }
    }
    let empty = |person: Person| {
        let (contracts, assignments, accounts) = (Vec::new(), Vec::new(), Vec::new());
        (person.id, Subject { person, contracts, assignments, accounts, excluded: BTreeSet::new() })
    };
    let mut subjects: BTreeMap<PersonId, Subject> = person::all(read).await?.into_iter().map(empty).collect();
    let mut engagements = engagement::all(read).await?;
    engagements.sort_by_key(|one| (one.begins, one.id));
    for one in engagements {
        if let Some(subject) = subjects.get_mut(&one.person) {
            subject.contracts.push(contract(one, &mut by_subject));
        }
    }
    for one in assignment::all_open(read).await? {
        if let Some(subject) = subjects.get_mut(&one.person) {
            subject.assignments.push(one);
        }
    }
    for one in account::all(read).await? {
        if let Some(subject) = one.person.and_then(|person| subjects.get_mut(&person)) {
            subject.accounts.push(one);
        }
    }
    for one in exclusion::in_force(read).await? {
        if let Some(subject) = subjects.get_mut(&one.person) {
            subject.excluded.insert(one.entitlement);
        }
    }
    for subject in subjects.values_mut() {
        subject.accounts.sort_by(|left, right| (&left.system, left.id).cmp(&(&right.system, right.id)));
    }
    Ok(subjects)
}
