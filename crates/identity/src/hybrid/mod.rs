//! The health of people who have an account on the premises and one in the cloud: both systems are read whole, compared by
//! `connector::hybrid`, and what was found is kept with what could be done. Nothing is done by itself.

mod look;
mod resolve;
pub(crate) mod sql;
mod times;

use connector::hybrid::{AttributePair, HybridReport, HybridRules, Scope};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Refusal;

pub(crate) use look::pages;
pub(crate) use times::{LOOK, begin};

/// The document `hybrid.KEY`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hybrid {
    pub title: String,
    /// The system on the premises.
    pub directory: String,
    /// The system in the cloud.
    pub cloud: String,
    /// The attribute of the directory that becomes the cloud's `onPremisesImmutableId`; absent there: objectGUID counts.
    #[serde(default = "consistency_guid")]
    pub anchor: String,
    /// What has to be the same on both sides, and whose word counts.
    #[serde(default)]
    pub attributes: Vec<AttributePair>,
    /// The units and groups that say what is synchronised, as they were when all was well.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// A change that the cloud has not taken over after so long is late. Entra Connect runs every 30 minutes.
    #[serde(default = "an_hour")]
    pub lag_minutes: i64,
    /// A scope that lost more than this share of its accounts is a fault.
    #[serde(default = "a_tenth")]
    pub scope_drop_percent: usize,
    /// Minutes between two looks.
    #[serde(default = "an_hour")]
    pub every_minutes: i64,
}

fn consistency_guid() -> String {
    "mS-DS-ConsistencyGuid".to_owned()
}
const fn an_hour() -> i64 {
    60
}
const fn a_tenth() -> usize {
    10
}

impl Hybrid {
    /// What the comparison needs.
    pub fn rules(&self) -> HybridRules {
        HybridRules {
            anchor: self.anchor.as_str().into(),
            attributes: self.attributes.clone(),
            scopes: self.scopes.clone(),
            lag_limit_ms: self.lag_minutes.saturating_mul(60_000),
            scope_drop_percent: self.scope_drop_percent,
        }
    }

    /// Whether it makes sense by itself.
    ///
    /// # Errors
    /// The field that does not.
    pub fn check(&self, key: &str) -> Result<(), Refusal> {
        let place = format!("hybrid {key}");
        if self.directory == self.cloud {
            return Err(Refusal::bad(place, "directory and cloud are the same system"));
        }
        if self.every_minutes < 5 || self.lag_minutes < 1 {
            return Err(Refusal::bad(place, "`every_minutes` is at least 5, `lag_minutes` at least 1"));
        }
        if self.scope_drop_percent > 100 {
            return Err(Refusal::bad(place, "`scope_drop_percent` is a share of 100"));
        }
        Ok(())
    }
}

/// The last look at a pair of systems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HybridHealth {
    pub hybrid: String,
    pub title: String,
    pub directory: String,
    pub cloud: String,
    /// `None`: nobody has looked yet.
    pub at: Option<Timestamp>,
    /// Why the last attempt to look failed; what is shown is from before.
    pub problem: Option<String>,
    pub report: Option<HybridReport>,
}
