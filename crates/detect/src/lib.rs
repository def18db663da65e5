//! Rules in force, what they find, and which findings belong together.
//!
//! **Owns** rules (Sigma as loaded, KQL on a schedule), which of them are switched on, alerts with their entities and
//! reasons, alert groups, the schedule.
//!
//! **Never does** evaluate Sigma (crate `sigma`) or KQL (a port), store events, or open incidents: it emits
//! [`kernel::fact::AlertRaised`].
//!
//! **Invariants**
//! - The hits of one batch are stored in one transaction under the batch's name; the same batch again changes nothing.
//! - An alert belongs to exactly one group, from its first moment.
//! - An alert keeps the digest of the rule as it was when it matched, the entities, and events with the reasons.
//! - What correlations remember survives a restart; the same events give the same alerts in any order of arrival within
//!   the lateness bound.
//! - A scheduled rule leaves no gap between its windows, also when the server was down.
//! - An exception has an owner, a reason and an end, and does not blind a rule unnoticed.
//!
//! **Tables** `Rules`, `RuleExceptions`, `Alerts`, `AlertGroups`. **Facts** out: `alert-raised`, `alert-withdrawn`; in:
//! `deadline-expired`.

mod alert;
mod as_list;
mod commands;
mod correlating;
pub mod coverage;
pub mod entities;
mod error;
mod exception;
mod fact_tables;
pub mod grouping;
mod in_force;
mod load;
mod queries;
pub mod risk;
mod rule;
mod schedule;
pub mod scheduled;
pub mod sql;

use std::sync::Arc;

use arc_swap::ArcSwap;
use store::Store;
use tokio::sync::{Mutex, Notify};

use correlating::Correlating;

pub use alert::{Alert, AlertEvent, AlertFilter, Hit, MatchReason};
pub use commands::{Covered, Recorded};
pub use correlating::{Correlated, CorrelationStatus, Sighting};
pub use error::Error;
pub use exception::{ExceptionState, NewException, RuleException, Samples, Trial, filter_text};
pub use fact_tables::FACT_TABLES;
pub use in_force::{Found, InForce, Rows};
pub use load::{Loaded, SigmaPack};
pub use queries::{EntityCount, RuleCount, SeverityCount, TechniqueCount, TimeCount};
pub use rule::{NewRule, Rule, RuleFilter, RuleKind, RuleState};
pub use schedule::{RuleRun, ScheduleRound};
pub use scheduled::ScheduledRule;

/// The room.
#[derive(Clone)]
pub struct Detect {
    store: Store,
    in_force: Arc<ArcSwap<InForce>>,
    /// `None` until rules are loaded.
    correlating: Arc<Mutex<Option<Correlating>>>,
    reload: Arc<Notify>,
    samples: Arc<dyn Samples>,
    kinds: Arc<std::sync::Mutex<coverage::Kinds>>,
}

impl Detect {
    /// Over the state database; no rule is in force until [`Detect::load_sigma`].
    pub fn new(store: Store) -> Detect {
        store.register_fact_tables(FACT_TABLES);
        Detect {
            store,
            in_force: Arc::new(ArcSwap::from_pointee(InForce::none())),
            correlating: Arc::default(),
            reload: Arc::default(),
            samples: Arc::new(exception::NoSamples),
            kinds: Arc::default(),
        }
    }

    /// Tries exceptions on these events.
    #[must_use]
    pub fn with_samples(self, samples: Arc<dyn Samples>) -> Detect {
        Detect { samples, ..self }
    }

    /// The Sigma engine in force now. Take it once for each batch.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }
}
