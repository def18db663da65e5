//! Reference tables: texts that stand for the addresses that published queries read by `externaldata`.

use kernel::Actor;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Entry, Row, params};

use crate::error::{Error, What};
use crate::{Basis, Library, Put, Record, name, sql};

/// Bytes of one text.
const LARGEST: usize = 32 << 20;
/// Addresses of one text.
const MOST_ADDRESSES: usize = 50;

/// A text to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReference {
    pub name: String,
    pub description: String,
    /// What `externaldata` may call it, exactly as queries write it.
    pub addresses: Vec<String>,
    /// CSV, JSON or lines, as the queries expect it.
    pub content: String,
}

/// A text as it is kept, without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    pub name: String,
    pub addresses: Vec<String>,
    pub bytes: i64,
    /// Of the text, in hexadecimal.
    pub sha256: String,
    #[serde(flatten)]
    pub record: Record,
}

impl Reference {
    fn read(row: &Row) -> Result<Reference, store::Error> {
        Ok(Reference {
            name: row.text("name")?.to_owned(),
            addresses: row.json("addresses")?,
            bytes: row.int("bytes")?,
            sha256: row.text("sha256")?.to_owned(),
            record: Record::read(row)?,
        })
    }
}

impl Library {
    /// All texts, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn references(&self) -> Result<Vec<Reference>, Error> {
        let rows = self.store.fetch_all(&sql::REFERENCES, params![]).await?;
        Ok(rows.iter().map(Reference::read).collect::<Result<_, _>>()?)
    }

    /// One record and its text.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn reference_text(&self, name: &str) -> Result<(Reference, String), Error> {
        let row = self.store.fetch_optional(&sql::REFERENCE, params![name]).await?;
        let row = row.ok_or_else(|| Error::not_found(What::Reference, name))?;
        let content = row.text("content")?.to_owned();
        Ok((Reference::read(&row)?, content))
    }

    /// Keeps a text.
    ///
    /// # Errors
    /// [`Error::Refused`] says what of it does not do; [`Error::Conflict`] when `basis` is not what is there.
    pub async fn put_reference(
        &self,
        actor: &Actor,
        new: &NewReference,
        basis: Basis,
    ) -> Result<Put<Reference>, Error> {
        check(new)?;
        let mut tx = self.store.begin().await?;
        tx.execute(&sql::NEXT_REVISION, params![]).await?;
        let rows = tx.fetch_all(&sql::REFERENCES, params![]).await?;
        let all: Vec<Reference> = rows.iter().map(Reference::read).collect::<Result<_, _>>()?;
        for other in all.iter().filter(|other| other.name != new.name) {
            if let Some(address) = other.addresses.iter().find(|address| new.addresses.contains(address)) {
                return Err(Error::Refused(format!("`{}` stands for `{address}` already", other.name)));
            }
        }
        let before = all.into_iter().find(|one| one.name == new.name);
        let version = before.as_ref().map(|before| before.record.version);
        if !basis.allows(version) {
            return Err(Error::conflict(json!({ "name": new.name }), json!(before), version.unwrap_or(0)));
        }
        let (sha256, description) = (hex::encode(Sha256::digest(&new.content)), new.description.trim());
        if let Some(before) = &before
            && (&before.addresses, &before.sha256, before.record.description.as_str())
                == (&new.addresses, &sha256, description)
        {
            return Ok(Put::Unchanged(before.clone()));
        }
        let (addresses, bytes) =
            (json!(new.addresses).to_string(), i64::try_from(new.content.len()).unwrap_or(i64::MAX));
        let row = params![&new.name, description, addresses, &new.content, bytes, sha256, actor.to_string(), tx.now()];
        tx.execute(&sql::PUT_REFERENCE, row).await?;
        let after = tx.fetch_optional(&sql::REFERENCE, params![&new.name]).await?;
        let after = Reference::read(&after.ok_or_else(|| Error::not_found(What::Reference, &new.name))?)?;
        let verb = if before.is_some() { "reference.change" } else { "reference.make" };
        let entry = Entry::new(actor, verb, entity(&new.name)).after(json!(after));
        let entry = match &before {
            Some(before) => entry.before(json!(before)),
            None => entry,
        };
        tx.commit(entry).await?;
        Ok(if before.is_some() { Put::Changed(after) } else { Put::Made(after) })
    }

    /// Drops a text.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`], [`Error::Store`].
    pub async fn delete_reference(&self, actor: &Actor, name: &str, basis: Basis) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        tx.execute(&sql::NEXT_REVISION, params![]).await?;
        let row = tx.fetch_optional(&sql::REFERENCE, params![name]).await?;
        let before = Reference::read(&row.ok_or_else(|| Error::not_found(What::Reference, name))?)?;
        if !basis.allows(Some(before.record.version)) {
            return Err(Error::conflict(json!(null), json!(before), before.record.version));
        }
        tx.execute_one(&sql::DELETE_REFERENCE, params![name]).await?;
        tx.commit(Entry::new(actor, "reference.delete", entity(name)).before(json!(before))).await?;
        Ok(())
    }

    /// The text that stands for an address.
    pub(crate) async fn text_for(&self, address: &str) -> Result<Option<String>, Error> {
        let all = self.references().await?;
        let Some(found) = all.iter().find(|one| one.addresses.iter().any(|known| known == address)) else {
            return Ok(None);
        };
        Ok(Some(self.reference_text(&found.name).await?.1))
    }
}

fn check(new: &NewReference) -> Result<(), Error> {
    name::check(What::Reference, &new.name)?;
    if new.addresses.is_empty() || new.addresses.len() > MOST_ADDRESSES {
        let message = format!("name one to {MOST_ADDRESSES} addresses for which `{}` stands", new.name);
        return Err(Error::Refused(message));
    }
    let odd = |address: &&String| address.trim().is_empty() || address.trim() != address.as_str();
    if let Some(address) = new.addresses.iter().find(odd) {
        return Err(Error::Refused(format!("`{address}` is no address; write it as the queries do")));
    }
    if new.content.len() > LARGEST {
        return Err(Error::Refused(format!(
            "the text has {} bytes; the limit is {LARGEST}: ingest it as a table",
            new.content.len()
        )));
    }
    Ok(())
}

fn entity(name: &str) -> String {
    format!("reference:{name}")
}
