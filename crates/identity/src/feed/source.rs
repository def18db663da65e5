//! Where a feed is asked for by itself: a query of a database, or an address on the web.

use connector::Trust;
use serde::{Deserialize, Serialize};

use super::FeedFormat;
use crate::error::Refusal;

const LARGEST_MB: usize = 1_024;

/// A source that is asked on a schedule. Its secrets are files, named here and kept elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FeedSource {
    /// A `SELECT` whose rows are records, in a session that can only read.
    Sql {
        /// The address, where it has no password in it: `sqlite:PATH`.
        #[serde(default)]
        url: Option<String>,
        /// The file with the address, where it has: `postgres://USER:PASSWORD@HOST/DATABASE`.
        #[serde(default)]
        secret: Option<String>,
        query: String,
        #[serde(default = "an_hour")]
        every_minutes: i64,
        #[serde(default = "largest")]
        largest_mb: usize,
    },
    /// A GET of an address that gives JSON or CSV.
    Http {
        url: String,
        /// The header that carries the secret.
        #[serde(default = "authorization")]
        header: String,
        /// The file with the value of the header: `Bearer …`, `Basic …`, or a key.
        #[serde(default)]
        secret: Option<String>,
        #[serde(default)]
        trust: Trust,
        #[serde(default = "an_hour")]
        every_minutes: i64,
        #[serde(default = "largest")]
        largest_mb: usize,
    },
}

fn authorization() -> String {
    "Authorization".to_owned()
}
const fn an_hour() -> i64 {
    60
}
const fn largest() -> usize {
    256
}

impl FeedSource {
    /// The word of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            FeedSource::Sql { .. } => "sql",
            FeedSource::Http { .. } => "http",
        }
    }

    /// Minutes between two times that it is asked.
    pub const fn every_minutes(&self) -> i64 {
        match self {
            FeedSource::Sql { every_minutes, .. } | FeedSource::Http { every_minutes, .. } => *every_minutes,
        }
    }

    /// The largest answer that is taken.
    pub const fn largest_bytes(&self) -> usize {
        match self {
            FeedSource::Sql { largest_mb, .. } | FeedSource::Http { largest_mb, .. } => *largest_mb << 20,
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// The field that does not, and what to write instead.
    pub(super) fn check(&self, key: &str, format: FeedFormat) -> Result<(), Refusal> {
        let bad = |field: &str, problem: &str| Err(Refusal::bad(format!("feed {key}: source.{field}"), problem));
        if self.every_minutes() < 5 {
            return bad("every_minutes", "it is at least 5");
        }
        if !(1..=LARGEST_MB << 20).contains(&self.largest_bytes()) {
            return bad("largest_mb", "it is between 1 and 1,024");
        }
        match self {
            FeedSource::Sql { url, secret, query, .. } => match (url.as_deref(), secret) {
                _ if format != FeedFormat::Json => bad("kind", "rows come as objects: write `format = \"json\"`"),
                _ if query.trim().is_empty() => bad("query", "it is empty; write a SELECT"),
                (None, None) | (Some(_), Some(_)) => {
                    bad("url", "give either `url`, or `secret` with the file that has it")
                }
                (Some(url), None) if has_password(url) => bad(
                    "url",
                    "it has a password in it: put the address into a file of `secrets/` and name that as `secret`",
                ),
                (Some(_), None) | (None, Some(_)) => Ok(()),
            },
            FeedSource::Http { url, header, .. } => {
                let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                if header.is_empty() || !header.chars().all(token) {
                    return bad("header", "it is no name of a header");
                }
                if has_password(url) {
                    return bad("url", "it has a password in it: use `header` and `secret`");
                }
                match connector::source::check_address(url) {
                    Ok(()) => Ok(()),
                    Err(error) => bad("url", &error.to_string()),
                }
            }
        }
    }
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    authority.contains('@')
}
