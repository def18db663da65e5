//! How a directory is reached and read.

use serde::{Deserialize, Serialize};

use super::relay::{Place, Security};
use crate::error::ConnectorError;
use crate::schema::{AttributeSchema, Matching};
use crate::secret::Secret;
use crate::trust::Trust;
use crate::value::AttributeName;

/// A directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapConfig {
    #[serde(flatten)]
    pub server: ServerConfig,
    pub accounts: ClassMapping,
    #[serde(default)]
    pub groups: Option<GroupMapping>,
}

/// A server and our account there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerConfig {
    /// `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with StartTLS.
    pub url: String,
    #[serde(default)]
    pub start_tls: bool,
    /// The name in the server's certificate, when it is not the host of the address.
    #[serde(default)]
    pub server_name: Option<String>,
    #[serde(default)]
    pub trust: Trust,
    pub bind_name: String,
    /// Kept apart from the rest of a configuration.
    #[serde(skip, default = "no_password")]
    pub password: Secret,
}

fn no_password() -> Secret {
    Secret::new("")
}

impl ServerConfig {
    /// The place that the address names.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when it is no address of a directory.
    pub fn place(&self) -> Result<Place, ConnectorError> {
        let bad =
            || ConnectorError::invalid(format!("`{}` is no address; write ldaps://HOST or ldap://HOST", self.url));
        let (scheme, rest) = self.url.split_once("://").ok_or_else(bad)?;
        let (security, port) = match (scheme.to_ascii_lowercase().as_str(), self.start_tls) {
            ("ldaps", false) => (Security::Tls, 636),
            ("ldap", true) => (Security::StartTls, 389),
            ("ldap", false) => (Security::Plain, 389),
            _ => return Err(bad()),
        };
        let authority = rest.trim_end_matches('/');
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) if !host.contains(':') || host.ends_with(']') => {
                (host, digits.parse().map_err(|_| bad())?)
            }
            _ => (authority, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || host.contains(['/', '?', '@']) {
            return Err(bad());
        }
        let (server_name, trust) = (self.server_name.clone(), self.trust.clone());
        Ok(Place { host, port, security, server_name, trust })
    }
}

/// Where objects of a class stand and what they are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMapping {
    pub base: String,
    /// `(objectClass=inetOrgPerson)`
    pub filter: String,
    /// Of new entries.
    pub object_classes: Vec<String>,
    /// The attribute of the relative name: `uid`, `cn`.
    pub naming: AttributeName,
    /// Attributes that are read and written. Empty: all user attributes are read.
    #[serde(default)]
    pub attributes: Vec<AttributeName>,
    #[serde(default)]
    pub enabled: Option<EnabledAttribute>,
}

/// How a directory without a standard for it says that an account is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnabledAttribute {
    pub attribute: AttributeName,
    /// Its value when the account is disabled: `000001010000Z` for `pwdAccountLockedTime`, `TRUE` for `nsAccountLock`.
    pub disabled: String,
    /// Its value when enabled; `None`: it has none.
    #[serde(default)]
    pub enabled: Option<String>,
}

/// Groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMapping {
    #[serde(flatten)]
    pub class: ClassMapping,
    /// `member`, `uniqueMember`: values are distinguished names.
    #[serde(default = "member")]
    pub member: AttributeName,
    /// A member that stands for nobody, where the schema wants at least one (groupOfNames).
    #[serde(default)]
    pub placeholder: Option<String>,
}

fn member() -> AttributeName {
    "member".into()
}

/// What LDAP's usual syntaxes mean for comparing values.
pub fn attribute(name: &AttributeName, syntax: &str, single: bool, read_only: bool, exact: bool) -> AttributeSchema {
    let matching = match syntax {
        "1.3.6.1.4.1.1466.115.121.1.12" => Matching::DistinguishedName,
        "1.3.6.1.4.1.1466.115.121.1.15" | "1.3.6.1.4.1.1466.115.121.1.26" | "1.3.6.1.4.1.1466.115.121.1.44"
            if !exact =>
        {
            Matching::IgnoreCase
        }
        _ => Matching::Exact,
    };
    AttributeSchema {
        name: name.clone(),
        syntax: syntax.to_owned(),
        multi_valued: !single,
        required: false,
        read_only,
        matching,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, start_tls: bool) -> Option<(String, u16, Security)> {
        let (server_name, trust, bind_name) = (None, Trust::System, String::new());
        let config =
            ServerConfig { url: url.into(), start_tls, server_name, trust, bind_name, password: no_password() };
        config.place().ok().map(|place| (place.host, place.port, place.security))
    }

    #[test]
    fn addresses() {
        assert_eq!(place("ldaps://dc1.example", false), Some(("dc1.example".into(), 636, Security::Tls)));
        assert_eq!(place("ldap://dc1.example:3890/", true), Some(("dc1.example".into(), 3890, Security::StartTls)));
        assert_eq!(place("ldap://[::1]:1389", false), Some(("::1".into(), 1389, Security::Plain)));
        for bad in ["dc1.example", "http://x", "ldaps://", "ldaps://a:b", "ldap://user@host"] {
            assert_eq!(place(bad, false), None, "{bad}");
        }
    }
}
