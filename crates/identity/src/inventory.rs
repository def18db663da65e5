//! Everything that is granted, numbered for the crate `entitlements`: who is in what, what lies in what, what each gives.
//!
//! A role and an entitlement are nodes. A role gives what it includes and what it grants; an entitlement that lies in
//! another gives the other, too. People are in nodes by assignments; what an account holds or is wanted to hold is added
//! where no assignment explains it (a birthright rule, a membership that was made at the system).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;

use entitlements::{Closure, Edge, Entitlement as Held, Group, Holdings, Path, User, Window};
use kernel::Timestamp;
use kernel::id::{AccountId, AssignmentId, EntitlementId, PersonId};
use serde::Serialize;

use store::Read;

use crate::account::{self, Account};
use crate::assignment::{self, Assignment, Mode, Target};
use crate::document::{self, Document, DocumentKind};
use crate::entitlement::{self, Entitlement};
use crate::error::Error;
use crate::person::{self, PersonState};
use crate::role::{Grant, Role};

/// What people can be in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// By key.
    Role(String),
    Entitlement(EntitlementId),
}

impl From<&Target> for Node {
    fn from(target: &Target) -> Node {
        match target {
            Target::Role(key) => Node::Role(key.clone()),
            Target::Entitlement(id) => Node::Entitlement(*id),
        }
    }
}

/// Why somebody is in a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "kebab-case")]
pub enum Origin {
    /// Somebody gave it. It can be ended.
    Assignment { assignment: AssignmentId },
    /// A rule computes it from the contract, as long as that fits.
    Policy { account: AccountId },
    /// It was made at the system itself.
    Native { account: AccountId, system: String },
}

/// Whom to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Everybody,
    One(PersonId),
}

/// Everything that is granted.
pub(crate) struct Inventory {
    pub(crate) people: Vec<PersonId>,
    people_at: HashMap<PersonId, u32>,
    nodes: Vec<Node>,
    nodes_at: HashMap<Node, u32>,
    pub(crate) entitlements: Vec<Entitlement>,
    entitlements_at: HashMap<EntitlementId, u32>,
    by_name: HashMap<(String, String), EntitlementId>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) documents: Vec<Document>,
    pub(crate) closure: Closure,
    origins: HashMap<Edge, Vec<Origin>>,
    /// Of each account that somebody has, when it was last read.
    pub(crate) accounts: HashMap<AccountId, Account>,
}

/// Threads for what concerns everybody.
pub(crate) fn workers() -> NonZeroUsize {
    NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN)
}

impl Inventory {
    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails, [`Error::Refused`] when a stored document cannot be read.
    pub(crate) async fn load(read: &mut impl Read, scope: Scope, now: Timestamp) -> Result<Inventory, Error> {
        let mut building = Building::new(read, now).await?;
        building.people(read, scope).await?;
        let (assignments, accounts) = match scope {
            Scope::Everybody => (assignment::all_open(read).await?, account::all(read).await?),
            Scope::One(person) => (assignment::of_person(read, person).await?, account::of_person(read, person).await?),
        };
        for assignment in &assignments {
            building.assigned(assignment, now);
        }
        let holdings: Vec<(AccountId, EntitlementId)> = match scope {
            Scope::Everybody => {
                let all = account::all_holdings(read).await?;
                all.into_iter().map(|(account, held, _)| (account, held)).collect()
            }
            Scope::One(_) => {
                let mut all = Vec::new();
                for account in &accounts {
                    let held = account::holdings(read, account.id).await?;
                    all.extend(held.into_iter().map(|held| (account.id, held)));
                }
                all
            }
        };
        Ok(building.finish(accounts, &holdings))
    }

    pub(crate) fn user(&self, person: PersonId) -> Option<User> {
        self.people_at.get(&person).copied().map(User)
    }

    pub(crate) fn person(&self, user: u32) -> Option<PersonId> {
        self.people.get(user as usize).copied()
    }

    pub(crate) fn group(&self, node: &Node) -> Option<Group> {
        self.nodes_at.get(node).copied().map(Group)
    }

    pub(crate) fn held(&self, id: EntitlementId) -> Option<Held> {
        self.entitlements_at.get(&id).copied().map(Held)
    }

    pub(crate) fn entitlement(&self, id: EntitlementId) -> Option<&Entitlement> {
        self.entitlements_at.get(&id).and_then(|place| self.entitlements.get(*place as usize))
    }

