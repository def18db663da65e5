//! Roles: what people need for their work (business) and what systems give for it (technical), and the rules that give
//! roles to contracts.

use serde::{Deserialize, Serialize};

use crate::system::Risk;

kernel::words! {
    /// A business role is named after work, a technical one after what it opens.
    RoleKind {
        Business = "business",
        Technical = "technical",
    }
}

/// A role document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub kind: RoleKind,
    /// The number of the person who answers for it.
    pub owner: String,
    #[serde(default)]
    pub risk: Risk,
    /// Roles whose access it gives, too.
    #[serde(default)]
    pub includes: Vec<String>,
    /// Accounts and entitlements: `ad`, `ad/GRP-Finance`.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// It may be asked for in the catalogue.
    #[serde(default)]
    pub requestable: bool,
    /// It is borrowed rather than owned: given as eligible, activated for a time.
    #[serde(default)]
    pub privileged: bool,
}

/// An account in a system, or an entitlement of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    pub system: String,
    /// The entitlement's name in the system; `None`: an account alone.
    pub entitlement: Option<String>,
}

impl Grant {
    /// An entitlement of a system.
    pub fn entitlement(system: &str, name: &str) -> Grant {
        Grant { system: system.to_owned(), entitlement: Some(name.to_owned()) }
    }
}

impl std::fmt::Display for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.entitlement {
            Some(name) => write!(f, "{}/{name}", self.system),
            None => f.write_str(&self.system),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = String;

    fn try_from(text: String) -> Result<Grant, String> {
        let (system, entitlement) = match text.split_once('/') {
            Some((system, name)) => (system.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        if system.is_empty() || entitlement == Some("") {
            return Err(format!("`{text}` is no grant; write `system` or `system/entitlement`"));
        }
        Ok(Grant { system: system.to_owned(), entitlement: entitlement.map(str::to_owned) })
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> String {
        grant.to_string()
    }
}

/// A birthright rule: a contract that fits has the roles, as long as it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub title: String,
    /// The number of the person who answers for it.
    pub owner: String,
    /// An expression over `person` and `engagement`: `engagement.station == "KHI"`.
    pub when: String,
    pub roles: Vec<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn yes() -> bool {
    true
}
