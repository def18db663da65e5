//! A policy of Entra as ours, so that it can be judged by.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{PASSWORDLESS_STRENGTH, PHISHING_RESISTANT_STRENGTH, SECOND_FACTOR_STRENGTH};
use crate::policy::{PolicyState, PolicyText};

/// A policy of Entra, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its id at the tenant.
    pub id: String,
    pub title: String,
    pub state: PolicyState,
    /// `None`: it asks for nothing that decides on a sign-in, or for what we cannot judge.
    pub policy: Option<PolicyText>,
    /// What it says and we cannot, by its name at Entra.
    pub left_out: Vec<String>,
}

/// Reads a policy as Graph gives it.
pub fn import(policy: &Json) -> Imported {
    let field = |name: &str| policy[name].as_str().unwrap_or_default().to_owned();
    let state = match policy["state"].as_str() {
        Some("enabled") => PolicyState::On,
        Some("enabledForReportingButNotEnforced") => PolicyState::ReportOnly,
        _ => PolicyState::Off,
    };
    let mut reading = Reading::default();
    reading.conditions(&policy["conditions"]);
    reading.controls(&policy["grantControls"]);
    if policy["sessionControls"].as_object().is_some_and(|fields| fields.values().any(|value| !value.is_null())) {
        reading.left_out.push("sessionControls".to_owned());
    }
    let (id, title) = (field("id"), field("displayName"));
    let key = id.clone();
    let text = reading.cedar().map(|cedar| PolicyText { key, title: title.clone(), state, cedar });
    // What we wrote ourselves fits the schema; a text that does not is said, not used.
    let (text, mut left_out) = match text {
        Some(text) => match text.check() {
            Ok(()) => (Some(text), reading.left_out),
            Err(fault) => (None, vec![fault.to_string()]),
        },
        None => (None, reading.left_out),
    };
    left_out.sort();
    left_out.dedup();
    Imported { id, title, state, policy: text, left_out }
}

#[derive(Default)]
struct Reading {
    when: Vec<String>,
    unless: Vec<String>,
    left_out: Vec<String>,
    /// Asks for nothing that we can judge.
    is_idle: bool,
}

/// A text as a literal of Cedar.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

fn texts(list: &Json) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

fn any(alternatives: &[String]) -> String {
    if alternatives.len() == 1 { alternatives[0].clone() } else { format!("({})", alternatives.join(" || ")) }
}

fn set(values: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(", "))
}

impl Reading {
    fn conditions(&mut self, conditions: &Json) {
        self.users(&conditions["users"]);
        self.applications(&conditions["applications"]);
        self.risks(conditions);
        self.clients(&texts(&conditions["clientAppTypes"]));
        self.platforms(&conditions["platforms"]);
        self.locations(&conditions["locations"]);
        let flows = conditions["authenticationFlows"]["transferMethods"].as_str().unwrap_or_default();
        let flows: Vec<String> = flows
            .split(',')
            .filter_map(|flow| match flow.trim() {
                "deviceCodeFlow" => Some(literal("deviceCode")),
                "authenticationTransfer" => Some(literal("authenticationTransfer")),
                _ => None,
            })
            .collect();
        if !flows.is_empty() {
            self.when.push(format!("{}.contains(context.protocol)", set(flows)));
        }
        for name in
            ["devices", "clientApplications", "insiderRiskLevels", "servicePrincipalRiskLevels", "agentIdRiskLevels"]
        {
            let value = &conditions[name];
            let is_said = match value {
                Json::Null => false,
                Json::Array(all) => !all.is_empty(),
                Json::Object(fields) => fields.values().any(|one| !one.is_null()),
                _ => true,
            };
            if is_said {
                self.left_out.push(format!("conditions.{name}"));
            }
        }
    }

    fn users(&mut self, users: &Json) {
        let one = |kind: &str, id: &str, operator: &str| format!("principal {operator} {kind}::{}", literal(id));
        let mut sides = [Vec::new(), Vec::new()];
        let mut is_everybody = false;
        for (side, prefix) in ["include", "exclude"].into_iter().enumerate() {
            for id in texts(&users[format!("{prefix}Users")]) {
                match id {
                    "All" if side == 0 => is_everybody = true,
                    "None" => {}
                    "GuestsOrExternalUsers" => sides[side].push("principal.guest".to_owned()),
                    id => sides[side].push(one("User", id, "==")),
                }
            }
            sides[side].extend(texts(&users[format!("{prefix}Groups")]).iter().map(|id| one("Group", id, "in")));
            sides[side].extend(texts(&users[format!("{prefix}Roles")]).iter().map(|id| one("Role", id, "in")));
            let guests = format!("{prefix}GuestsOrExternalUsers");
            if !users[&guests].is_null() {
                sides[side].push("principal.guest".to_owned());
                self.left_out.push(format!("conditions.users.{guests}: which guests"));
            }
        }
        let [included, excluded] = sides;
        if !is_everybody {
            match included.is_empty() {
                // It is on nobody.
                true => self.is_idle = true,
                false => self.when.push(any(&included)),
            }
        }
        self.unless.extend(excluded);
    }

