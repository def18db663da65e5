//! Connectors of the systems in which accounts live, made from the documents of the Access desk.
//!
//! A secret is a file of its own below `secrets/` in the data folder, named by the document and read when the connector is
//! made; it is in no database and no log. Secrets of a system lie below `secrets/systems/KEY/`, those of a feed below
//! `secrets/feeds/KEY/`, so that a document can send no other secret than its own to an address that it names. A file of accounts, or a database that is a file, lies below `systems/`. A
//! connector is made anew when its document, what the document protects, or its secret has changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use connector::active_directory::{ActiveDirectory, ActiveDirectoryConfig};
use connector::confined::Confined;
use connector::csv_file::{CsvFile, CsvFileConfig};
use connector::entra::{Entra, EntraConfig};
use connector::ldap::{Ldap, LdapConfig};
use connector::scim::{ScimClient, ScimConfig};
use connector::sql_table::{LinkMapping, SqlTable, SqlTableConfig, TableMapping};
use connector::{Connector, ConnectorError, ErrorKind, ProtectionRules, Secret, Trust};
use identity::provision::Targets;
use identity::system::{ConnectorSettings, System};
use parking_lot::Mutex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A connector with what it was made from.
type Made = (Origin, Arc<dyn Connector>);

/// What a connector is made from; another when any of it changes.
#[derive(PartialEq)]
struct Origin {
    settings: ConnectorSettings,
    protected: Vec<String>,
    break_glass: Vec<String>,
    /// SHA-256 of the secret.
    secret: Option<[u8; 32]>,
}

/// Connectors by system; each is made once, and anew when what it was made from changes.
pub struct SystemTargets {
    secrets: PathBuf,
    files: Confined,
    made: Mutex<BTreeMap<String, Made>>,
}

/// What every kind of connector may have beside its own settings.
#[derive(Deserialize)]
struct Shared {
    /// The file below `secrets/systems/KEY/` with the password, or with the address of a database.
    secret: Option<String>,
    #[serde(default)]
    protection: ProtectionRules,
}

/// The tables of a database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlSettings {
    /// The address, where it has no password in it.
    url: Option<String>,
    accounts: TableMapping,
    groups: Option<TableMapping>,
    members: Option<LinkMapping>,
}

/// A service that speaks SCIM; its token is the secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScimSettings {
    url: String,
    #[serde(default)]
    trust: Trust,
}

impl SystemTargets {
    /// Secrets lie in `secrets`, files that documents may name in `systems`.
    pub fn new(secrets: PathBuf, systems: PathBuf) -> SystemTargets {
        SystemTargets { secrets, files: Confined::below(systems), made: Mutex::default() }
    }

    fn origin(&self, key: &str, settings: &ConnectorSettings, system: &System) -> Result<Origin, ConnectorError> {
        let named = settings.settings.get("secret").and_then(Value::as_str);
        let secret = named.map(|name| self.secret(key, name)).transpose()?;
        Ok(Origin {
            settings: settings.clone(),
            protected: system.protected.clone(),
            break_glass: system.break_glass.clone(),
            secret: secret.map(|secret| Sha256::digest(secret.reveal()).into()),
        })
    }

    async fn make(
        &self,
        key: &str,
        settings: &ConnectorSettings,
        system: &System,
    ) -> Result<Arc<dyn Connector>, ConnectorError> {
        let mut own = settings.settings.clone();
        let (secret, protection) = (own.remove("secret"), own.remove("protection"));
        let shared = [("secret", secret), ("protection", protection)];
        let shared = shared.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let Shared { secret, mut protection } = read(shared)?;
        protection.listed.extend(system.break_glass.iter().cloned());
        protection.sync_accounts.extend(system.protected.iter().cloned());
        let secret = secret.map(|name| self.secret(key, &name)).transpose()?;
        let needed =
            || secret.clone().ok_or_else(|| ConnectorError::invalid("it needs a `secret`: the name of a file"));
        Ok(match settings.kind.as_str() {
            "sql-table" => {
                let SqlSettings { url, accounts, groups, members } = read(own)?;
                let url = match url {
                    Some(url) => Secret::new(self.files.database(&url)?),
                    None => needed()?,
                };
                Arc::new(SqlTable::connect(SqlTableConfig { url, accounts, groups, members }, protection).await?)
            }
            "csv" => {
                let config: CsvFileConfig = read(own)?;
                let path = self.files.file(&config.path.to_string_lossy())?;
                Arc::new(CsvFile::open(CsvFileConfig { path, ..config }, protection)?)
            }
            "ldap" => {
                let mut config: LdapConfig = read(own)?;
                config.server.password = needed()?;
                Arc::new(Ldap::new(config, protection)?)
            }
            "active-directory" => {
                let mut config: ActiveDirectoryConfig = read(own)?;
                config.server.password = needed()?;
                Arc::new(ActiveDirectory::new(config, protection)?)
            }
            "scim" => {
                let ScimSettings { url, trust } = read(own)?;
                Arc::new(ScimClient::new(ScimConfig { url, token: needed()?, trust }, protection)?)
            }
            "entra" => {
                let mut config: EntraConfig = read(own)?;
                config.client_secret = needed()?;
                Arc::new(Entra::new(config, protection)?)
            }
            other => {
                let kinds = "sql-table, csv, ldap, active-directory, scim, entra";
                return Err(ConnectorError::invalid(format!("there is no connector `{other}`; there are {kinds}")));
            }
        })
    }

