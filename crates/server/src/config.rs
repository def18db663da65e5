//! Settings of the door. Defaults are for one machine with two cores.

use std::net::IpAddr;
use std::path::PathBuf;

/// Limits and times. Every field has a unit in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// The largest JSON body.
    pub body_bytes: usize,
    /// The largest delivery as it travels.
    pub ingest_bytes: usize,
    /// The largest delivery after decompression.
    pub ingest_decoded_bytes: usize,
    /// Memory for all deliveries in progress; beyond it senders are told to wait.
    pub ingest_memory_bytes: usize,
    /// A body may pause for so long.
    pub body_idle_ms: u64,
    /// A body may take so long before [`body_bytes_per_s`](Self::body_bytes_per_s) is asked of it.
    pub body_grace_ms: u64,
    /// The slowest sender that is waited for.
    pub body_bytes_per_s: u64,
    /// Head of a request, and TLS handshake.
    pub header_ms: u64,
    /// The other end may take nothing of an answer for so long.
    pub send_idle_ms: u64,
    /// Open connections.
    pub connections: usize,
    /// What is running may go on for so long after a shutdown began.
    pub shutdown_ms: u64,
    /// A session ends after so long without a request.
    pub session_idle_s: u64,
    /// A session ends after so long whatever happens.
    pub session_s: u64,
    /// One-time links hold for so long.
    pub invitation_s: u64,
    /// Rows of one answer.
    pub query_rows: u64,
    /// Rows of one export.
    pub export_rows: u64,
    /// Time of one query.
    pub query_ms: u64,
    /// Memory of one query.
    pub query_memory_bytes: u64,
    /// Queries at a time; more wait in the engine's order or are told to come back.
    pub queries: usize,
    /// Passwords checked at a time: each takes 19 MiB and a core for some 30 ms.
    pub password_checks: usize,
    /// Addresses of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The state of the house is sent to live listeners so often.
    pub pulse_ms: u64,
    /// Cookies are sent over TLS only.
    pub secure_cookies: bool,
    /// The base map of the Field desk, a PMTiles archive; `None`: the outlines that the console brings along.
    pub map_file: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            body_bytes: 1 << 20,
            ingest_bytes: 32 << 20,
            ingest_decoded_bytes: 128 << 20,
            ingest_memory_bytes: 384 << 20,
            body_idle_ms: 15_000,
            body_grace_ms: 30_000,
            body_bytes_per_s: 1_024,
            header_ms: 10_000,
            send_idle_ms: 60_000,
            connections: 1_024,
            shutdown_ms: 10_000,
            session_idle_s: 8 * 3_600,
            session_s: 7 * 86_400,
            invitation_s: 24 * 3_600,
            query_rows: 100_000,
            export_rows: 5_000_000,
            query_ms: 120_000,
            query_memory_bytes: 512 << 20,
            queries: 16,
            password_checks: 2,
            trusted_proxies: Vec::new(),
            pulse_ms: 5_000,
            secure_cookies: false,
            map_file: None,
        }
    }
}
