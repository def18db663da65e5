//! Sources: who sends records, and whether they still do.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::tokens::NewToken;
use crate::api::words::Instant;

/// A source and its counters since the server started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    pub name: String,
    /// The parser: `windows-json`, `syslog`, `evtx`, …
    pub format: String,
    /// The table of its records, where it was fixed.
    pub table: Option<String>,
    pub time_zone: Option<String>,
    /// It was connected here, and not in the configuration file.
    pub registered: bool,
    pub first_seen: Option<Instant>,
    pub last_seen: Option<Instant>,
    /// Event time of the newest record.
    pub last_event: Option<Instant>,
    pub records: u64,
    pub bytes: u64,
    /// Records that lie in `_Unparsed` with the reason.
    pub unparsed: u64,
    /// Records dropped before acceptance.
    pub dropped: u64,
    pub duplicates: u64,
    /// Records per second over the last minute.
    pub rate_per_s: f64,
    /// Receipt minus event time of the newest record.
    pub lag_ms: Option<i64>,
    /// It has not spoken for longer than it usually does.
    pub silent: bool,
}

/// Every source, and what can be connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sources {
    pub sources: Vec<Source>,
    /// Formats that a source can have.
    pub formats: Vec<String>,
}

/// Connects a source that delivers over HTTP.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectSource {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`; the address of its deliveries.
    pub name: String,
    pub format: String,
    pub table: Option<String>,
    /// The IANA zone of instants that carry none.
    pub time_zone: Option<String>,
    /// 1 to 730; 365 when absent.
    pub token_expires_in_days: Option<u32>,
    pub reason: String,
}

/// A new source and the token with which it delivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConnectedSource {
    pub source: Source,
    pub token: NewToken,
    /// Where it delivers: `/api/v1/ingest/…`.
    pub path: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_sources, Action::ReadSources, list_sources);
    routes.add(__path_connect_source, Action::ManageSources, connect_source);
}

/// Every source and whether it still speaks.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", responses((status = 200, body = Sources)))]
async fn list_sources() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Connects a source that delivers over HTTP, with its token.
#[utoipa::path(post, path = "/api/v1/sources", tag = "sources", request_body = ConnectSource, responses((status = 201, body = ConnectedSource)))]
async fn connect_source() -> Problem {
    Problem::unavailable("being built", 60)
}
