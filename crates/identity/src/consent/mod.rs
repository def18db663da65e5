//! What applications were given by consent: read at the tenant, scored, accepted by a person or taken away, and scored anew
//! when the application changes.

mod commands;
mod look;
mod record;
mod score;
pub mod sql;

use serde::{Deserialize, Serialize};

use crate::error::Refusal;

pub(crate) use look::{TENANT, begin};
pub use look::{Tenant, TenantPolicy};
pub use record::{Consent, ConsentKind, ConsentSheet, ConsentState};
pub use score::{Feature, Known, Score, class_of, score};

/// The document `consent-policy.house`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentPolicy {
    #[serde(default = "title")]
    pub title: String,
    /// The number of the person who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// A consent of so many points is a finding.
    #[serde(default = "sixty")]
    pub finding_at: i64,
    /// What people consented to by themselves is taken away from so many points on; absent: people decide.
    #[serde(default)]
    pub restrict_at: Option<i64>,
    /// Names of publishers, or ids of their tenants, that the house trusts.
    #[serde(default)]
    pub trusted_publishers: Vec<String>,
    /// Ids of applications that the house trusts.
    #[serde(default)]
    pub trusted_applications: Vec<String>,
}

fn title() -> String {
    "Consents".to_owned()
}
const fn sixty() -> i64 {
    60
}

impl Default for ConsentPolicy {
    fn default() -> ConsentPolicy {
        ConsentPolicy {
            title: title(),
            owner: None,
            finding_at: sixty(),
            restrict_at: None,
            trusted_publishers: Vec::new(),
            trusted_applications: Vec::new(),
        }
    }
}

impl ConsentPolicy {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// The field that does not.
    pub fn check(&self, key: &str) -> Result<(), Refusal> {
        if key != crate::policy::HOUSE {
            return Err(Refusal::bad("key", format!("there is one consent-policy, called `{}`", crate::policy::HOUSE)));
        }
        let points = |field: &str, value: i64| match value {
            1..=100 => Ok(()),
            other => Err(Refusal::bad(field, format!("{other} is no number of points: 1 to 100"))),
        };
        points("finding_at", self.finding_at)?;
        self.restrict_at.map_or(Ok(()), |value| points("restrict_at", value))
    }
}