    fn secret(&self, key: &str, name: &str) -> Result<Secret, ConnectorError> {
        let own = self.secrets.join("systems").join(plain(key)?);
        let path = own.join(plain(name)?);
        if path.exists() {
            return read_secret(&path);
        }
        let before = self.secrets.join(name);
        let remedy = match before.exists() {
            true => format!("move it there: mkdir -p {} && mv {} {}", own.display(), before.display(), path.display()),
            false => format!("put it into {}", path.display()),
        };
        let text = format!("the system {key} has no secret `{name}` of its own, and reads no other: {remedy}");
        Err(ConnectorError::new(ErrorKind::Auth, text))
    }
}

/// A name that leads nowhere else.
fn plain(name: &str) -> Result<&str, ConnectorError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.chars().all(fits) && !name.is_empty() && !name.starts_with('.') {
        return Ok(name);
    }
    Err(ConnectorError::invalid(format!("`{name}` is no name of a secret: letters, digits, `-`, `_`, `.`")))
}

fn read_secret(path: &Path) -> Result<Secret, ConnectorError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConnectorError::new(ErrorKind::Auth, format!("the secret {} cannot be read: {error}", path.display()))
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn read<T: DeserializeOwned>(settings: Map<String, Value>) -> Result<T, ConnectorError> {
    T::deserialize(Value::Object(settings))
        .map_err(|error| ConnectorError::invalid(format!("the settings of the connector cannot be used: {error}")))
}

#[async_trait]
impl Targets for SystemTargets {
    async fn target(&self, key: &str, system: &System) -> Result<Arc<dyn Connector>, ConnectorError> {
        let settings = system.connector.as_ref();
        let settings = settings.ok_or_else(|| ConnectorError::invalid(format!("nothing connects {key}")))?;
        let origin = self.origin(key, settings, system)?;
        let known = self.made.lock().get(key).filter(|(made, _)| *made == origin).map(|(_, made)| made.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let made = self.make(key, settings, system).await?;
        self.made.lock().insert(key.to_owned(), (origin, made.clone()));
        Ok(made)
    }

    async fn trial(&self, key: &str, system: &System) -> Result<Arc<dyn Connector>, ConnectorError> {
        let settings = system.connector.as_ref();
        let settings = settings.ok_or_else(|| ConnectorError::invalid(format!("nothing connects {key}")))?;
        self.make(key, settings, system).await
    }

    async fn feed_secret(&self, feed: &str, name: &str) -> Result<Secret, ConnectorError> {
        let path = self.secrets.join("feeds").join(plain(feed)?).join(plain(name)?);
        if !path.exists() {
            let text = format!(
                "the feed {feed} has no secret `{name}`: put it into {}; a feed reads those alone that lie there",
                path.display()
            );
            return Err(ConnectorError::new(ErrorKind::Auth, text));
        }
        read_secret(&path)
    }

    fn database(&self, url: &str) -> Result<String, ConnectorError> {
        self.files.database(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_reads_secrets_of_its_own_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets");
        let put = |name: &str| {
            let path = secrets.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "Passw0rd\n").unwrap();
        };
        for name in ["second-factor.key", "ad-bind", "systems/ad/bind"] {
            put(name);
        }
        let targets = SystemTargets::new(secrets.clone(), folder.path().join("systems"));
        let read = |key: &str, name: &str| targets.secret(key, name).map(|secret| secret.reveal().to_owned());
        assert_eq!(read("ad", "bind").unwrap(), "Passw0rd");
        for (key, name, words) in [
            ("evil", "bind", "has no secret `bind` of its own"),
            ("evil", "second-factor.key", "reads no other"),
            ("ad", "ad-bind", "move it there: mkdir -p"),
            ("ad", "../evil/bind", "is no name of a secret"),
            ("..", "ad-bind", "is no name of a secret"),
        ] {
            let problem = read(key, name).unwrap_err().to_string();
            assert!(problem.contains(words) && !problem.contains("Passw0rd"), "{key}/{name}: {problem}");
        }
    }
}
