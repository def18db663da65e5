//! How a tenant is reached and read.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::trust::Trust;
use crate::value::AttributeName;

/// A tenant of Entra ID, and our application there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraConfig {
    /// The id of the tenant, or one of its verified domains.
    pub tenant: String,
    /// The id of the application that signs in.
    pub client_id: String,
    /// Kept apart from the rest of a configuration.
    #[serde(skip, default = "no_secret")]
    pub client_secret: Secret,
    /// The service and its version; another one for national clouds.
    #[serde(default = "graph")]
    pub url: String,
    /// Where tokens come from.
    #[serde(default = "login")]
    pub login_url: String,
    #[serde(default)]
    pub trust: Trust,
    /// Properties of users that are read beside those that are always needed.
    #[serde(default)]
    pub attributes: Vec<AttributeName>,
}

fn no_secret() -> Secret {
    Secret::new("")
}

fn graph() -> String {
    "https://graph.microsoft.com/v1.0".to_owned()
}

fn login() -> String {
    "https://login.microsoftonline.com".to_owned()
}

/// Properties read of every user.
pub const OF_USERS: [&str; 28] = [
    "id",
    "accountEnabled",
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "mailNickname",
    "otherMails",
    "proxyAddresses",
    "employeeId",
    "employeeType",
    "jobTitle",
    "department",
    "companyName",
    "officeLocation",
    "mobilePhone",
    "businessPhones",
    "country",
    "usageLocation",
    "userType",
    "assignedLicenses",
    "onPremisesImmutableId",
    "onPremisesSyncEnabled",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "createdDateTime",
    "signInSessionsValidFromDateTime",
];

/// Properties read of every group.
pub const OF_GROUPS: [&str; 11] = [
    "id",
    "displayName",
    "description",
    "mail",
    "mailNickname",
    "mailEnabled",
    "securityEnabled",
    "groupTypes",
    "membershipRule",
    "isAssignableToRole",
    "onPremisesSyncEnabled",
];

/// Properties of a user that the service alone writes.
pub const READ_ONLY: [&str; 10] = [
    "id",
    "mail",
    "proxyAddresses",
    "assignedLicenses",
    "assignedRoles",
    "onPremisesSyncEnabled",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "createdDateTime",
    "signInSessionsValidFromDateTime",
];
