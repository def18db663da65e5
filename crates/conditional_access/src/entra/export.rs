//! Our policy as Entra would have it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::condition::{Clause, Term, clauses};
use super::{PHISHING_RESISTANT_STRENGTH, SECOND_FACTOR_STRENGTH};
use crate::policy::{Fault, PolicyState, PolicyText, statements};

/// Ids at the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Names {
    /// Ids of groups by `system/name`.
    pub groups: BTreeMap<String, String>,
    /// Ids of accounts of the last resort.
    pub break_glass: BTreeSet<String>,
    /// Ids of named networks by what our policies call them.
    pub networks: BTreeMap<String, String>,
}

/// A part of a policy that Entra cannot say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub part: String,
    pub why: String,
    /// Without it, Entra's policy holds up more than ours.
    pub wider: bool,
}

/// One policy as Entra takes it: the body of `POST /identity/conditionalAccess/policies`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    pub policy: Json,
    /// With anything in it the policy is for reporting only, whatever the state of ours.
    pub left_out: Vec<LeftOut>,
}

/// A policy of Entra for each statement of ours.
///
/// # Errors
/// What is wrong with the policy.
pub fn export(text: &PolicyText, names: &Names) -> Result<Vec<Exported>, Fault> {
    let statements = statements(text)?;
    let several = statements.len() > 1;
    let one = |(at, statement): (usize, &cedar_policy::Policy)| {
        let tree = statement.to_json().map_err(|error| Fault { key: text.key.clone(), problem: error.to_string() })?;
        let title = if several { format!("{} ({})", text.title, at + 1) } else { text.title.clone() };
        let mut building = Building::new(names);
        for clause in clauses(&tree) {
            building.take(&clause);
        }
        Ok(building.finish(&title, text.state))
    };
    statements.iter().enumerate().map(one).collect()
}

/// Included and excluded.
type Sides = (BTreeSet<String>, BTreeSet<String>);

fn put(sides: &mut Sides, is: bool, id: String) {
    let side = if is { &mut sides.0 } else { &mut sides.1 };
    side.insert(id);
}

struct Building<'a> {
    names: &'a Names,
    users: Sides,
    groups: Sides,
    roles: Sides,
    guests: Option<bool>,
    applications: Sides,
    /// `clientAppTypes`, `signInRiskLevels`, `userRiskLevels`, `transferMethods`.
    lists: BTreeMap<&'static str, BTreeSet<String>>,
    platforms: Sides,
    networks: Sides,
    controls: Vec<BTreeSet<&'static str>>,
    all_of: BTreeSet<&'static str>,
    strength: Option<&'static str>,
    left_out: Vec<LeftOut>,
    is_chosen: bool,
}

