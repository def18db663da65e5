//! Carrying out what somebody chose of the proposals of the last look, after a look whether it is still so.

use connector::hybrid::{Proposal, Side};
use connector::{Attributes, Change, Effect, ObjectClass, ObjectId, ObjectKey, Operation};
use kernel::Actor;
use serde_json::{Value as Json, json};

use super::look::all;
use crate::error::{Error, Refusal, said};
use crate::provision::Targets;
use crate::room::Identity;

impl Identity {
    /// Carries out a proposal that the present comparison still makes. Only values and links are written; everything else is
    /// the work of whoever runs the synchronisation.
    ///
    /// # Errors
    /// [`Error::Refused`] when the two sides make that proposal no longer, when it needs more than one person, or when the
    /// system says no.
    pub async fn resolve_hybrid(
        &self,
        key: &str,
        proposal: &Proposal,
        why: &str,
        targets: &dyn Targets,
        actor: &Actor,
    ) -> Result<Effect, Error> {
        let why = said("reason", why, 2_000)?;
        let report = self.look_at_hybrid(key, targets).await?;
        let still = report.findings.iter().any(|finding| finding.proposals.contains(proposal));
        if !still {
            return Err(Refusal::rule("the two sides have moved on: that is proposed no longer").into());
        }
        let hybrid = all(&mut self.store.clone()).await?.remove(key).ok_or_else(|| Error::missing("hybrid", key))?;
        let (system, object, attributes) = writes(proposal)?;
        let system = if system == Side::Directory { &hybrid.directory } else { &hybrid.cloud };
        let known = self.known().await?;
        let described = known.policy.systems.get(system).ok_or_else(|| Error::missing("system", system))?;
        let refused = |error: connector::ConnectorError| Error::from(Refusal::rule(format!("{system}: {error}")));
        // Written down before it is done: a change at a system without its reason here would be worse than the reverse.
        let mut turn = self.turn(actor, &why).await?;
        turn.record("hybrid.resolve", format!("hybrid:{key}"), Json::Null, json!({ "proposal": proposal }));
        turn.finish().await?;
        let target = targets.target(system, described).await.map_err(refused)?;
        let on = ObjectKey::id(ObjectClass::Account, object.0);
        let change = Change::Assign { attributes, if_version: None };
        let outcome = target.write(&Operation::new(format!("hybrid-{key}"), on, change)).await.map_err(refused)?;
        self.look_at_hybrid(key, targets).await?;
        Ok(outcome.effect)
    }
}

/// What a proposal writes, and where.
fn writes(proposal: &Proposal) -> Result<(Side, ObjectId, Attributes), Refusal> {
    match proposal {
        Proposal::Assign { side, object, attribute, values } => {
            let attributes = [(attribute.clone(), values.clone())].into_iter().collect();
            Ok((*side, object.clone(), attributes))
        }
        Proposal::Link { needs_approval: true, .. } => {
            Err(Refusal::rule("one of the two is privileged: whoever links them would give its powers to the other"))
        }
        Proposal::Link { .. }
        | Proposal::Rename { .. }
        | Proposal::Pause { .. }
        | Proposal::RepairScope { .. }
        | Proposal::TreatAsOrphan { .. }
        | Proposal::Synchronise { .. } => {
            Err(Refusal::rule("it is done at the synchronisation itself, or as an account of this desk"))
        }
    }
}
