//! Policy: the documents of one revision, checked against each other and ready to decide.

mod check;
mod facts;
mod templates;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use facts::{Facts, NameFacts};
pub use templates::{Matcher, Templates};

use crate::conditional::ConditionalAccess;
use crate::consent::ConsentPolicy;
use crate::document::{Document, DocumentKind};
use crate::error::Refusal;
use crate::feed::Feed;
use crate::hybrid::Hybrid;
use crate::role::{Grant, Role, Rule};
use crate::system::{Settings, Station, System};

/// The key of the one settings document.
pub const HOUSE: &str = "house";

/// A grant with the roles through which a role gives it, from the role itself to the one that names the grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    pub grant: Grant,
    pub path: Vec<String>,
    /// One of the roles on the way is borrowed rather than owned.
    pub privileged: bool,
}

/// Everything that the desk decides by, at one revision.
#[derive(Debug)]
pub struct Policy {
    pub revision: i64,
    pub settings: Settings,
    pub stations: BTreeMap<String, Station>,
    pub systems: BTreeMap<String, System>,
    pub roles: BTreeMap<String, Role>,
    pub rules: BTreeMap<String, Rule>,
    pub feeds: BTreeMap<String, Feed>,
    zones: BTreeMap<String, TimeZone>,
    house_zone: TimeZone,
    reached: BTreeMap<String, Vec<Reached>>,
    pub(crate) templates: Templates,
}

impl Policy {
    /// Reads and checks documents; retired ones are left out.
    ///
    /// # Errors
    /// Everything that is wrong, each with the document that it is in.
    pub fn compile(revision: i64, documents: &[Document]) -> Result<Policy, Vec<Refusal>> {
        let (policy, faults) = Policy::read(revision, documents);
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }

    /// Reads documents that are in force. What is wrong with one of them takes away what it would give, and no more: a desk
    /// that cannot lock anybody out because a role names a system that is gone would be no help.
    pub fn read(revision: i64, documents: &[Document]) -> (Policy, Vec<Refusal>) {
        let mut faults = Vec::new();
        let mut read = Sorted::default();
        for document in documents.iter().filter(|document| document.retired.is_none()) {
            if let Err(fault) = read.take(document) {
                faults.push(fault);
            }
        }
        let Sorted { settings, stations, systems, roles, rules, feeds } = read;
        let settings = settings.unwrap_or_default();
        let zones = check::zones(&stations, &mut faults);
        let house_zone = check::zone("settings house", &settings.time_zone, &mut faults);
        check::references(&systems, &roles, &rules, &settings, &mut faults);
        let reached = check::hierarchy(&roles, &mut faults);
        let templates = Templates::compile(&systems, &rules, &mut faults);
        for (key, feed) in &feeds {
            faults.extend(feed.check(key).err());
        }
        let policy = Policy {
            revision,
            settings,
            stations,
            systems,
            roles,
            rules,
            feeds,
            zones,
            house_zone,
            reached,
            templates,
        };
        (policy, faults)
    }

    /// The zone of a duty station; the house's where it is not known.
    pub fn zone(&self, station: Option<&str>) -> &TimeZone {
        station.and_then(|key| self.zones.get(key)).unwrap_or(&self.house_zone)
    }

    /// What a role gives, through whichever roles it includes.
    pub fn reached(&self, role: &str) -> &[Reached] {
        self.reached.get(role).map_or(&[], Vec::as_slice)
    }

    /// Every grant that any role gives.
    pub fn grants(&self) -> BTreeSet<&Grant> {
        self.roles.values().flat_map(|role| &role.grants).collect()
    }

    /// Whether the system keeps a login out of the hands of every rule, and why.
    pub fn protection(&self, system: &str, login: &str) -> crate::account::Protection {
        use crate::account::Protection;
        let Some(system) = self.systems.get(system) else { return Protection::None };
        if system.break_glass.iter().any(|pattern| fits(pattern, login)) {
            return Protection::BreakGlass;
        }
        if system.protected.iter().any(|pattern| fits(pattern, login)) {
            return Protection::Protected;
        }
        Protection::None
    }

    /// A shared handle to an empty policy, for a house that has not begun.
    pub fn empty() -> Arc<Policy> {
        Arc::new(Policy::read(0, &[]).0)
    }
}

/// Whether a login fits a pattern; a `*` at its end stands for any end.
pub(crate) fn fits(pattern: &str, login: &str) -> bool {
    let (pattern, login) = (pattern.to_lowercase(), login.to_lowercase());
    match pattern.strip_suffix('*') {
        Some(start) => login.starts_with(start),
        None => login == pattern,
    }
}

/// Documents by kind.
#[derive(Default)]
struct Sorted {
    settings: Option<Settings>,
    stations: BTreeMap<String, Station>,
    systems: BTreeMap<String, System>,
    roles: BTreeMap<String, Role>,
    rules: BTreeMap<String, Rule>,
    feeds: BTreeMap<String, Feed>,
}

impl Sorted {
    fn take(&mut self, document: &Document) -> Result<(), Refusal> {
        let key = document.key.clone();
        match document.kind {
            DocumentKind::Settings if key == HOUSE => self.settings = Some(document.read()?),
            DocumentKind::Settings => {
                return Err(Refusal::bad(format!("settings {key}"), format!("there is one, called `{HOUSE}`")));
            }
            DocumentKind::Station => drop(self.stations.insert(key, document.read()?)),
            DocumentKind::System => drop(self.systems.insert(key, document.read()?)),
            DocumentKind::Role => drop(self.roles.insert(key, document.read()?)),
            DocumentKind::Rule => drop(self.rules.insert(key, document.read()?)),
            DocumentKind::Feed => drop(self.feeds.insert(key, document.read()?)),
            // Looked up when the two systems are compared.
            // Judges sign-ins, not access: checked whole when it is written, not at every revision.
            DocumentKind::ConditionalAccess => drop(document.read::<ConditionalAccess>()?),
            DocumentKind::ConsentPolicy => document.read::<ConsentPolicy>()?.check(&key)?,
            DocumentKind::Hybrid => document.read::<Hybrid>()?.check(&key)?,
            // Duties read theirs themselves.
            DocumentKind::SodFunction
            | DocumentKind::SodRule
            | DocumentKind::Package
            | DocumentKind::ApprovalPolicy
            | DocumentKind::ActivationPolicy => {}
        }
        Ok(())
    }
}
