//! What somebody may borrow now, and under which conditions.

use kernel::id::PersonId;

use super::policy::{self, ActivationPolicy};
use crate::assignment::{self, Assignment, Mode, Target};
use crate::document;
use crate::error::Error;
use crate::role::Role;
use crate::room::Identity;

/// Access that its holder may activate.
#[derive(Debug, Clone, PartialEq)]
pub struct Eligible {
    pub assignment: Assignment,
    /// What people call the role or the entitlement.
    pub title: String,
    /// What an activation of it needs.
    pub policy: ActivationPolicy,
}

impl Identity {
    /// What a person is eligible for now, in the order in which it was given.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails, [`Error::Refused`] when a stored document cannot be read.
    pub async fn eligible_of(&self, person: PersonId) -> Result<Vec<Eligible>, Error> {
        let mut read = self.store.clone();
        let now = self.now();
        let documents = document::all(&mut read).await?;
        let known = self.known().await?;
        let held = assignment::of_person(&mut read, person).await?;
        let eligible = held.into_iter().filter(|one| one.mode == Mode::Eligible && one.holds_at(now));
        eligible
            .map(|assignment| {
                let title = match &assignment.target {
                    Target::Role(key) => {
                        let is_it = |one: &&document::Document| {
                            one.kind == document::DocumentKind::Role && one.key == *key && one.retired.is_none()
                        };
                        let role = documents.iter().find(is_it).map(document::Document::read::<Role>).transpose()?;
                        role.map_or_else(|| key.clone(), |role| role.title)
                    }
                    Target::Entitlement(id) => {
                        known.catalog.entitlement(*id).map_or_else(|| id.to_string(), |one| one.grant().to_string())
                    }
                };
                let policy = policy::of(&documents, &assignment.target)?;
                Ok(Eligible { assignment, title, policy })
            })
            .collect()
    }
}
