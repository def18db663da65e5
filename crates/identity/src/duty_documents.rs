//! Documents of duties, packages and activation, each checked with everything that it leans on.

use kernel::Actor;
use kernel::id::PersonId;

use crate::activation::ActivationPolicy;
use crate::approver::ApprovalPolicy;
use crate::consent::ConsentPolicy;
use crate::document::{self, Document, DocumentKind, Draft};
use crate::error::{Error, Refusal};
use crate::inventory::{Inventory, Scope};
use crate::request::Package;
use crate::room::{Identity, Turn};
use crate::sod;

/// Kinds that are saved here.
pub const DUTY_KINDS: [DocumentKind; 7] = [
    DocumentKind::SodFunction,
    DocumentKind::SodRule,
    DocumentKind::Package,
    DocumentKind::ApprovalPolicy,
    DocumentKind::ActivationPolicy,
    DocumentKind::ConditionalAccess,
    DocumentKind::ConsentPolicy,
];

impl Identity {
    /// Saves a document of duties over the version that was seen (`None`: whatever there is).
    ///
    /// # Errors
    /// [`Error::Refused`] with the field that cannot be used, [`Error::Conflict`] when somebody saved it meanwhile.
    pub async fn save_duty(
        &self,
        draft: &Draft,
        seen: Option<i64>,
        reason: &str,
        actor: &Actor,
    ) -> Result<Document, Error> {
        let mut turn = self.turn(actor, reason).await?;
        let saved = save(&mut turn, draft, seen).await?;
        turn.finish().await?;
        Ok(saved)
    }
}

async fn save(turn: &mut Turn, draft: &Draft, seen: Option<i64>) -> Result<Document, Error> {
    match draft.kind {
        DocumentKind::SodFunction | DocumentKind::SodRule => sod::save(turn, draft, seen).await,
        DocumentKind::Package => {
            let saved = document::write(turn, draft, seen).await?;
            let (nobody, now) = (PersonId::derived([0; 16]), turn.now());
            let inventory = Inventory::load(&mut turn.tx, Scope::One(nobody), now).await?;
            if draft.body.is_some() {
                saved.read::<Package>()?.check(&saved.key, &inventory)?;
            }
            Ok(saved)
        }
        DocumentKind::ApprovalPolicy => checked::<ApprovalPolicy>(turn, draft, seen).await,
        DocumentKind::ActivationPolicy => checked::<ActivationPolicy>(turn, draft, seen).await,
        // Checked, and kept with its version, where it is written.
        DocumentKind::ConditionalAccess => document::write(turn, draft, seen).await,
        DocumentKind::ConsentPolicy => {
            let saved = document::write(turn, draft, seen).await?;
            saved.read::<ConsentPolicy>()?.check(&saved.key)?;
            Ok(saved)
        }
        other => Err(Refusal::bad("kind", format!("`{other}` is saved elsewhere")).into()),
    }
}

async fn checked<T: serde::de::DeserializeOwned>(
    turn: &mut Turn,
    draft: &Draft,
    seen: Option<i64>,
) -> Result<Document, Error> {
    let saved = document::write(turn, draft, seen).await?;
    saved.read::<T>()?;
    Ok(saved)
}
