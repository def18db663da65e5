//! Bringing systems to what is wanted: read, compare, write what is missing, remember what was seen.
//!
//! There is no list of operations that could be done twice or be lost: an account knows what is wanted of it, and every
//! attempt begins with what the system holds. So a crash between a write and its record, a retry and a second engine all
//! end in the same state.

mod drift;
mod emergency;
mod engine;
mod groups;
mod health;
mod observe;
mod outcome;
mod protect;
mod reconcile;
mod spare;
mod steps;
mod times;
mod trial;

use std::sync::Arc;

use async_trait::async_trait;
use connector::{Connector, ConnectorError, ErrorKind, Secret};

pub use emergency::LockedOut;
pub use engine::Provisioned;
pub(crate) use engine::RETRY;
pub use health::SystemHealth;
pub use observe::{Difference, differences};
pub use outcome::backoff_us;
pub use reconcile::{Mode, Reconciled};
pub use steps::{Given, Step, Stop, steps};
pub(crate) use times::{READ, READ_ALL, read_again};
pub use trial::Tried;

use crate::system::System;

/// Where connectors come from. The binary builds them from settings; tests keep targets in memory.
#[async_trait]
pub trait Targets: Send + Sync {
    /// The connector of a system.
    ///
    /// # Errors
    /// Settings that cannot be used, or a secret that is not there.
    async fn target(&self, key: &str, system: &System) -> Result<Arc<dyn Connector>, ConnectorError>;

    /// A connector of a document that is not in force, to be tried: nothing of it is kept.
    ///
    /// # Errors
    /// As [`Targets::target`].
    async fn trial(&self, key: &str, system: &System) -> Result<Arc<dyn Connector>, ConnectorError> {
        self.target(key, system).await
    }

    /// A secret that belongs to a feed, and to no other: a document may name no file that was not put there for it.
    ///
    /// # Errors
    /// A name that is none, or a secret that the feed does not have.
    async fn feed_secret(&self, feed: &str, name: &str) -> Result<Secret, ConnectorError> {
        Err(ConnectorError::new(ErrorKind::Auth, format!("the feed {feed} has no secret `{name}`")))
    }

    /// The address of a database that a document names, where it may be opened.
    ///
    /// # Errors
    /// A file that no document may name.
    fn database(&self, url: &str) -> Result<String, ConnectorError> {
        Ok(url.to_owned())
    }
}
