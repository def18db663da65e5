//! `vigie ledger`: proof that nothing was changed afterwards.

use std::process::ExitCode;

use anyhow::Result;
use field::Field;

use crate::platform::Ground;
use crate::terminal;

/// Verifies the whole chain, and the duty log by it. Exit code 1 when an entry is bad.
pub async fn verify(ground: &Ground) -> Result<ExitCode> {
    let store = ground.store().await?;
    let verified = store.verify_ledger().await?;
    let log = Field::new(store.clone()).verify_log().await?;
    store.close().await;
    match (&verified.fault, &log.fault) {
        (None, None) => {
            terminal::print(&format!(
                "the ledger is whole: {} entries, head {}\nthe duty log is as the ledger says: {} entries\n",
                terminal::thousands(verified.entries.unsigned_abs()),
                verified.head,
                terminal::thousands(log.entries)
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        (None, Some(fault)) => {
            terminal::print(&format!("the ledger is whole, the duty log is NOT: {}\n", fault.problem))?;
            Ok(ExitCode::FAILURE)
        }
        (Some(fault), _) => {
            terminal::print(&format!("the ledger is NOT whole. Entry {}: {}\n", fault.seq, fault.problem))?;
            Ok(ExitCode::FAILURE)
        }
    }
}