impl<'a> Building<'a> {
    fn new(names: &'a Names) -> Building<'a> {
        Building {
            names,
            users: Sides::default(),
            groups: Sides::default(),
            roles: Sides::default(),
            guests: None,
            applications: Sides::default(),
            lists: BTreeMap::new(),
            platforms: Sides::default(),
            networks: Sides::default(),
            controls: Vec::new(),
            all_of: BTreeSet::new(),
            strength: None,
            left_out: Vec::new(),
            is_chosen: false,
        }
    }

    fn leave(&mut self, part: impl Into<String>, why: &str, wider: bool) {
        self.left_out.push(LeftOut { part: part.into(), why: why.to_owned(), wider });
    }

    fn take(&mut self, clause: &Clause) {
        let terms: Vec<&Term> = clause.iter().filter(|term| **term != Term::Known).collect();
        if let Some(asked) = controls(&terms) {
            return self.ask(&asked);
        }
        match terms.as_slice() {
            [] => {}
            [single] => self.single(single),
            several if several.iter().all(|term| is_whom(term)) => self.whom(several),
            several if several.iter().all(|term| matches!(term, Term::Application { is: true, .. })) => {
                if !self.applications.0.is_empty() {
                    return self.leave("resource", "Entra has one list of applications", true);
                }
                several.iter().for_each(|term| self.single(term));
            }
            several if several.iter().all(|term| matches!(term, Term::Network { is: true, .. })) => {
                several.iter().for_each(|term| self.single(term));
            }
            several => {
                let shown: Vec<String> = several.iter().map(|term| shown(term)).collect();
                self.leave(shown.join(" or "), "Entra knows no alternatives between different things", true);
            }
        }
    }

    /// Users, groups and roles of which one suffices: that is what Entra's lists of users mean.
    fn whom(&mut self, terms: &[&Term]) {
        if std::mem::replace(&mut self.is_chosen, true) {
            return self.leave("principal", "Entra has one list of users, of which one suffices", true);
        }
        for term in terms {
            match term {
                Term::Principal { kind, id, is: true } => self.principal(kind, id, true),
                Term::Guest { is: true } => self.guests = Some(true),
                other => self.leave(shown(other), "Entra cannot say this beside others", true),
            }
        }
    }

    fn principal(&mut self, kind: &str, id: &str, is: bool) {
        let (sides, id) = match kind {
            "User" => (&mut self.users, id.to_owned()),
            "Role" => (&mut self.roles, id.to_owned()),
            _ => match self.names.groups.get(id) {
                Some(known) => (&mut self.groups, known.clone()),
                None if id.contains('/') => {
                    return self.leave(format!("group {id}"), "the tenant has no group of that name", !is);
                }
                None => (&mut self.groups, id.to_owned()),
            },
        };
        put(sides, is, id);
    }

    fn single(&mut self, term: &Term) {
        match term {
            Term::Principal { is: true, .. } | Term::Guest { is: true } => self.whom(&[term]),
            Term::Principal { kind, id, is: false } => self.principal(kind, id, false),
            Term::Guest { is: false } => self.guests = Some(false),
            Term::BreakGlass { is: false } if !self.names.break_glass.is_empty() => {
                self.users.1.extend(self.names.break_glass.iter().cloned());
            }
            Term::BreakGlass { is: false } => {
                self.leave("principal.break_glass", "no account of the last resort is known at the tenant", true);
            }
            Term::BreakGlass { is: true } => {
                self.leave("principal.break_glass", "Entra does not know which accounts are of the last resort", true);
            }
            Term::Application { id, is } => {
                put(&mut self.applications, *is, id.clone());
            }
            Term::OneOf { path, texts, is } => self.texts(path, texts, *is),
            Term::Risk { path, levels } => self.risk(path, levels),
            Term::Network { name, is } => {
                let id = self.names.networks.get(name).unwrap_or(name).clone();
                put(&mut self.networks, *is, id);
            }
            Term::Trusted { is } => {
                put(&mut self.networks, *is, "AllTrusted".to_owned());
            }
            Term::Strength { is: true, .. } | Term::Compliant { is: true } | Term::Managed { is: true } => {
                self.leave(shown(term), "Entra asks for it, and has no condition on it", true);
            }
            // Taken as controls before.
            Term::Strength { .. } | Term::Compliant { .. } | Term::Managed { .. } | Term::Known => {}
            Term::Unknown(words) => self.leave(words.clone(), "Entra has no condition for it", true),
        }
    }

    fn texts(&mut self, path: &str, texts: &BTreeSet<String>, is: bool) {
        match (path, is) {
            ("client", _) => {
                let all = ["browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"];
                let chosen = all.iter().filter(|word| texts.contains(**word) == is).map(|word| (*word).to_owned());
                self.narrow("clientAppTypes", chosen.collect());
            }
            ("device.platform", true) => self.platforms.0.extend(texts.iter().cloned()),
            ("device.platform", false) => self.platforms.1.extend(texts.iter().cloned()),
            ("protocol", true) => {
                let flow = |text: &String| match text.as_str() {
                    "deviceCode" => Some("deviceCodeFlow"),
                    "authenticationTransfer" => Some("authenticationTransfer"),
                    _ => None,
                };
                match texts.iter().map(flow).collect::<Option<Vec<_>>>() {
                    Some(flows) => self.narrow("transferMethods", flows.into_iter().map(str::to_owned).collect()),
                    None => self.leave("context.protocol", "Entra knows deviceCode and authenticationTransfer", true),
                }
            }
            ("protocol", false) => self.leave("context.protocol", "Entra cannot exclude a protocol", true),
            (_, _) => {
                let all: Vec<&str> = texts.iter().map(String::as_str).collect();
                let part = format!("context.location.country {}", all.join(", "));
                self.leave(part, "Entra knows countries as a named network: make one and name that", true);
            }
        }
    }

    fn narrow(&mut self, list: &'static str, chosen: BTreeSet<String>) {
        let known = self.lists.remove(list);
        let both = known.map_or(chosen.clone(), |known| known.intersection(&chosen).cloned().collect());
        self.lists.insert(list, both);
    }

    fn risk(&mut self, path: &str, levels: &BTreeSet<i64>) {
        let list = if path == "user_risk" { "userRiskLevels" } else { "signInRiskLevels" };
        if path == "user_risk" && levels.contains(&0) {
            return self.leave("context.user_risk", "Entra has no level `none` of a user's risk", true);
        }
        const WORDS: [&str; 4] = ["none", "low", "medium", "high"];
        let word =
            |level: &i64| usize::try_from(*level).ok().and_then(|at| WORDS.get(at)).map(|word| (*word).to_owned());
        self.narrow(list, levels.iter().filter_map(word).collect());
    }

    /// What is asked for: of one clause all, where a clause has several; of several clauses one suffices.
    fn ask(&mut self, asked: &BTreeSet<&'static str>) {
        if asked.len() > 1 {
            if !self.all_of.is_empty() || !self.controls.is_empty() {
                return self.leave("unless", "Entra asks for all of a list or for one of it", true);
            }
            self.all_of.clone_from(asked);
            return;
        }
        if !self.all_of.is_empty() {
            return self.leave("unless", "Entra asks for all of a list or for one of it", true);
        }
        self.controls.push(asked.clone());
    }

    fn finish(mut self, title: &str, state: PolicyState) -> Exported {
        let all_of = !self.all_of.is_empty();
        let mut wanted: BTreeSet<&'static str> = self.all_of.clone();
        wanted.extend(self.controls.iter().flatten());
        if wanted.remove("phishing-resistant") {
            if wanted.is_empty() || all_of {
                self.strength = Some(PHISHING_RESISTANT_STRENGTH);
                // The stronger one is enough.
                wanted.remove("mfa");
            } else if wanted.contains("mfa") {
                // One of the two: a second factor is the weaker.
            } else {
                self.strength = Some(PHISHING_RESISTANT_STRENGTH);
            }
        }
        let mut controls = Map::new();
        controls.insert("operator".to_owned(), json!(if all_of { "AND" } else { "OR" }));
        let built_in: Vec<&str> =
            if wanted.is_empty() && self.strength.is_none() { vec!["block"] } else { wanted.into_iter().collect() };
        controls.insert("builtInControls".to_owned(), json!(built_in));
        if let Some(strength) = self.strength {
            controls.insert("authenticationStrength".to_owned(), json!({ "id": strength }));
        }
        let state = match state {
            PolicyState::Off => "disabled",
            PolicyState::On if self.left_out.is_empty() => "enabled",
            PolicyState::On | PolicyState::ReportOnly => "enabledForReportingButNotEnforced",
        };
        let policy = json!({
            "displayName": title, "state": state, "conditions": self.conditions(), "grantControls": controls,
        });
        Exported { policy, left_out: self.left_out }
    }

    fn conditions(&mut self) -> Json {
        let list = |set: &BTreeSet<String>| json!(set.iter().collect::<Vec<_>>());
        let mut users = Map::new();
        let is_everybody = !self.is_chosen;
        let mut included = self.users.0.clone();
        if is_everybody {
            included.insert("All".to_owned());
        }
        if self.guests == Some(true) {
            included.insert("GuestsOrExternalUsers".to_owned());
        }
        let mut excluded = self.users.1.clone();
        if self.guests == Some(false) {
            excluded.insert("GuestsOrExternalUsers".to_owned());
        }
        for (name, set) in [
            ("includeUsers", &included),
            ("excludeUsers", &excluded),
            ("includeGroups", &self.groups.0),
            ("excludeGroups", &self.groups.1),
            ("includeRoles", &self.roles.0),
            ("excludeRoles", &self.roles.1),
        ] {
            if !set.is_empty() {
                users.insert(name.to_owned(), list(set));
            }
        }
        let mut applications = Map::new();
        let all = BTreeSet::from(["All".to_owned()]);
        let chosen = if self.applications.0.is_empty() { &all } else { &self.applications.0 };
        applications.insert("includeApplications".to_owned(), list(chosen));
        if !self.applications.1.is_empty() {
            applications.insert("excludeApplications".to_owned(), list(&self.applications.1));
        }
        let clients = self.lists.remove("clientAppTypes").unwrap_or_else(|| BTreeSet::from(["all".to_owned()]));
        let mut conditions = json!({ "users": users, "applications": applications, "clientAppTypes": list(&clients) });
        for name in ["signInRiskLevels", "userRiskLevels"] {
            if let Some(levels) = self.lists.get(name) {
                conditions[name] = list(levels);
            }
        }
        if let Some(flows) = self.lists.get("transferMethods") {
            let flows: Vec<&str> = flows.iter().map(String::as_str).collect();
            conditions["authenticationFlows"] = json!({ "transferMethods": flows.join(",") });
        }
        let sides = [
            ("platforms", "includePlatforms", "excludePlatforms", "all", &self.platforms),
            ("locations", "includeLocations", "excludeLocations", "All", &self.networks),
        ];
        for (part, include, exclude, everything, (chosen, without)) in sides {
            if chosen.is_empty() && without.is_empty() {
                continue;
            }
            let all = BTreeSet::from([everything.to_owned()]);
            conditions[part] = json!({ include: list(if chosen.is_empty() { &all } else { chosen }) });
            if !without.is_empty() {
                conditions[part][exclude] = list(without);
            }
        }
        conditions
    }
}

/// What a clause asks for, when it says only that something is missing.
fn controls(terms: &[&Term]) -> Option<BTreeSet<&'static str>> {
    let one = |term: &&Term| match term {
        Term::Strength { level: 3, is: false } => Some("phishing-resistant"),
        Term::Strength { level: 2, is: false } => Some("mfa"),
        Term::Compliant { is: false } => Some("compliantDevice"),
        Term::Managed { is: false } => Some("domainJoinedDevice"),
        _ => None,
    };
    if terms.is_empty() { None } else { terms.iter().map(one).collect() }
}

