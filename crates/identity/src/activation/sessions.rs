//! Sessions at the end of borrowed access: what was issued before may still carry the power that was lent. Each system that
//! gave it is ordered to end them, is asked whether it did, and what it says is kept with the activation.
//!
//! A directory of Kerberos cannot call tickets back: the activation says so, and for how long they hold.

use std::collections::BTreeSet;

use connector::{ObjectClass, ObjectKey, Revocation};
use kernel::id::{AccountId, ActivationId};
use kernel::{Actor, Fact, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::record::{self, Activation, ActivationState};
use crate::account::{self, Account, Status};
use crate::error::Error;
use crate::inventory::{Inventory, Scope};
use crate::provision::Targets;
use crate::room::Identity;

/// What became of the sessions of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    pub account: AccountId,
    pub system: String,
    pub login: String,
    /// When the system answered last.
    pub at: Timestamp,
    #[serde(flatten)]
    pub result: SessionResult,
}

/// What a system said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sessions", rename_all = "kebab-case")]
pub enum SessionResult {
    /// The system was asked again and shows that nothing from before holds.
    Verified { evidence: String },
    /// The system took the order and cannot show that it is done.
    Unverified { reason: String },
    /// The system cannot end sessions; what was issued holds on for so long at most, where that is known.
    Impossible { reason: String, residual_s: Option<u64> },
    /// The system did not answer or said no: it is asked again.
    Away { problem: String },
}

impl SessionResult {
    const fn is_final(&self) -> bool {
        !matches!(self, SessionResult::Away { .. })
    }
}

impl Identity {
    /// Ends sessions of an activation that is over, at every system that gave it and was not asked yet, or did not answer.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails. What a system says is kept, not returned.
    pub async fn end_sessions(&self, id: ActivationId, targets: &dyn Targets) -> Result<Vec<SessionEnd>, Error> {
        let activation = record::find(&mut self.store.clone(), id).await?;
        let is_over =
            matches!(activation.state, ActivationState::Ending | ActivationState::NotRevoked | ActivationState::Ended);
        if !is_over || activation.began.is_none() {
            return Ok(activation.sessions);
        }
        let due = self.accounts_due(&activation).await?;
        if due.is_empty() {
            return Ok(activation.sessions);
        }
        let known = self.known().await?;
        let mut said = Vec::new();
        for one in due {
            let result = match known.policy.systems.get(&one.system) {
                Some(system) => revoke(&one, targets.target(&one.system, system).await).await,
                None => SessionResult::Impossible {
                    reason: "the system is described no longer".to_owned(),
                    residual_s: None,
                },
            };
            said.push(SessionEnd { account: one.id, system: one.system, login: one.login, at: self.now(), result });
        }
        let mut turn = self.turn(&Actor::system("identity"), "sessions at the end of borrowed access").await?;
        let mut after = record::find(&mut turn.tx, id).await?;
        let before = after.sessions.clone();
        after.sessions.retain(|one| !said.iter().any(|new| new.account == one.account));
        after.sessions.extend(said);
        record::save(&mut turn, &mut after).await?;
        let (version, at) = (after.version, turn.now());
        turn.tx.emit(Fact::ActivationChanged { activation: id, version, at });
        turn.record("activation.sessions", id, json!(before), json!(after.sessions));
        turn.finish().await?;
        Ok(after.sessions)
    }

    /// Accounts that held what was lent, without those whose system has answered for good.
    async fn accounts_due(&self, activation: &Activation) -> Result<Vec<Account>, Error> {
        let mut read = self.store.clone();
        let inventory = Inventory::load(&mut read, Scope::One(activation.person), self.now()).await?;
        let systems: BTreeSet<String> =
            inventory.given_by(&activation.target()?).into_iter().map(|one| one.system.clone()).collect();
        let accounts = account::of_person(&mut read, activation.person).await?;
        let answered = |id: AccountId| activation.sessions.iter().any(|one| one.account == id && one.result.is_final());
        let due = accounts.into_iter().filter(|one| {
            systems.contains(&one.system)
                && one.status != Status::Absent
                && one.native_id.is_some()
                && !answered(one.id)
        });
        Ok(due.collect())
    }
}

async fn revoke(
    account: &Account,
    target: Result<std::sync::Arc<dyn connector::Connector>, connector::ConnectorError>,
) -> SessionResult {
    let away = |error: connector::ConnectorError| SessionResult::Away { problem: error.to_string() };
    let target = match target {
        Ok(target) => target,
        Err(error) => return away(error),
    };
    let native = account.native_id.clone().unwrap_or_default();
    // Also where nothing can be ended: the system then says for how long what was issued holds.
    match target.revoke_sessions(&ObjectKey::id(ObjectClass::Account, native)).await {
        Ok(Revocation::Verified { evidence }) => SessionResult::Verified { evidence },
        Ok(Revocation::Unverified { reason }) => SessionResult::Unverified { reason },
        Ok(Revocation::Impossible { reason, residual_s }) => SessionResult::Impossible { reason, residual_s },
        Err(error) => away(error),
    }
}
