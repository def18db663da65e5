//! What each client provisions, as one set: whoever reads it as a source of people needs all of it, and between two pushes.

use kernel::Timestamp;
use store::params;

use crate::error::Error;
use crate::room::{Scim, Stored};
use crate::sql;

/// Resources read at once.
const PIECE: usize = 1_000;

/// A client with what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientState {
    pub client: String,
    /// When something that it provisions was last made, changed or deleted, by whomever.
    pub changed: Timestamp,
    /// How often, ever.
    pub changes: i64,
    pub users: i64,
}

/// The users of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Provisioned {
    pub changed: Timestamp,
    /// By id, without their groups.
    pub users: Vec<Stored>,
}

impl Scim {
    /// Clients that provisioned something, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn clients(&self) -> Result<Vec<ClientState>, Error> {
        let rows = self.store.fetch_all(&sql::CLIENTS, params![]).await?;
        let state = |row: &store::Row| {
            Ok(ClientState {
                client: row.text("client")?.to_owned(),
                changed: row.time("changed_us")?,
                changes: row.int("changes")?,
                users: row.int("users")?,
            })
        };
        rows.iter().map(state).collect()
    }

    /// When what a client provisions last changed; `None`: it never provisioned anything.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn changed(&self, client: &str) -> Result<Option<Timestamp>, Error> {
        Ok(self.mark(client).await?.map(|(changed, _)| changed))
    }

    /// All users of a client as they were at one instant. `None`: it never provisioned anything, or something changed while
    /// they were read; ask again when it is quiet.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn provisioned(&self, client: &str) -> Result<Option<Provisioned>, Error> {
        let Some(before) = self.mark(client).await? else { return Ok(None) };
        let (mut users, mut after): (Vec<Stored>, String) = (Vec::new(), String::new());
        loop {
            let rows = self.store.fetch_all(&sql::USERS_OF_CLIENT, params![client, after.as_str(), PIECE]).await?;
            for row in &rows {
                users.push(Stored::from_row(row)?);
            }
            match users.last() {
                Some(last) if rows.len() == PIECE => after.clone_from(&last.id),
                _ => break,
            }
        }
        // Each change counts in its own transaction: the same count before and after is the same set all along.
        let whole = self.mark(client).await? == Some(before);
        Ok(whole.then_some(Provisioned { changed: before.0, users }))
    }

    async fn mark(&self, client: &str) -> Result<Option<(Timestamp, i64)>, Error> {
        let row = self.store.fetch_optional(&sql::CLIENT, params![client]).await?;
        row.map(|row| Ok((row.time("changed_us")?, row.int("changes")?))).transpose()
    }
}
