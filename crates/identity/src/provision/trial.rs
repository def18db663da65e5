//! The settings of a connector, tried before they are in force: made, signed in with, and asked who the target is.

use std::sync::Arc;

use connector::{Connector, ConnectorError, ErrorKind};
use futures::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::Targets;
use crate::document::{self, DocumentKind, Draft};
use crate::error::{Error, Refusal};
use crate::room::Identity;
use crate::system::System;

/// What came of trying a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    pub system: String,
    /// What answered: product and directory.
    pub found: Option<String>,
    /// Why it does not work, with the field that is to blame.
    pub problem: Option<String>,
}

impl Identity {
    /// Tries the connectors of systems whose settings these drafts bring or change; nothing is written at a target.
    ///
    /// # Errors
    /// [`Error::Refused`] with the system, the field and the problem when one does not work, unless `anyway`: the answer then
    /// says it.
    pub async fn try_connectors(
        &self,
        drafts: &[Draft],
        targets: &dyn Targets,
        anyway: bool,
    ) -> Result<Vec<Tried>, Error> {
        let mut asked = Vec::new();
        for draft in drafts.iter().filter(|draft| draft.kind == DocumentKind::System) {
            // What is no document at all is refused when it is saved.
            let Some(system) = draft.body.clone().and_then(|body| serde_json::from_value::<System>(body).ok()) else {
                continue;
            };
            if system.connector.is_some() && self.connects_anew(&draft.key, &system).await? {
                asked.push((draft.key.clone(), system));
            }
        }
        let tried = join_all(asked.iter().map(|(key, system)| tried(key, system, targets))).await;
        let problems: Vec<&str> = tried.iter().filter_map(|one| one.problem.as_deref()).collect();
        if !anyway && !problems.is_empty() {
            let text = problems.join("\n");
            let remedy = "mend it, or save it anyway (`anyway`) and mend the target";
            return Err(Refusal::rule(format!("{text}\n{remedy}")).into());
        }
        Ok(tried)
    }

    async fn connects_anew(&self, key: &str, system: &System) -> Result<bool, Error> {
        let before = document::find(&mut self.store.clone(), DocumentKind::System, key).await?;
        let before = before.filter(|before| before.retired.is_none());
        let before: Option<System> = before.and_then(|before| before.read().ok());
        Ok(before.and_then(|before| before.connector) != system.connector)
    }
}

async fn tried(key: &str, system: &System, targets: &dyn Targets) -> Tried {
    let found = async {
        let connector: Arc<dyn Connector> = targets.trial(key, system).await?;
        let found = connector.identity().await?;
        connector.schema().await?;
        Ok::<_, ConnectorError>(format!("{} {}", found.product, found.directory))
    };
    match found.await {
        Ok(found) => Tried { system: key.to_owned(), found: Some(found), problem: None },
        Err(error) => {
            let empty = Map::new();
            let settings = system.connector.as_ref().map_or(&empty, |connector| &connector.settings);
            let place = to_blame(settings, &error);
            Tried { system: key.to_owned(), found: None, problem: Some(format!("system {key}, {place}: {error}")) }
        }
    }
}

/// The field of the settings that an error speaks of: one that it names, one whose value it quotes, or what such an error
/// comes from. Pure.
fn to_blame(settings: &Map<String, Json>, error: &ConnectorError) -> String {
    let text = error.to_string();
    let root = "connector.settings";
    for quoted in text.split('`').skip(1).step_by(2) {
        let says_key = |path: &[&str], _: &Json| path.last() == Some(&quoted);
        let says_value = |_: &[&str], value: &Json| value.as_str() == Some(quoted);
        if let Some(path) =
            find(settings, &mut Vec::new(), &says_key).or_else(|| find(settings, &mut Vec::new(), &says_value))
        {
            return format!("{root}.{path}");
        }
        if text.contains(&format!("missing field `{quoted}`")) {
            return format!("{root}.{quoted}");
        }
    }
    let names: &[&str] = match error.kind {
        ErrorKind::Auth => &["secret"],
        ErrorKind::Transient => &["url", "address", "host", "path"],
        _ => &[],
    };
    let found = names.iter().find_map(|name| find(settings, &mut Vec::new(), &|path, _| path.last() == Some(name)));
    found.map_or_else(|| root.to_owned(), |path| format!("{root}.{path}"))
}

/// The path of the first setting that fits.
fn find<'a>(
    settings: &'a Map<String, Json>,
    above: &mut Vec<&'a str>,
    fits: &impl Fn(&[&str], &Json) -> bool,
) -> Option<String> {
    for (key, value) in settings {
        above.push(key);
        if fits(above, value) {
            return Some(above.join("."));
        }
        let within = value.as_object().and_then(|inner| find(inner, above, fits));
        if within.is_some() {
            return within;
        }
        above.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_laid_at_the_field_that_it_speaks_of() {
        let settings = json!({
            "secret": "bind",
            "server": { "url": "ldaps://dc.office.example", "bind_dn": "CN=vigie" },
            "accounts": { "base": "OU=Staff", "size": 3 },
        });
        let settings = settings.as_object().unwrap();
        let check = |kind: ErrorKind, text: &str, place: &str| {
            assert_eq!(to_blame(settings, &ConnectorError::new(kind, text)), place, "{text}");
        };
        check(ErrorKind::Invalid, "there is no entry `OU=Staff`", "connector.settings.accounts.base");
        check(ErrorKind::Invalid, "invalid type: string for `size`", "connector.settings.accounts.size");
        check(ErrorKind::Invalid, "the settings cannot be used: missing field `filter`", "connector.settings.filter");
        check(ErrorKind::Auth, "signing in failed (49)", "connector.settings.secret");
        check(ErrorKind::Transient, "connection refused", "connector.settings.server.url");
        check(ErrorKind::Garbled, "it answers with nonsense", "connector.settings");
    }
}
