//! People and accounts as policies on sign-ins see them: groups by any path, roles, how sensitive, of the last resort.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use conditional_access::Subject;
use conditional_access::entra::Names;
use kernel::id::{AccountId, PersonId};

use crate::account::{self, Account, Protection, Status};
use crate::assignment::Target;
use crate::entitlement::{Entitlement, EntitlementKind};
use crate::error::Error;
use crate::inventory::{Inventory, Scope};
use crate::room::Identity;
use crate::system::Risk;

/// Everybody who can sign in.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// By the name with which they sign in, in lower case.
    by_name: HashMap<String, Subject>,
    /// By what stands before the `@`, where only one has it.
    by_local_part: HashMap<String, Option<String>>,
    /// Ids at tenants, for the translation.
    pub names: Names,
}

impl Directory {
    /// From subjects that are known.
    pub fn of(subjects: impl IntoIterator<Item = Subject>, names: Names) -> Directory {
        let mut directory = Directory { names, ..Directory::default() };
        for subject in subjects {
            directory.insert(subject);
        }
        directory
    }

    fn insert(&mut self, subject: Subject) {
        let name = subject.name.to_lowercase();
        let local = name.split('@').next().unwrap_or_default().to_owned();
        let entry = self.by_local_part.entry(local).or_insert_with(|| Some(name.clone()));
        if entry.as_ref().is_some_and(|known| *known != name) {
            *entry = None;
        }
        match self.by_name.get_mut(&name) {
            Some(known) => {
                known.groups.extend(subject.groups);
                known.roles.extend(subject.roles);
                known.sensitivity = known.sensitivity.max(subject.sensitivity);
                known.break_glass |= subject.break_glass;
            }
            None => drop(self.by_name.insert(name, subject)),
        }
    }

    /// Whoever signs in with a name. An account of another system counts when it is the only one whose name is what stands
    /// before the `@`.
    pub fn find(&self, name: &str) -> Option<&Subject> {
        let name = name.to_lowercase();
        let local = name.split('@').next().unwrap_or_default();
        let other = || self.by_local_part.get(local)?.as_ref().and_then(|known| self.by_name.get(known));
        self.by_name.get(&name).or_else(other)
    }

    /// Everybody.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut all: Vec<Subject> = self.by_name.values().cloned().collect();
        all.sort();
        all
    }
}

impl Identity {
    /// Everybody who can sign in at a tenant; where no tenant is connected, everybody who has an account.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn sign_in_directory(&self) -> Result<Directory, Error> {
        let (known, now) = (self.known().await?, self.now());
        let mut read = self.store.clone();
        let inventory = Inventory::load(&mut read, Scope::Everybody, now).await?;
        let accounts = account::all(&mut read).await?;
        let mut held: HashMap<AccountId, Vec<_>> = HashMap::new();
        for (account, entitlement, _) in account::all_holdings(&mut read).await? {
            held.entry(account).or_default().push(entitlement);
        }
        let is_tenant = |key: &str| known.policy.systems.get(key).is_some_and(crate::system::System::is_tenant);
        let has_tenant = accounts.iter().any(|account| is_tenant(&account.system));
        let mut building = Building { inventory: &inventory, of_people: BTreeMap::new() };
        let mut directory = Directory::default();
        for account in &accounts {
            if has_tenant && !is_tenant(&account.system) || account.status == Status::Absent {
                continue;
            }
            let direct = held.get(&account.id).map(Vec::as_slice).unwrap_or_default();
            let subject = building.subject(account, direct);
            if subject.break_glass && is_tenant(&account.system) {
                directory.names.break_glass.extend(account.native_id.clone());
            }
            directory.insert(subject);
        }
        for one in inventory.entitlements.iter().filter(|one| is_tenant(&one.system)) {
            if let Some(native) = &one.native_id {
                directory.names.groups.insert(one.grant().to_string(), native.clone());
            }
        }
        Ok(directory)
    }
}

/// What one holds, as policies see it.
#[derive(Debug, Clone, Default)]
struct Marks {
    groups: BTreeSet<String>,
    roles: BTreeSet<String>,
    sensitivity: u8,
}

impl Marks {
    fn add(&mut self, held: &Entitlement) {
        match held.kind {
            EntitlementKind::DirectoryRole => self.roles.extend(held.native_id.clone()),
            EntitlementKind::Group | EntitlementKind::DistributionList => self.groups.extend(held.native_id.clone()),
            EntitlementKind::ApplicationRole | EntitlementKind::Licence => {}
        }
        self.groups.insert(held.grant().to_string());
        let weight = match (held.privileged, held.risk) {
            (true, _) => 2,
            (false, Risk::High | Risk::Critical) => 1,
            (false, _) => 0,
        };
        self.sensitivity = self.sensitivity.max(weight);
    }
}

struct Building<'a> {
    inventory: &'a Inventory,
    of_people: BTreeMap<PersonId, Marks>,
}

impl Building<'_> {
    fn subject(&mut self, account: &Account, direct: &[kernel::id::EntitlementId]) -> Subject {
        let mut marks = match account.person {
            Some(person) => self.of_person(person),
            None => Marks::default(),
        };
        for id in direct {
            for given in self.inventory.given_by(&Target::Entitlement(*id)) {
                marks.add(given);
            }
        }
        let name = account.login.to_lowercase();
        Subject {
            id: account.native_id.clone().unwrap_or_else(|| name.clone()),
            guest: name.contains("#ext#"),
            name,
            groups: marks.groups,
            roles: marks.roles,
            sensitivity: marks.sensitivity,
            break_glass: account.protection == Protection::BreakGlass,
        }
    }

    fn of_person(&mut self, person: PersonId) -> Marks {
        if let Some(known) = self.of_people.get(&person) {
            return known.clone();
        }
        let mut marks = Marks::default();
        for held in self.inventory.held_by(person) {
            marks.add(held);
        }
        self.of_people.insert(person, marks.clone());
        marks
    }
}
