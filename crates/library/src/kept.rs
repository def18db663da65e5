//! What queries see: read again when the revision has moved on.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::Value;
use kernel::library::{Kept, QueryLibrary};
use store::params;

use crate::error::Error;
use crate::{Library, sql};

impl Library {
    /// Everything that is kept, without the rows.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn current(&self) -> Result<Arc<Kept>, Error> {
        let row = self.store.fetch_optional(&sql::REVISION, params![]).await?;
        let revision = row.as_ref().map(|row| row.int("revision")).transpose()?.unwrap_or(0);
        if let Some(read) = self.read.lock().as_ref().filter(|read| read.revision == revision) {
            return Ok(Arc::clone(read));
        }
        let kept = Arc::new(Kept {
            revision,
            functions: self.functions().await?.iter().map(crate::Function::stored).collect(),
            watchlists: self.watchlists().await?.iter().map(crate::Watchlist::schema).collect(),
            addresses: self.references().await?.into_iter().flat_map(|one| one.addresses).collect(),
            any_address: false,
        });
        *self.read.lock() = Some(Arc::clone(&kept));
        Ok(kept)
    }
}

#[async_trait]
impl QueryLibrary for Library {
    async fn kept(&self) -> Result<Arc<Kept>, String> {
        self.current().await.map_err(|error| error.to_string())
    }

    async fn watchlist(&self, name: &str) -> Result<Option<Vec<Vec<Value>>>, String> {
        self.watchlist_rows(name).await.map_err(|error| error.to_string())
    }

    async fn reference(&self, address: &str) -> Result<Option<String>, String> {
        self.text_for(address).await.map_err(|error| error.to_string())
    }
}