    fn applications(&mut self, applications: &Json) {
        let mut included = texts(&applications["includeApplications"]);
        if !texts(&applications["includeUserActions"]).is_empty()
            || !texts(&applications["includeAuthenticationContextClassReferences"]).is_empty()
        {
            self.left_out.push("conditions.applications: user actions and authentication contexts".to_owned());
            self.is_idle |= included.is_empty();
        }
        if included == ["None"] {
            self.is_idle = true;
        }
        included.retain(|id| *id != "None");
        let one = |id: &&str| format!("resource == Application::{}", literal(id));
        if !included.contains(&"All") && !included.is_empty() {
            self.when.push(any(&included.iter().map(one).collect::<Vec<_>>()));
        }
        self.unless.extend(texts(&applications["excludeApplications"]).iter().map(one));
        if !applications["applicationFilter"].is_null() {
            self.left_out.push("conditions.applications.applicationFilter".to_owned());
        }
    }

    fn risks(&mut self, conditions: &Json) {
        for (list, attribute) in [("signInRiskLevels", "sign_in_risk"), ("userRiskLevels", "user_risk")] {
            let levels: Vec<String> = texts(&conditions[list])
                .iter()
                .filter_map(|word| ["none", "low", "medium", "high"].iter().position(|known| known == word))
                .map(|level| level.to_string())
                .collect();
            if !levels.is_empty() {
                let contains = format!("{}.contains(context.{attribute})", set(levels));
                self.when.push(format!("context has {attribute} && {contains}"));
            }
        }
    }

    fn clients(&mut self, clients: &[&str]) {
        if clients.is_empty() || clients.contains(&"all") {
            return;
        }
        let words = clients.iter().flat_map(|word| match *word {
            "easSupported" => vec!["exchangeActiveSync"],
            word => vec![word],
        });
        self.when.push(format!("{}.contains(context.client)", set(words.map(literal))));
    }

    fn platforms(&mut self, platforms: &Json) {
        let included = texts(&platforms["includePlatforms"]);
        if !included.is_empty() && !included.contains(&"all") {
            self.when.push(format!("{}.contains(context.device.platform)", set(included.into_iter().map(literal))));
        }
        let excluded = texts(&platforms["excludePlatforms"]);
        if !excluded.is_empty() {
            self.unless.push(format!("{}.contains(context.device.platform)", set(excluded.into_iter().map(literal))));
        }
    }

    fn locations(&mut self, locations: &Json) {
        let one = |id: &&str| match *id {
            "AllTrusted" => "context.location.trusted".to_owned(),
            id => format!("context.location.networks.contains({})", literal(id)),
        };
        let included = texts(&locations["includeLocations"]);
        if !included.is_empty() && !included.contains(&"All") {
            self.when.push(any(&included.iter().map(one).collect::<Vec<_>>()));
        }
        self.unless.extend(texts(&locations["excludeLocations"]).iter().map(one));
    }

    fn controls(&mut self, grant: &Json) {
        let mut asked: Vec<String> = Vec::new();
        let mut unknown = Vec::new();
        let mut blocks = false;
        for control in texts(&grant["builtInControls"]) {
            match control {
                "block" => blocks = true,
                "mfa" => asked.push("context.authentication_strength >= 2".to_owned()),
                "compliantDevice" => asked.push("context.device.compliant".to_owned()),
                "domainJoinedDevice" => asked.push("context.device.managed".to_owned()),
                other => unknown.push(format!("grantControls.builtInControls: {other}")),
            }
        }
        match grant["authenticationStrength"]["id"].as_str() {
            None => {}
            Some(SECOND_FACTOR_STRENGTH) => asked.push("context.authentication_strength >= 2".to_owned()),
            Some(PHISHING_RESISTANT_STRENGTH) => asked.push("context.authentication_strength >= 3".to_owned()),
            Some(PASSWORDLESS_STRENGTH) => {
                asked.push("context.authentication_strength >= 2".to_owned());
                unknown
                    .push("grantControls.authenticationStrength: passwordless, judged as a second factor".to_owned());
            }
            Some(other) => {
                asked.push("context.authentication_strength >= 2".to_owned());
                unknown.push(format!("grantControls.authenticationStrength: {other}, judged as a second factor"));
            }
        }
        unknown.extend(texts(&grant["termsOfUse"]).iter().map(|id| format!("grantControls.termsOfUse: {id}")));
        unknown.extend(
            texts(&grant["customAuthenticationFactors"])
                .iter()
                .map(|id| format!("grantControls.customAuthenticationFactors: {id}")),
        );
        self.left_out.extend(unknown);
        if blocks {
            return;
        }
        if asked.is_empty() {
            self.is_idle = true;
            return;
        }
        let operator = if grant["operator"] == "AND" { " && " } else { " || " };
        self.unless.push(format!("({})", asked.join(operator)));
    }

    fn cedar(&self) -> Option<String> {
        if self.is_idle {
            return None;
        }
        let mut text = "forbid(principal, action == Action::\"sign-in\", resource)".to_owned();
        if !self.when.is_empty() {
            text.push_str("\nwhen { ");
            text.push_str(&self.when.join(" && "));
            text.push_str(" }");
        }
        for one in &self.unless {
            text.push_str("\nunless { ");
            text.push_str(one);
            text.push_str(" }");
        }
        text.push(';');
        Some(text)
    }
}
