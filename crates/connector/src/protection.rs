//! What no rule may touch, whatever it computes.

use serde::{Deserialize, Serialize};

use crate::object::Object;
use crate::value::AttributeName;

/// Why an object is never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Protection {
    /// The target cannot do without it: krbtgt, the built-in Administrator, a domain controller.
    BuiltIn { what: String },
    /// It is the account with which we or a synchronisation service sign in.
    SyncAccount,
    /// The target marks it as privileged (`adminCount` = 1).
    PrivilegedMark,
    /// The operator listed it: a break-glass account.
    Listed { entry: String },
}

impl std::fmt::Display for Protection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Protection::BuiltIn { what } => write!(f, "{what} is part of the target itself"),
            Protection::SyncAccount => f.write_str("it is an account that synchronises the target"),
            Protection::PrivilegedMark => f.write_str("the target marks it as privileged"),
            Protection::Listed { entry } => write!(f, "the operator protects `{entry}`"),
        }
    }
}

/// What the operator protects beside what a connector protects by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProtectionRules {
    /// Ids or names (without case) of objects that are never written: break-glass accounts.
    pub listed: Vec<String>,
    /// Names (without case) of accounts that synchronise: ours, Entra Connect's `MSOL_…`. A trailing `*` stands for any end.
    pub sync_accounts: Vec<String>,
    /// Attributes whose value is compared with the lists beside id and name; empty: none.
    pub name_attributes: Vec<AttributeName>,
}

impl ProtectionRules {
    /// What these rules say of an object.
    pub fn of(&self, object: &Object) -> Option<Protection> {
        let listed = self.listed.iter().find(|entry| self.names(object).any(|name| matches(entry, name)));
        if let Some(entry) = listed {
            return Some(Protection::Listed { entry: entry.clone() });
        }
        let sync = self.sync_accounts.iter().any(|entry| self.names(object).any(|name| matches(entry, name)));
        sync.then_some(Protection::SyncAccount)
    }

    fn names<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = &'a str> {
        let attributes = self.name_attributes.iter().filter_map(|name| object.attributes.text(name.as_str()));
        [object.id.as_str(), object.name.as_str()].into_iter().chain(attributes)
    }
}

fn matches(entry: &str, name: &str) -> bool {
    let (entry, name) = (entry.to_lowercase(), name.to_lowercase());
    match entry.strip_suffix('*') {
        Some(start) => !start.is_empty() && name.starts_with(start),
        None => entry == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectClass;

    #[test]
    fn lists_name_objects_by_id_name_or_attribute() {
        let rules = ProtectionRules {
            listed: vec!["Break-Glass-1".into()],
            sync_accounts: vec!["MSOL_*".into(), "*".into()],
            name_attributes: vec!["sAMAccountName".into()],
        };
        let mut object = Object::new(ObjectClass::Account, "7", "CN=Ordinary,DC=x");
        assert_eq!(rules.of(&object), None, "a bare star protects nothing");
        object.attributes.set("samaccountname", vec!["msol_4f1a".into()]);
        assert_eq!(rules.of(&object), Some(Protection::SyncAccount));
        object.name = "break-glass-1".into();
        assert_eq!(rules.of(&object), Some(Protection::Listed { entry: "Break-Glass-1".into() }));
    }
}
