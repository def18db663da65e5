//! `vigie ledger`: proof that nothing was changed afterwards.

use std::process::ExitCode;

use anyhow::Result;

use crate::platform::Ground;
use crate::terminal;

/// Verifies the whole chain. Exit code 1 when an entry is bad.
pub async fn verify(ground: &Ground) -> Result<ExitCode> {
    let store = ground.store().await?;
    let verified = store.verify_ledger().await?;
    store.close().await;
    match &verified.fault {
        None => {
            terminal::print(&format!(
                "the ledger is whole: {} entries, head {}\n",
                terminal::thousands(verified.entries.unsigned_abs()),
                verified.head
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(fault) => {
            terminal::print(&format!("the ledger is NOT whole. Entry {}: {}\n", fault.seq, fault.problem))?;
            Ok(ExitCode::FAILURE)
        }
    }
}