    /// The entitlement that a document names.
    pub(crate) fn named(&self, grant: &Grant) -> Option<EntitlementId> {
        let name = grant.entitlement.clone()?;
        self.by_name.get(&(grant.system.clone(), name)).copied()
    }

    /// Whether there is such a target to be given.
    pub(crate) fn knows(&self, target: &Target) -> bool {
        match target {
            Target::Role(key) => self.roles.contains_key(key),
            Target::Entitlement(id) => self.entitlements_at.contains_key(id),
        }
    }

    /// Everything that a target gives.
    pub(crate) fn given_by(&self, target: &Target) -> Vec<&Entitlement> {
        let Some(group) = self.group(&Node::from(target)) else { return Vec::new() };
        let given = self.closure.given_by(Edge::Member(User(u32::MAX), group));
        given.into_iter().filter_map(|place| self.entitlements.get(place as usize)).collect()
    }

    /// What somebody holds.
    pub(crate) fn held_by(&self, person: PersonId) -> Vec<&Entitlement> {
        let Some(user) = self.user(person) else { return Vec::new() };
        let held = self.closure.entitlements_of(user).into_iter();
        held.filter_map(|held| self.entitlements.get(held.0 as usize)).collect()
    }

    /// Why a person's own edge is there.
    pub(crate) fn origins(&self, edge: Edge) -> &[Origin] {
        self.origins.get(&edge).map_or(&[], Vec::as_slice)
    }

    /// A node as people read it: `role:finance-officer`, `ad/GRP-Finance`.
    pub(crate) fn label(&self, group: Group) -> String {
        match self.nodes.get(group.0 as usize) {
            Some(Node::Role(key)) => format!("role:{key}"),
            Some(Node::Entitlement(id)) => {
                self.entitlement(*id).map_or_else(|| id.to_string(), |held| held.grant().to_string())
            }
            None => format!("?{}", group.0),
        }
    }

    pub(crate) fn node(&self, group: Group) -> Option<&Node> {
        self.nodes.get(group.0 as usize)
    }

    /// A way as people read it, from what the person is in to the entitlement.
    pub(crate) fn words(&self, path: &Path) -> Vec<String> {
        path.groups.iter().map(|group| self.label(*group)).collect()
    }
}

/// An inventory on its way: structure first, then people.
struct Building {
    inventory: Inventory,
    holdings: Holdings,
}

impl Building {
    /// Roles, entitlements and what lies in what.
    async fn new(read: &mut impl Read, now: Timestamp) -> Result<Building, Error> {
        let documents = document::all(read).await?;
        let mut roles = BTreeMap::new();
        for document in documents.iter().filter(|one| one.kind == DocumentKind::Role && one.retired.is_none()) {
            roles.insert(document.key.clone(), document.read::<Role>()?);
        }
        let inventory = Inventory {
            people: Vec::new(),
            people_at: HashMap::new(),
            nodes: Vec::new(),
            nodes_at: HashMap::new(),
            entitlements: Vec::new(),
            entitlements_at: HashMap::new(),
            by_name: HashMap::new(),
            roles,
            documents,
            closure: Closure::of(Holdings::default(), NonZeroUsize::MIN),
            origins: HashMap::new(),
            accounts: HashMap::new(),
        };
        let mut building = Building { inventory, holdings: Holdings::default() };
        for entitlement in entitlement::all(read).await? {
            building.entitlement(entitlement);
        }
        for grant in building.named_in_documents() {
            if building.inventory.named(&grant).is_none()
                && let Some(entitlement) = Entitlement::named(&grant, now)
            {
                building.entitlement(entitlement);
            }
        }
        building.roles();
        for (parent, child) in entitlement::nesting(read).await? {
            let (child, parent) = (building.node(Node::Entitlement(child)), building.node(Node::Entitlement(parent)));
            building.holdings.insert(Edge::Nested(child, parent));
        }
        Ok(building)
    }

    fn named_in_documents(&self) -> BTreeSet<Grant> {
        let of_roles = self.inventory.roles.values().flat_map(|role| role.grants.iter().cloned());
        let duties = self.inventory.documents.iter().filter(|one| one.kind == DocumentKind::SodFunction);
        let of_duties = duties.filter_map(|one| one.read::<crate::sod::SodFunction>().ok());
        of_roles.chain(of_duties.flat_map(|function| function.grants())).collect()
    }

