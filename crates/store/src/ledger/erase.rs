//! Erasing what an entry says about persons, without breaking the chain.

use kernel::Actor;

use super::entry::{Committed, Entry};
use crate::error::Error;
use crate::store::Store;
use crate::{params, sql};

/// The verb of an entry that records an erasure. Its entity is [`entity`].
pub(crate) const ERASE: &str = "ledger.erase";

/// How an entry of the ledger is named as an entity.
pub(crate) fn entity(seq: i64) -> String {
    format!("ledger:{seq}")
}

impl Store {
    /// Erases payload and salt of entry `seq` for good. The chain stays valid, because it holds only a commitment that
    /// tells nothing without the salt; an entry records who erased and why.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such entry or it was erased before.
    pub async fn erase_ledger_payload(&self, seq: i64, actor: &Actor, reason: &str) -> Result<Committed, Error> {
        let mut tx = self.begin().await?;
        if tx.execute_own(&sql::ERASE_PAYLOAD, params![seq]).await? == 0 {
            return Err(Error::NotFound(format!("ledger entry {seq} does not exist or was erased before")));
        }
        tx.commit(Entry::new(actor, ERASE, entity(seq)).reason(reason)).await
    }
}
