//! What people decide on consents.

use connector::{Change, ObjectClass, ObjectKey, Operation};
use kernel::Actor;
use serde_json::{Value as Json, json};

use super::record::{self, Consent, ConsentState};
use crate::error::{Error, Refusal, said};
use crate::finding::FindingKind;
use crate::provision::Targets;
use crate::room::Identity;

const LONGEST: usize = 2_000;

impl Identity {
    /// Consents of a system, or of all, the most dangerous first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn consents(&self, system: Option<&str>) -> Result<Vec<Consent>, Error> {
        record::list(&mut self.store.clone(), system).await
    }

    /// Lets a consent be as it is; when the application changes it is scored and looked at anew.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is there no longer.
    pub async fn accept_consent(&self, id: &str, why: &str, actor: &Actor) -> Result<Consent, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut consent = record::must(&mut turn.tx, id).await?;
        if !matches!(consent.state, ConsentState::Active | ConsentState::Accepted) {
            return Err(Refusal::rule(format!("it is {}", consent.state)).into());
        }
        consent.state = ConsentState::Accepted;
        consent.sheet.decided_by = Some(actor.to_string());
        consent.sheet.decision = Some(why.clone());
        record::save(&mut turn.tx, &mut consent).await?;
        turn.settle_finding(FindingKind::RiskyConsent, id, &why).await?;
        turn.record("consent.accept", id, Json::Null, json!({ "score": consent.score }));
        turn.finish().await?;
        Ok(consent)
    }

    /// Takes a consent away at the tenant, and looks whether it is gone.
    ///
    /// # Errors
    /// [`Error::Refused`] when the tenant says no, or shows it still: it stays active then.
    pub async fn restrict_consent(
        &self,
        id: &str,
        why: &str,
        targets: &dyn Targets,
        actor: &Actor,
    ) -> Result<Consent, Error> {
        let why = said("reason", why, LONGEST)?;
        let consent = record::must(&mut self.store.clone(), id).await?;
        if !matches!(consent.state, ConsentState::Active | ConsentState::Accepted) {
            return Err(Refusal::rule(format!("it is {}", consent.state)).into());
        }
        // Written down before it is done: a change at a tenant without its reason here would be worse than the reverse.
        let mut turn = self.turn(actor, &why).await?;
        turn.record("consent.restrict", id, Json::Null, json!({ "grants": consent.sheet.grants }));
        turn.finish().await?;
        let known = self.known().await?;
        let system =
            known.policy.systems.get(&consent.system).ok_or_else(|| Error::missing("system", &consent.system))?;
        let refused =
            |error: connector::ConnectorError| Error::from(Refusal::rule(format!("{}: {error}", consent.system)));
        let target = targets.target(&consent.system, system).await.map_err(refused)?;
        for grant in &consent.sheet.grants {
            let key = ObjectKey::id(ObjectClass::ConsentGrant, grant.clone());
            let operation =
                Operation { privileged: true, ..Operation::new(format!("{id}/{grant}"), key, Change::Delete) };
            target.write(&operation).await.map_err(refused)?;
        }
        for grant in &consent.sheet.grants {
            let key = ObjectKey::id(ObjectClass::ConsentGrant, grant.clone());
            if target.read(&key).await.map_err(refused)?.is_some() {
                let problem = format!("{} took the order and still shows the grant {grant}", consent.system);
                return Err(Refusal::rule(problem).into());
            }
        }
        let mut turn = self.turn(actor, &why).await?;
        let mut after = record::must(&mut turn.tx, id).await?;
        after.state = ConsentState::Restricted;
        after.gone = Some(turn.now());
        after.sheet.decided_by = Some(actor.to_string());
        after.sheet.decision = Some(why.clone());
        record::save(&mut turn.tx, &mut after).await?;
        turn.settle_finding(FindingKind::RiskyConsent, id, &why).await?;
        turn.record("consent.restricted", id, Json::Null, json!({ "verified": true }));
        turn.finish().await?;
        Ok(after)
    }
}