    fn entitlement(&mut self, entitlement: Entitlement) {
        let place = self.inventory.entitlements.len() as u32;
        let id = entitlement.id;
        self.inventory.by_name.insert((entitlement.system.clone(), entitlement.name.clone()), id);
        self.inventory.entitlements_at.insert(id, place);
        self.inventory.entitlements.push(entitlement);
        let node = self.node(Node::Entitlement(id));
        self.holdings.insert(Edge::Grants(node, Held(place)));
    }

    fn roles(&mut self) {
        let roles = self.inventory.roles.clone();
        for (key, role) in roles {
            let own = self.node(Node::Role(key));
            for included in role.includes {
                let included = self.node(Node::Role(included));
                self.holdings.insert(Edge::Nested(own, included));
            }
            for grant in role.grants {
                if let Some(id) = self.inventory.named(&grant) {
                    let granted = self.node(Node::Entitlement(id));
                    self.holdings.insert(Edge::Nested(own, granted));
                }
            }
        }
    }

    fn node(&mut self, node: Node) -> Group {
        let next = self.inventory.nodes.len() as u32;
        let number = *self.inventory.nodes_at.entry(node.clone()).or_insert(next);
        if number == next {
            self.inventory.nodes.push(node);
        }
        Group(number)
    }

    async fn people(&mut self, read: &mut impl Read, scope: Scope) -> Result<(), Error> {
        let people = match scope {
            Scope::One(person) => vec![person],
            Scope::Everybody => {
                let all = person::all(read).await?;
                all.into_iter().filter(|one| one.state == PersonState::Active).map(|one| one.id).collect()
            }
        };
        self.inventory.people_at = (0..).zip(&people).map(|(place, person)| (*person, place)).collect();
        self.inventory.people = people;
        Ok(())
    }

    fn assigned(&mut self, assignment: &Assignment, now: Timestamp) {
        let is_over = assignment.ended.is_some() || assignment.until.is_some_and(|until| until <= now);
        let Some(user) = self.inventory.user(assignment.person).filter(|_| !is_over) else { return };
        if assignment.mode != Mode::Active {
            return;
        }
        let edge = Edge::Member(user, self.node(Node::from(&assignment.target)));
        let until_us = assignment.until.map_or(i64::MAX, Timestamp::micros);
        let from_us = if assignment.from <= now { i64::MIN } else { assignment.from.micros() };
        let mut window = Window { from_us, until_us };
        if self.holdings.contains(edge) {
            let other = self.holdings.window(edge);
            window = Window { from_us: from_us.min(other.from_us), until_us: until_us.max(other.until_us) };
        }
        self.holdings.insert_for(edge, window);
        self.inventory.origins.entry(edge).or_default().push(Origin::Assignment { assignment: assignment.id });
    }

    /// Adds what accounts hold, or should, and no assignment explains.
    fn finish(mut self, accounts: Vec<Account>, seen: &[(AccountId, EntitlementId)]) -> Inventory {
        let explained = Closure::of(self.holdings.clone(), workers());
        let owners: HashMap<AccountId, Account> = accounts.into_iter().map(|account| (account.id, account)).collect();
        let add = |building: &mut Building, account: &Account, id: EntitlementId, is_policy: bool| {
            let Some(user) = account.person.and_then(|person| building.inventory.user(person)) else { return };
            let Some(held) = building.inventory.held(id) else { return };
            if explained.holds(user, held) {
                return;
            }
            let edge = Edge::Member(user, building.node(Node::Entitlement(id)));
            building.holdings.insert(edge);
            let origin = match is_policy {
                true => Origin::Policy { account: account.id },
                false => Origin::Native { account: account.id, system: account.system.clone() },
            };
            let origins = building.inventory.origins.entry(edge).or_default();
            let is_known =
                origins.iter().any(|one| matches!(one, Origin::Policy { account: other } if *other == account.id));
            if !is_known {
                origins.push(origin);
            }
        };
        for account in owners.values() {
            let wanted = account.wanted.iter().flat_map(|wanted| &wanted.entitlements);
            for name in wanted {
                let id = self.inventory.by_name.get(&(account.system.clone(), name.clone())).copied();
                if let Some(id) = id {
                    add(&mut self, account, id, true);
                }
            }
        }
        for (account, id) in seen {
            if let Some(account) = owners.get(account) {
                add(&mut self, account, *id, false);
            }
        }
        self.inventory.closure = Closure::of(self.holdings, workers());
        self.inventory.accounts = owners;
        self.inventory
    }
}
