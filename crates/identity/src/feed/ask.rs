//! What a source gives when it is asked.

use connector::source::{Address, Download, Question, ScimList, Taken, download, query, scim_users};
use connector::{ConnectorError, Secret};

use super::FeedSource;
use super::fetch::SourceState;
use crate::provision::Targets;
use crate::room::Identity;

const MINUTE_US: i64 = 60_000_000;

impl Identity {
    pub(super) async fn ask_source(
        &self,
        key: &str,
        source: &FeedSource,
        known: Option<&SourceState>,
        targets: &dyn Targets,
    ) -> Result<Asked, ConnectorError> {
        let largest_bytes = source.largest_bytes();
        // Rows and users are what there is now, also where they are again what there was before; a file may be an old one.
        let asked = Some(self.now().to_string());
        match source {
            FeedSource::Sql { url, secret, query: sql, .. } => {
                let url = match (url, secret) {
                    (_, Some(name)) => targets.feed_secret(key, name).await?,
                    (Some(url), None) => Secret::new(targets.database(url)?),
                    (None, None) => return Err(ConnectorError::invalid("it has no address")),
                };
                query(&Question { url: &url, sql, largest_bytes }).await.map(|taken| Asked::Taken(taken, asked))
            }
            FeedSource::Http { url, header, secret, trust, .. } => {
                let listing = source.listing();
                let secret = secret_of(key, secret.as_deref(), targets).await?;
                let address = Address {
                    url,
                    trust,
                    header: secret.as_ref().map(|secret| (header.as_str(), secret)),
                    etag: known.and_then(|known| known.etag.as_deref()),
                    last_modified: known.and_then(|known| known.last_modified.as_deref()),
                    largest_bytes,
                    listing: listing.as_ref(),
                };
                download(&address).await.map(|download| match download {
                    Download::Unchanged => Asked::Unchanged,
                    Download::Taken(taken) => Asked::Taken(taken, None),
                })
            }
            FeedSource::ScimPull { url, header, secret, trust, filter, page_users, .. } => {
                let secret = secret_of(key, secret.as_deref(), targets).await?;
                let list = ScimList {
                    url,
                    trust,
                    header: secret.as_ref().map(|secret| (header.as_str(), secret)),
                    filter: filter.as_deref(),
                    page_users: *page_users,
                    largest_bytes,
                };
                scim_users(&list).await.map(|taken| Asked::Taken(taken, asked))
            }
            FeedSource::ScimPush { client, quiet_minutes, every_minutes, .. } => {
                let quiet_us = quiet_minutes.saturating_mul(MINUTE_US);
                let asked = self.pushed(client, quiet_us, every_minutes.saturating_mul(MINUTE_US)).await;
                let asked = asked.map_err(|error| ConnectorError::transient(error.to_string()))?;
                asked.within(largest_bytes)
            }
        }
    }

    /// What a client pushed, once nothing has changed for a while.
    async fn pushed(&self, client: &str, quiet_us: i64, usual_us: i64) -> Result<Asked, scim::Error> {
        let scim = scim::Scim::new(self.store.clone());
        let Some(changed) = scim.changed(client).await? else {
            let others: Vec<String> = scim.clients().await?.into_iter().map(|one| one.client).collect();
            let others = if others.is_empty() { "nobody has".to_owned() } else { others.join(", ") };
            let why = format!(
                "no token of the name `{client}` has provisioned anybody yet (of those that have: {others}); check `client`"
            );
            return Ok(Asked::Waiting { why, pause_us: usual_us });
        };
        let quiet_since_us = self.now().micros() - changed.micros();
        let moving = |pause_us: i64| Asked::Waiting {
            why: format!(
                "{client} is at it: its last change was at {changed}, and nothing is taken before it is quiet"
            ),
            pause_us,
        };
        if quiet_since_us < quiet_us {
            return Ok(moving(quiet_us - quiet_since_us));
        }
        match scim.provisioned(client).await? {
            None => Ok(moving(quiet_us)),
            Some(held) => {
                let records = Some(held.users.len() as u64);
                let body = super::scim_users::list(&held.users);
                let taken = Taken { body, records, etag: None, last_modified: None };
                Ok(Asked::Taken(taken, Some(held.changed.to_string())))
            }
        }
    }
}

/// What came of a question.
pub(super) enum Asked {
    Unchanged,
    /// Nothing is taken before this has passed.
    Waiting {
        why: String,
        pause_us: i64,
    },
    /// A delivery, and the instant of which it tells.
    Taken(Taken, Option<String>),
}

impl Asked {
    fn within(self, largest_bytes: usize) -> Result<Asked, ConnectorError> {
        match &self {
            Asked::Taken(taken, _) if taken.body.len() > largest_bytes => {
                let (has, most) = (taken.body.len() >> 20, largest_bytes >> 20);
                Err(ConnectorError::invalid(format!(
                    "what was pushed has {has} MiB, more than {most}: raise `largest_mb`"
                )))
            }
            _ => Ok(self),
        }
    }
}

async fn secret_of(feed: &str, secret: Option<&str>, targets: &dyn Targets) -> Result<Option<Secret>, ConnectorError> {
    match secret {
        Some(name) => targets.feed_secret(feed, name).await.map(Some),
        None => Ok(None),
    }
}
