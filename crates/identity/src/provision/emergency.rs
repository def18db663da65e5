//! One person out, everywhere, at once; who could not be reached is named and tried again.

use std::sync::Arc;
use std::time::Duration;

use connector::emergency::{EmergencyAccount, EmergencyOutcome, EmergencyResult, LONGEST, disable_everywhere};
use connector::{Connector, ObjectClass, ObjectKey};
use kernel::id::PersonId;
use kernel::{Actor, Fact};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Targets;
use crate::account::{self, Account, WantedState};
use crate::approver;
use crate::assignment::{self, Mode};
use crate::error::{Error, Refusal, said};
use crate::person;
use crate::room::Identity;

/// How far a lock-out got.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LockedOut {
    /// Who was locked out: of records that were put together the one that stayed.
    pub person: PersonId,
    /// Accounts that their systems show as disabled.
    pub closed: u64,
    /// Systems that did not answer: the engine goes on trying.
    pub unreachable: Vec<String>,
    /// Systems that said no: somebody has to act by hand.
    pub refused: Vec<String>,
    /// Accounts that nothing connects: somebody has to act by hand.
    pub by_hand: Vec<String>,
    pub outcomes: Vec<EmergencyOutcome>,
}

impl Identity {
    /// Locks somebody out of every system: accounts are disabled and read again, sessions end, eligible access goes. It
    /// answers within a minute; what could not be reached stays wanted, and is tried until it is done. Calling it again is
    /// safe. Of records that were put together, whichever is named, the human being behind them is locked out.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown person, [`Error::Refused`] without a reason.
    pub async fn lock_out(
        &self,
        id: PersonId,
        restrict: bool,
        why: &str,
        actor: &Actor,
        targets: &dyn Targets,
    ) -> Result<LockedOut, Error> {
        let why = said("reason", why, 2_000)?;
        let (id, accounts) = self.begin_lock_out(id, restrict, &why, actor).await?;
        let known = self.known().await?;
        let mut reachable = Vec::new();
        let mut outcome = LockedOut {
            person: id,
            closed: 0,
            unreachable: Vec::new(),
            refused: Vec::new(),
            by_hand: Vec::new(),
            outcomes: Vec::new(),
        };
        for account in accounts.iter().filter(|account| account.may_be_changed()) {
            let system = known.policy.systems.get(&account.system).filter(|system| system.connector.is_some());
            let (Some(system), Some(native)) = (system, &account.native_id) else {
                if account.native_id.is_some() {
                    outcome.by_hand.push(format!("{} in {}", account.login, account.system));
                }
                continue;
            };
            match targets.target(&account.system, system).await {
                Ok(connector) => reachable.push(emergency(account, connector, native)),
                Err(error) => outcome.unreachable.push(format!("{}: {error}", account.system)),
            }
        }
        let time = Duration::from_secs(55).min(LONGEST);
        outcome.outcomes = disable_everywhere(&format!("lock-out/{id}"), &reachable, time).await;
        for one in &outcome.outcomes {
            match &one.result {
                EmergencyResult::Disabled { .. } | EmergencyResult::Absent => outcome.closed += 1,
                EmergencyResult::Refused { error } => outcome.refused.push(format!("{}: {error}", one.system)),
                EmergencyResult::SessionsOpen { .. }
                | EmergencyResult::NotEffective
                | EmergencyResult::Unreachable { .. } => outcome.unreachable.push(one.system.clone()),
            }
        }
        let mut turn = self.turn(actor, &why).await?;
        turn.record("person.lock-out.result", id, Json::Null, json!(outcome));
        turn.finish().await?;
        Ok(outcome)
    }

    async fn begin_lock_out(
        &self,
        id: PersonId,
        restrict: bool,
        why: &str,
        actor: &Actor,
    ) -> Result<(PersonId, Vec<Account>), Error> {
        let mut turn = self.turn(actor, why).await?;
        let mut person = person::survivor(&mut turn.tx, id).await?;
        let id = person.id;
        turn.cause = ("emergency".to_owned(), Some(id.to_string()));
        let first = person.blocked.is_none();
        person.blocked.get_or_insert(turn.now());
        person.restricted |= restrict;
        person::save(&mut turn.tx, &mut person).await?;
        for eligible in assignment::of_person(&mut turn.tx, id).await? {
            if eligible.mode == Mode::Eligible {
                turn.end_assignment(eligible.id, why).await?;
            }
        }
        turn.touch(id);
        turn.record("person.lock-out", id, Json::Null, json!({ "restricted": person.restricted }));
        if first {
            let at = turn.now();
            turn.tx.emit(Fact::PersonLeft { person: id, at, emergency: true });
        }
        let accounts = account::of_person(&mut turn.tx, id).await?;
        turn.finish().await?;
        let open = |account: &Account| account.wanted.as_ref().is_none_or(|wanted| wanted.state != WantedState::Absent);
        Ok((id, accounts.into_iter().filter(open).collect()))
    }

    /// Lets somebody in again who was locked out; access is computed anew.
    ///
    /// # Errors
    /// [`Error::Refused`] when they were not locked out.
    pub async fn let_in(&self, id: PersonId, why: &str, actor: &Actor) -> Result<(), Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut person = person::survivor(&mut turn.tx, id).await?;
        let id = person.id;
        if let Actor::User(user) = actor
            && let Some((by, blocked)) = approver::linked(&mut turn.tx, user).await?
            && (blocked || by == id)
        {
            return Err(
                Refusal::rule("nobody lets themselves in, nor does who is locked out: another officer does").into()
            );
        }
        if person.blocked.take().is_none() {
            return Err(Refusal::rule("the person is not locked out").into());
        }
        person::save(&mut turn.tx, &mut person).await?;
        turn.touch(id);
        turn.record("person.let-in", id, Json::Null, Json::Null);
        turn.finish().await?;
        Ok(())
    }
}

fn emergency(account: &Account, connector: Arc<dyn Connector>, native: &str) -> EmergencyAccount {
    EmergencyAccount {
        system: account.system.clone(),
        connector,
        account: ObjectKey::id(ObjectClass::Account, native),
        privileged: true,
    }
}
