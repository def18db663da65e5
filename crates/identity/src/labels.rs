//! Names for the ids that records hold, and who signs in as whom.

use std::collections::BTreeSet;

use kernel::id::PersonId;
use store::{Read, params};

use crate::duty_sql;
use crate::error::Error;
use crate::person::{self, Person};
use crate::room::Identity;

/// Links of one answer.
pub(crate) const MOST_LOGINS: u32 = 100_000;

impl Identity {
    /// The people of these ids, without those that are not there, by id.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn people_named(&self, ids: &BTreeSet<PersonId>) -> Result<Vec<Person>, Error> {
        let mut read = self.store.clone();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(person::find(&mut read, *id).await?);
        }
        Ok(found)
    }

    /// Who signs in as whom: the user's id and the person, by user.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn logins(&self) -> Result<Vec<(String, PersonId)>, Error> {
        let rows = self.store.clone().rows(&duty_sql::LOGINS, params![MOST_LOGINS]).await?;
        rows.iter().map(|row| Ok((row.text("user_id")?.to_owned(), row.id("person_id")?))).collect()
    }
}
