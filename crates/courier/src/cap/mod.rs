//! The Common Alerting Protocol 1.2 (OASIS, CAP-v1.2-os): alerts in and out.

mod read;
mod words;
mod write;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

pub use read::{read, read_feed};
pub use words::{CATEGORIES, CERTAINTIES, MESSAGE_TYPES, RESPONSES, SCOPES, SEVERITIES, STATUSES, URGENCIES};
pub use write::write;

/// An alert: section 3.2.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Unique for the sender; no blanks, `,`, `<` or `&`.
    pub identifier: String,
    /// Unique in the world, such as a host name; characters as above.
    pub sender: String,
    pub sent: Timestamp,
    /// One of [`STATUSES`]; an exercise is `Exercise`.
    pub status: String,
    /// One of [`MESSAGE_TYPES`].
    pub msg_type: String,
    /// One of [`SCOPES`].
    pub scope: String,
    #[serde(default)]
    pub source: Option<String>,
    /// The rule for limiting distribution; needed by scope `Restricted`.
    #[serde(default)]
    pub restriction: Option<String>,
    /// Recipients; needed by scope `Private`.
    #[serde(default)]
    pub addresses: Option<String>,
    #[serde(default)]
    pub codes: Vec<String>,
    #[serde(default)]
    pub note: Option<String>,
    /// Earlier alerts, as `sender,identifier,sent`, apart by blanks.
    #[serde(default)]
    pub references: Option<String>,
    #[serde(default)]
    pub incidents: Option<String>,
    #[serde(default)]
    pub infos: Vec<Info>,
}

/// What is said, in one language: section 3.2.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// RFC 3066; `en-US` when it is not said.
    #[serde(default)]
    pub language: Option<String>,
    /// Of [`CATEGORIES`], at least one.
    pub categories: Vec<String>,
    pub event: String,
    /// Of [`RESPONSES`].
    #[serde(default)]
    pub responses: Vec<String>,
    /// One of [`URGENCIES`].
    pub urgency: String,
    /// One of [`SEVERITIES`].
    pub severity: String,
    /// One of [`CERTAINTIES`].
    pub certainty: String,
    #[serde(default)]
    pub effective: Option<Timestamp>,
    #[serde(default)]
    pub onset: Option<Timestamp>,
    #[serde(default)]
    pub expires: Option<Timestamp>,
    #[serde(default)]
    pub sender_name: Option<String>,
    #[serde(default)]
    pub headline: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub instruction: Option<String>,
    #[serde(default)]
    pub web: Option<String>,
    #[serde(default)]
    pub contact: Option<String>,
    #[serde(default)]
    pub areas: Vec<Area>,
}

/// Where: section 3.2.4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Area {
    pub description: String,
    /// Rings of latitude and longitude, the last point the first.
    #[serde(default)]
    pub polygons: Vec<Vec<(f64, f64)>>,
    /// Latitude, longitude and radius in kilometres.
    #[serde(default)]
    pub circles: Vec<(f64, f64, f64)>,
}

#[cfg(test)]
mod tests;
