//! How a domain is reached and read.

use serde::{Deserialize, Serialize};

use crate::ldap::ServerConfig;
use crate::value::AttributeName;

/// A domain of Active Directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveDirectoryConfig {
    /// LDAPS, or StartTLS: passwords cannot be set otherwise.
    pub server: ServerConfig,
    /// What lies under it is managed; `None`: the whole domain.
    #[serde(default)]
    pub base: Option<String>,
    /// Where new accounts and groups go that name no container.
    #[serde(default)]
    pub container: Option<String>,
    /// Attributes that are read beside those that are always needed.
    #[serde(default)]
    pub attributes: Vec<AttributeName>,
}

/// Read with every object.
pub const ALWAYS: [&str; 27] = [
    "objectGUID",
    "objectSid",
    "objectClass",
    "cn",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "givenName",
    "sn",
    "mail",
    "proxyAddresses",
    "employeeID",
    "title",
    "department",
    "manager",
    "description",
    "info",
    "managedBy",
    "userAccountControl",
    "accountExpires",
    "groupType",
    "memberOf",
    "adminCount",
    "isCriticalSystemObject",
    "uSNChanged",
    "uSNCreated",
    "whenChanged",
];
