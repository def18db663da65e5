//! Where a feed is asked for by itself: a query of a database, an address on the web, a SCIM service; or what a personnel
//! system pushes to our own.

use connector::Trust;
use connector::source::{Listing, Next};
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
        /// Where the records are in the answer: a JSON pointer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        records: Option<String>,
        /// Where an answer says that it goes on: `link` (RFC 8288), or a JSON pointer to the address of the next page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
        #[serde(default = "an_hour")]
        every_minutes: i64,
        #[serde(default = "largest")]
        largest_mb: usize,
    },
    /// All users that somebody provisions to our own SCIM service.
    ScimPush {
        /// The name of the token that provisions.
        client: String,
        /// Minutes without a change before a push counts as over.
        #[serde(default = "ten_minutes")]
        quiet_minutes: i64,
        #[serde(default = "an_hour")]
        every_minutes: i64,
        #[serde(default = "largest")]
        largest_mb: usize,
    },
    /// All users of somebody else's SCIM service.
    ScimPull {
        /// `https://HOST/scim/v2`
        url: String,
        #[serde(default = "authorization")]
        header: String,
        #[serde(default)]
        secret: Option<String>,
        #[serde(default)]
        trust: Trust,
        /// Whom: RFC 7644 §3.4.2.2, as far as that service understands it.
        #[serde(default)]
        filter: Option<String>,
        #[serde(default = "five_hundred")]
        page_users: usize,
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
const fn ten_minutes() -> i64 {
    10
}
const fn five_hundred() -> usize {
    500
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
            FeedSource::ScimPush { .. } => "scim-push",
            FeedSource::ScimPull { .. } => "scim-pull",
        }
    }

    /// Minutes between two times that it is asked.
    pub const fn every_minutes(&self) -> i64 {
        match self {
            FeedSource::Sql { every_minutes, .. }
            | FeedSource::Http { every_minutes, .. }
            | FeedSource::ScimPush { every_minutes, .. }
            | FeedSource::ScimPull { every_minutes, .. } => *every_minutes,
        }
    }

    /// The largest answer that is taken.
    pub const fn largest_bytes(&self) -> usize {
        match self {
            FeedSource::Sql { largest_mb, .. }
            | FeedSource::Http { largest_mb, .. }
            | FeedSource::ScimPush { largest_mb, .. }
            | FeedSource::ScimPull { largest_mb, .. } => largest_mb.saturating_mul(1 << 20),
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
        let fault = match self {
            FeedSource::Sql { url, secret, query, .. } => sql_fault(url.as_deref(), secret.as_deref(), query, format)
                .map(|(field, text)| (field, text.to_owned())),
            FeedSource::Http { url, header, records, next, .. } => {
                address_fault(url, header).or_else(|| listing_fault(records.as_deref(), next.as_deref(), format))
            }
            FeedSource::ScimPush { .. } | FeedSource::ScimPull { .. } if format != FeedFormat::Scim => {
                Some(("kind", "users come as SCIM has them: write `format = \"scim\"`".to_owned()))
            }
            FeedSource::ScimPush { client, quiet_minutes, .. } => push_fault(client, *quiet_minutes),
            FeedSource::ScimPull { url, header, filter, page_users, .. } => {
                address_fault(url, header).or_else(|| pull_fault(filter.as_deref(), *page_users))
            }
        };
        fault.map_or(Ok(()), |(field, text)| bad(field, &text))
    }

    /// Where an address has its records, where that is not the whole answer.
    pub(super) fn listing(&self) -> Option<Listing> {
        let FeedSource::Http { records, next, .. } = self else { return None };
        let paged = records.is_some() || next.is_some();
        let next = next.as_deref().and_then(|next| Next::parse(next).ok());
        paged.then(|| Listing { records: records.clone(), next })
    }
}

/// A field, and what is wrong with it.
type Fault = (&'static str, String);

fn sql_fault(
    url: Option<&str>,
    secret: Option<&str>,
    query: &str,
    format: FeedFormat,
) -> Option<(&'static str, &'static str)> {
    match (url, secret) {
        _ if format != FeedFormat::Json => Some(("kind", "rows come as objects: write `format = \"json\"`")),
        _ if query.trim().is_empty() => Some(("query", "it is empty; write a SELECT")),
        (None, None) | (Some(_), Some(_)) => Some(("url", "give either `url`, or `secret` with the file that has it")),
        (Some(url), None) if has_password(url) => Some((
            "url",
            "it has a password in it: put the address into a file of `secrets/` and name that as `secret`",
        )),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

fn address_fault(url: &str, header: &str) -> Option<Fault> {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if header.is_empty() || !header.chars().all(token) {
        return Some(("header", "it is no name of a header".to_owned()));
    }
    if has_password(url) {
        return Some(("url", "it has a password in it: use `header` and `secret`".to_owned()));
    }
    connector::source::check_address(url).err().map(|error| ("url", error.to_string()))
}

fn listing_fault(records: Option<&str>, next: Option<&str>, format: FeedFormat) -> Option<Fault> {
    let field = if records.is_some() { "records" } else { "next" };
    if (records.is_some() || next.is_some()) && !matches!(format, FeedFormat::Json | FeedFormat::Scim) {
        return Some((field, "lists and pages are read as JSON: write `format = \"json\"`".to_owned()));
    }
    if let Some(records) = records.filter(|records| !records.starts_with('/')) {
        return Some(("records", format!("`{records}` is no JSON pointer; write one like `/data/people`")));
    }
    next.and_then(|next| Next::parse(next).err()).map(|error| ("next", error.to_string()))
}

fn push_fault(client: &str, quiet_minutes: i64) -> Option<Fault> {
    if client.trim().is_empty() {
        return Some(("client", "it is empty; write the name of the token that provisions".to_owned()));
    }
    (!(1..=720).contains(&quiet_minutes)).then(|| ("quiet_minutes", "it is between 1 and 720".to_owned()))
}

fn pull_fault(filter: Option<&str>, page_users: usize) -> Option<Fault> {
    if !(2..=10_000).contains(&page_users) {
        return Some(("page_users", "it is between 2 and 10,000".to_owned()));
    }
    let filter = filter.map(scim::Filter::parse);
    filter.and_then(Result::err).map(|error| ("filter", error.to_string()))
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    authority.contains('@')
}
