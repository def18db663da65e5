//! Checks the whole chain, entry by entry, and names the first that is wrong.

use kernel::Timestamp;

use super::chain::{Hash, Link, commitment};
use super::erase;
use crate::error::Error;
use crate::row::Row;
use crate::store::Store;
use crate::{params, sql};

/// Entries read at a time.
const PAGE: i64 = 1_000;

/// What a check of the ledger found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Entries found valid, from the first on.
    pub entries: i64,
    /// Of these, entries whose payload was erased by an act that the ledger records.
    pub erased: i64,
    /// Hash of the last valid entry. Written down elsewhere, it proves later that nothing before it was changed.
    pub head: Hash,
    /// When the check began, in house time.
    pub checked: Timestamp,
    /// The first entry that is wrong; the check ends there.
    pub fault: Option<Fault>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub seq: i64,
    pub problem: String,
}

impl Store {
    /// Checks the ledger up to its head as it is now. Memory does not grow with the length of the ledger.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails. A wrong entry is not an error but a [`Fault`].
    pub async fn verify_ledger(&self) -> Result<Verification, Error> {
        let checked = self.now();
        let head = self.fetch_optional(&sql::HEAD, params![]).await?;
        let head = head.ok_or_else(|| Error::NotFound("the ledger has no head: the database is damaged".into()))?;
        let (end, end_hash) = (head.int("seq")?, head.text("hash")?.to_owned());
        let mut done = Verification { entries: 0, erased: 0, head: Hash::default(), checked, fault: None };
        while done.entries < end {
            let page = self.fetch_all(&sql::LEDGER_PAGE, params![done.entries, end, PAGE]).await?;
            if page.is_empty() {
                let missing = format!("it and all entries up to {end} are missing");
                return Ok(done.stop(missing));
            }
            for row in &page {
                match self.check(row, &done).await? {
                    Ok(checked) => done.advance(checked),
                    Err(problem) => return Ok(done.stop(problem)),
                }
            }
        }
        if done.head.to_string() != end_hash {
            done.entries -= 1;
            return Ok(done.stop("the head of the ledger does not have its hash".to_owned()));
        }
        Ok(done)
    }

    /// Checks one entry against the one before. The outer error is the database's, the inner one the entry's.
    async fn check(&self, row: &Row, before: &Verification) -> Result<Result<Checked, String>, Error> {
        let found = match Found::read(row, before) {
            Ok(found) => found,
            Err(problem) => return Ok(Err(problem)),
        };
        if found.has_payload {
            return Ok(Ok(Checked { hash: found.hash, erased: false }));
        }
        let seq = before.entries + 1;
        let proof = params![erase::ERASE, erase::entity(seq), seq];
        Ok(match self.fetch_optional(&sql::ERASURE_OF, proof).await? {
            Some(_) => Ok(Checked { hash: found.hash, erased: true }),
            None => Err("its payload is gone and no entry records the erasure".to_owned()),
        })
    }
}

struct Checked {
    hash: Hash,
    erased: bool,
}

impl Verification {
    fn advance(&mut self, checked: Checked) {
        self.entries += 1;
        self.erased += i64::from(checked.erased);
        self.head = checked.hash;
    }

    fn stop(mut self, problem: String) -> Verification {
        self.fault = Some(Fault { seq: self.entries + 1, problem });
        self
    }
}

/// An entry whose own numbers are right.
struct Found {
    hash: Hash,
    has_payload: bool,
}

impl Found {
    fn read(row: &Row, before: &Verification) -> Result<Found, String> {
        let text = |column| row.text(column).map_err(|error| error.to_string());
        let seq = row.int("seq").map_err(|error| error.to_string())?;
        if seq != before.entries + 1 {
            return Err(format!("it is missing; the next entry is {seq}"));
        }
        let previous: Hash = text("previous")?.parse()?;
        if previous != before.head {
            return Err("it does not continue from the entry before".to_owned());
        }
        let committed: Hash = text("commitment")?.parse()?;
        let link = Link {
            previous,
            seq,
            time: row.time("time_us").map_err(|error| error.to_string())?,
            actor: text("actor")?,
            verb: text("verb")?,
            entity: text("entity")?,
            commitment: committed,
        };
        let hash: Hash = text("hash")?.parse()?;
        if link.hash() != hash {
            return Err("its time, actor, verb, entity or commitment was changed after it was written".to_owned());
        }
        let salt = row.text_opt("salt").map_err(|error| error.to_string())?;
        let payload = row.text_opt("payload").map_err(|error| error.to_string())?;
        let (Some(salt), Some(payload)) = (salt, payload) else { return Ok(Found { hash, has_payload: false }) };
        let salt: Hash = salt.parse()?;
        if commitment(&salt.0, payload) != committed {
            return Err("its reason, before or after was changed after it was written".to_owned());
        }
        Ok(Found { hash, has_payload: true })
    }
}