fn is_whom(term: &Term) -> bool {
    matches!(term, Term::Principal { is: true, .. } | Term::Guest { is: true })
}

fn shown(term: &Term) -> String {
    let not = |is: bool| if is { "" } else { "not " };
    match term {
        Term::Principal { kind, id, is } => format!("{}{kind}::\"{id}\"", not(*is)),
        Term::Guest { is } => format!("{}principal.guest", not(*is)),
        Term::BreakGlass { is } => format!("{}principal.break_glass", not(*is)),
        Term::Application { id, is } => format!("{}Application::\"{id}\"", not(*is)),
        Term::OneOf { path, is, .. } => format!("{}context.{path}", not(*is)),
        Term::Risk { path, .. } => format!("context.{path}"),
        Term::Network { name, is } => format!("{}network {name}", not(*is)),
        Term::Trusted { is } => format!("{}context.location.trusted", not(*is)),
        Term::Strength { level, is } => format!("{}context.authentication_strength >= {level}", not(*is)),
        Term::Compliant { is } => format!("{}context.device.compliant", not(*is)),
        Term::Managed { is } => format!("{}context.device.managed", not(*is)),
        Term::Known => "has".to_owned(),
        Term::Unknown(words) => words.clone(),
    }
}

/// The strength that a second factor is, for who compares.
pub(super) const fn second_factor() -> &'static str {
    SECOND_FACTOR_STRENGTH
}
