//! Who a user of the console is: a person of the register, and whose people they answer for.

use kernel::Actor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Entry, Read, Row, params};

use super::commands::not_in_register;
use super::{nouns, records, value};
use crate::error::{Error, Refusal};
use crate::room::Field;
use crate::sql;

/// What the room knows of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affiliation {
    /// The text of a user id.
    pub user: String,
    /// Whose people a partner sees; staff of the room see all.
    pub organisation: Option<String>,
    /// Who they are in the register: how a silent alarm reaches them.
    pub person: Option<String>,
}

impl Field {
    /// Says who a user is. Without organisation and person: nobody.
    ///
    /// # Errors
    /// [`Error::Refused`] when the register knows no such organisation or person.
    pub async fn affiliate(&self, wanted: &Affiliation, actor: &Actor, reason: &str) -> Result<Affiliation, Error> {
        let mut tx = self.store.begin().await?;
        let key = |text: &Option<String>, field: &str| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
            text.map(value::key).transpose().map_err(|problem| Refusal::bad(field, problem))
        };
        let organisation = key(&wanted.organisation, "organisation")?;
        let person = key(&wanted.person, "person")?;
        for (noun, named) in [(&nouns::ORGANISATION, &organisation), (&nouns::PERSON, &person)] {
            let Some(named) = named else { continue };
            let found = records::find(&mut tx, noun, named).await?;
            if found.is_none_or(|record| record.retired.is_some()) {
                return Err(Refusal::bad(noun.name, not_in_register(noun.name, named)).into());
            }
        }
        let after = Affiliation { user: wanted.user.clone(), organisation, person };
        let row = params![&after.user, after.organisation.clone(), after.person.clone()];
        tx.execute(&sql::SAVE_AFFILIATION, row).await?;
        records::touch(&mut tx).await?;
        tx.commit(Entry::new(actor, "affiliation.save", &after.user).reason(reason).after(json!(after))).await?;
        Ok(after)
    }

    /// Everybody of whom something is known.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn affiliations(&self) -> Result<Vec<Affiliation>, Error> {
        all_in(&mut self.store.clone()).await
    }
}

pub(crate) async fn all_in(read: &mut impl Read) -> Result<Vec<Affiliation>, Error> {
    let known = |row: &Row| {
        Ok(Affiliation {
            user: row.text("user_id")?.to_owned(),
            organisation: row.text_opt("organisation")?.map(str::to_owned),
            person: row.text_opt("person")?.map(str::to_owned),
        })
    };
    read.rows(&sql::AFFILIATIONS, params![]).await?.iter().map(known).collect()
}
