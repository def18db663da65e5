//! The emergency stop: one person out, everywhere, before a deadline; who could not be reached is named.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::connector::{Connector, Revocation};
use crate::error::{ConnectorError, ErrorKind};
use crate::operation::{Change, Effect, ObjectKey, Operation};

/// The longest that an emergency stop may take.
pub const LONGEST: Duration = Duration::from_secs(60);

/// One account of the person.
#[derive(Clone)]
pub struct EmergencyAccount {
    /// The system's name in Vigie.
    pub system: String,
    pub connector: Arc<dyn Connector>,
    pub account: ObjectKey,
    /// Whoever ordered the stop may stop privileged accounts.
    pub privileged: bool,
}

/// How far it got with one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum EmergencyResult {
    /// The account was read again and is disabled.
    Disabled { effect: Effect, sessions: Revocation },
    /// It is disabled; its sessions could not be dealt with. To be tried again.
    SessionsOpen { effect: Effect, error: ConnectorError },
    /// The target said that it had disabled the account and shows it as enabled. To be tried again and looked at.
    NotEffective,
    /// The target did not answer in time or is away. The account may be open. To be tried again.
    Unreachable { stage: Stage, reason: String },
    /// The target or a protection said no. Somebody has to act by hand.
    Refused { error: ConnectorError },
    /// There is no such account any more.
    Absent,
}

impl EmergencyResult {
    /// Whether the same call may do better later.
    pub fn to_be_retried(&self) -> bool {
        match self {
            EmergencyResult::Unreachable { .. }
            | EmergencyResult::SessionsOpen { .. }
            | EmergencyResult::NotEffective => true,
            EmergencyResult::Disabled { .. } | EmergencyResult::Refused { .. } | EmergencyResult::Absent => false,
        }
    }
}

/// What was under way when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Disabling,
    /// The order was taken; that it worked was not seen.
    Verifying,
    /// The account is disabled for certain.
    EndingSessions,
}

/// What came of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyOutcome {
    pub system: String,
    pub account: ObjectKey,
    #[serde(flatten)]
    pub result: EmergencyResult,
}

/// Disables all accounts at once and ends their sessions. Answers within `deadline` ([`LONGEST`] at most) whatever the
/// targets do, in the order of `accounts`; `operation` names the act at the targets. Calling it again is safe.
pub async fn disable_everywhere(
    operation: &str,
    accounts: &[EmergencyAccount],
    deadline: Duration,
) -> Vec<EmergencyOutcome> {
    let deadline = deadline.min(LONGEST);
    let mut running: FuturesUnordered<_> = accounts
        .iter()
        .enumerate()
        .map(|(at, account)| async move {
            let stage = Mutex::new(Stage::Disabling);
            let result = tokio::time::timeout(deadline, disable(operation, account, &stage)).await;
            let result = result.unwrap_or_else(|_| EmergencyResult::Unreachable {
                stage: *stage.lock(),
                reason: format!("no answer within {} s", deadline.as_secs()),
            });
            (at, EmergencyOutcome { system: account.system.clone(), account: account.account.clone(), result })
        })
        .collect();
    let mut outcomes = Vec::with_capacity(accounts.len());
    while let Some(outcome) = running.next().await {
        outcomes.push(outcome);
    }
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn disable(operation: &str, account: &EmergencyAccount, stage: &Mutex<Stage>) -> EmergencyResult {
    let EmergencyAccount { connector, account: key, privileged, .. } = account;
    let order = Operation {
        privileged: *privileged,
        ..Operation::new(operation, key.clone(), Change::SetEnabled { enabled: false })
    };
    let effect = match connector.write(&order).await {
        Ok(outcome) => outcome.effect,
        Err(error) => return failure(error, Stage::Disabling),
    };
    *stage.lock() = Stage::Verifying;
    match connector.read(key).await {
        Ok(Some(object)) if object.enabled == Some(false) => {}
        Ok(Some(_)) => return EmergencyResult::NotEffective,
        Ok(None) => return EmergencyResult::Absent,
        Err(error) => return failure(error, Stage::Verifying),
    }
    *stage.lock() = Stage::EndingSessions;
    match connector.revoke_sessions(key).await {
        Ok(sessions) => EmergencyResult::Disabled { effect, sessions },
        Err(error) => EmergencyResult::SessionsOpen { effect, error },
    }
}

fn failure(error: ConnectorError, stage: Stage) -> EmergencyResult {
    match error.kind {
        ErrorKind::NotFound => EmergencyResult::Absent,
        ErrorKind::Transient | ErrorKind::Auth | ErrorKind::Garbled => {
            EmergencyResult::Unreachable { stage, reason: error.to_string() }
        }
        ErrorKind::Conflict
        | ErrorKind::Protected
        | ErrorKind::Unsupported
        | ErrorKind::Refused
        | ErrorKind::Invalid => EmergencyResult::Refused { error },
    }
}
