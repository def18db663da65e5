//! The catalogue: access that is asked for together, and who has to agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::approver::Approver;
use crate::assignment::{Mode, Target};
use crate::document::{Document, DocumentKind};
use crate::error::Refusal;
use crate::inventory::Inventory;
use crate::role::Grant;

/// A package document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// Title and description in other languages, by tag (`fr`, `ar`).
    #[serde(default)]
    pub texts: BTreeMap<String, Text>,
    /// The number of the person who answers for it.
    pub owner: String,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub entitlements: Vec<Grant>,
    /// Whether it is held, or may be activated.
    #[serde(default = "active")]
    pub mode: Mode,
    /// One after the other. Without any, the manager decides and then the owner.
    #[serde(default = "usual")]
    pub stages: Vec<Stage>,
    /// The longest time for which it is given.
    #[serde(default)]
    pub max_days: Option<i64>,
}

/// What a package is called in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub title: String,
    #[serde(default)]
    pub description: String,
}

/// People who decide at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub title: String,
    pub approvers: Vec<Approver>,
    #[serde(default)]
    pub need: Need,
}

/// How many of a stage have to agree. One who refuses always ends the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    #[default]
    All,
    Any,
}

/// A package as somebody sees it in the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Offer {
    pub key: String,
    pub title: String,
    pub description: String,
    pub mode: Mode,
    pub max_days: Option<i64>,
    /// Everything that it gives, as people read it.
    pub gives: Vec<String>,
}

const fn active() -> Mode {
    Mode::Active
}

fn usual() -> Vec<Stage> {
    let stage = |title: &str, approver| Stage { title: title.to_owned(), approvers: vec![approver], need: Need::All };
    vec![stage("manager", Approver::Manager), stage("owner", Approver::Owner)]
}

impl Package {
    /// What it gives.
    ///
    /// # Errors
    /// A role or an entitlement that there is not.
    pub(crate) fn targets(&self, key: &str, inventory: &Inventory) -> Result<Vec<Target>, Refusal> {
        let field = || format!("package {key}");
        let mut targets: Vec<Target> = Vec::new();
        for role in &self.roles {
            if !inventory.roles.contains_key(role) {
                return Err(Refusal::bad(field(), format!("there is no role `{role}`")));
            }
            targets.push(Target::Role(role.clone()));
        }
        for grant in &self.entitlements {
            let known = inventory.named(grant);
            let id = known.ok_or_else(|| Refusal::bad(field(), format!("there is no entitlement `{grant}`")))?;
            targets.push(Target::Entitlement(id));
        }
        if targets.is_empty() {
            return Err(Refusal::bad(field(), "it gives nothing"));
        }
        Ok(targets)
    }

    /// Checks what can be checked of a draft.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, key: &str, inventory: &Inventory) -> Result<(), Refusal> {
        self.targets(key, inventory)?;
        let empty = self.stages.iter().position(|stage| stage.approvers.is_empty());
        match empty {
            _ if self.stages.is_empty() => Err(Refusal::bad(format!("package {key}"), "nobody would have to agree")),
            Some(place) => Err(Refusal::bad(format!("package {key}"), format!("stage {} has no approvers", place + 1))),
            None => Ok(()),
        }
    }

    /// Title and description in a language, or its main language (`fr` for `fr-CH`), or as they are.
    pub fn text(&self, language: &str) -> (&str, &str) {
        let main = language.split('-').next().unwrap_or(language);
        let text = self.texts.get(language).or_else(|| self.texts.get(main));
        text.map_or((self.title.as_str(), self.description.as_str()), |text| (&text.title, &text.description))
    }
}

/// The package of a key.
pub(crate) fn find(documents: &[Document], key: &str) -> Result<Package, Refusal> {
    let is_it = |one: &&Document| one.kind == DocumentKind::Package && one.key == key && one.retired.is_none();
    let document = documents.iter().find(is_it);
    document.ok_or_else(|| Refusal::bad("package", format!("there is no `{key}` in the catalogue")))?.read()
}
