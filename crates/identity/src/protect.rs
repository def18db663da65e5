//! Accounts that no rule touches, as documents name them. A name counts from the turn in which its document is saved, for
//! accounts that are known as for those that come; and it counts no longer when the document names it no more.

use std::collections::BTreeSet;

use serde_json::json;

use crate::account::{self, Account, Progress, Protection};
use crate::error::Error;
use crate::policy::Policy;
use crate::room::Turn;

/// Puts what the policy in force says of accounts of these systems in place of what `before` said. What the system itself
/// protects stays as it is.
pub(crate) async fn anew(turn: &mut Turn, before: &Policy, systems: &BTreeSet<String>) -> Result<(), Error> {
    let after = turn.known.policy.clone();
    for system in systems {
        for mut account in account::of_system(&mut turn.tx, system).await? {
            let was = account.protection;
            let Some(protection) = changed(before, &after, &account) else { continue };
            account.protection = protection;
            if protection != Protection::None && account.progress.is_due() {
                account.progress = Progress::Settled;
                account.retry = None;
            }
            account::save(&mut turn.tx, &mut account).await?;
            let shown = |protection: Protection| json!({ "login": account.login, "protection": protection });
            turn.record("account.protect", account.id, shown(was), shown(protection));
            if let Some(person) = account.person {
                turn.touch(person);
            }
        }
    }
    Ok(())
}

fn changed(before: &Policy, after: &Policy, account: &Account) -> Option<Protection> {
    let named = |policy: &Policy| policy.protection(&account.system, &account.login);
    match (named(before), named(after)) {
        (_, wanted) if wanted != Protection::None => (wanted != account.protection).then_some(wanted),
        // Named before, and no more: unless it is the system that protects it, which its next reading tells.
        (was, _) if was != Protection::None && was == account.protection => Some(Protection::None),
        _ => None,
    }
}
