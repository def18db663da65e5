//! How privileged access is borrowed: by role, entitlement, or in general.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::place::OnMission;
use crate::approver::Approver;
use crate::assignment::Target;
use crate::document::{Document, DocumentKind};
use crate::error::Refusal;

/// The document `activation-policy.KEY`: of the role of that key, or of everything without its own (`house`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActivationPolicy {
    pub title: String,
    pub max_hours: i64,
    /// Who has to agree; nobody: it begins at once.
    pub approver: Option<Approver>,
    /// Minutes in which they have to; an approval that comes later is void.
    pub window_minutes: i64,
    /// An incident or a mission that is open must be named.
    pub needs_ticket: bool,
    /// Whoever activates must have signed in with a second factor.
    pub needs_second_factor: bool,
    /// Minutes after the end until it is looked for at the target.
    pub verify_minutes: i64,
    /// Keys or names of areas and places: the access is for whoever is on a mission there, as long as the mission is there and
    /// they are aboard. The ticket is that mission then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
}

impl Default for ActivationPolicy {
    fn default() -> ActivationPolicy {
        ActivationPolicy {
            title: "Activation".to_owned(),
            max_hours: 8,
            approver: Some(Approver::Owner),
            window_minutes: 60,
            needs_ticket: true,
            needs_second_factor: true,
            verify_minutes: 5,
            places: Vec::new(),
        }
    }
}

/// The policy of a target: of the role, else of the house, else the strict default.
pub(super) fn of(documents: &[Document], target: &Target) -> Result<ActivationPolicy, Refusal> {
    let named = |key: &str| {
        let is_it = |one: &&Document| one.kind == DocumentKind::ActivationPolicy && one.key == key;
        documents.iter().filter(is_it).find(|one| one.retired.is_none())
    };
    let own = match target {
        Target::Role(key) => named(key),
        Target::Entitlement(_) => None,
    };
    own.or_else(|| named("house")).map_or_else(|| Ok(ActivationPolicy::default()), Document::read)
}

/// What is known of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketState {
    Open,
    /// A mission that has not departed.
    NotBegun,
    Closed,
    /// There is none of that id.
    Unknown,
}

/// Looks up incidents and missions, which other desks keep.
#[async_trait]
pub trait Tickets: Send + Sync {
    /// The state of `incident-…` or `mission-…`.
    async fn ticket(&self, reference: &str) -> Result<TicketState, String>;

    /// Where a mission is and who is on it; `None` for what is no mission.
    async fn mission(&self, _reference: &str) -> Result<Option<OnMission>, String> {
        Ok(None)
    }
}
