//! Live sources: syslog over UDP, TCP and TLS, and folders that grow.
//!
//! A listener collects messages for a moment and hands them to the [`IntakePort`] as one delivery. While the lake
//! cannot take records, TCP senders wait and folder files lie where they are; UDP cannot wait, so what does not fit
//! in the queue is dropped and counted. Stopping hands over what is collected.

mod batch;
mod folder;
mod frames;
mod syslog;

use std::sync::Arc;

use kernel::Clock;
use kernel::port::IntakePort;
use tokio_util::sync::CancellationToken;

use crate::registry::SourceRegistry;

pub use folder::{FolderOptions, folder};
pub use frames::{FrameDecoder, FrameEvent};
pub use syslog::{syslog_tcp, syslog_udp};

/// What every listener needs.
#[derive(Clone)]
pub struct ListenContext {
    pub port: Arc<dyn IntakePort>,
    pub registry: Arc<SourceRegistry>,
    pub clock: Arc<dyn Clock>,
    /// Cancelled to stop; the listener's future ends when all is handed over.
    pub stop: CancellationToken,
}

/// How a syslog listener collects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenOptions {
    /// The source that deliveries are credited to.
    pub source: String,
    /// A delivery is handed over when it has this many bytes …
    pub batch_bytes: usize,
    /// … or when its first message has waited this long.
    pub batch_ms: u64,
    /// Messages that may wait for a delivery.
    pub queue_messages: usize,
    /// Longest message; longer ones are dropped and counted.
    pub message_bytes: usize,
    /// TCP connections at a time.
    pub connections: usize,
    /// A TCP connection on which nothing arrives for this long is closed.
    pub idle_ms: u64,
}

impl ListenOptions {
    /// Defaults for a source: deliveries of 1 MiB or 200 ms, 20,000 waiting messages of up to 256 KiB.
    pub fn new(source: impl Into<String>) -> ListenOptions {
        ListenOptions {
            source: source.into(),
            batch_bytes: 1 << 20,
            batch_ms: 200,
            queue_messages: 20_000,
            message_bytes: 256 << 10,
            connections: 1_000,
            idle_ms: 30 * 60 * 1_000,
        }
    }
}
