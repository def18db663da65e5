//! What is being typed at a console and not entered: kept for each console, so that it is there at another one when the first
//! dies.
//!
//! A console is one window of a browser, under a name that it chose at random. It counts its changes (`revision`), so that
//! one that comes late changes nothing. A draft has one owner: who takes it over has it, and the console that it was
//! taken from is told so at its next change and goes on under another name.

use kernel::{Actor, Timestamp};
use serde_json::{Value as Json, json};
use store::{Housekeeping, Read, Row, Tx, params};

use crate::duress;
use crate::error::{Error, Refusal};
use crate::room::Field;
use crate::speech::say;
use crate::sql;

/// Longer than any line of the log, shorter than what would fill a disk.
const LONGEST: usize = 4_000;
/// Nobody comes back to a line that was left a week ago.
const KEPT_US: i64 = 7 * 86_400_000_000;

/// A line that was not entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub console: String,
    /// The text of the actor who types it.
    pub author: String,
    pub line: String,
    /// Counts the changes of this console.
    pub revision: i64,
    /// When it was last changed.
    pub kept: Timestamp,
}

/// What became of a draft that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The text of an actor.
    pub by: String,
    pub at: Timestamp,
}

/// What a console is told of the change that it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is durable, or a later one is.
    Kept,
    /// Somebody has taken the draft over: the line is theirs.
    Taken(Taken),
}

/// Names the change of a draft that is entered with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftKey {
    pub console: String,
    pub revision: i64,
}

impl DraftKey {
    /// # Errors
    /// [`Error::Refused`] when no console can have that name.
    pub fn new(console: &str, revision: i64) -> Result<DraftKey, Error> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(8..=64).contains(&console.len()) || !console.chars().all(fits) {
            return Err(Refusal::bad("console", "a console's name has 8 to 64 letters, digits, `-` and `_`").into());
        }
        if revision < 0 {
            return Err(Refusal::bad("revision", "changes are counted from 0").into());
        }
        Ok(DraftKey { console: console.to_owned(), revision })
    }
}

impl Field {
    /// Keeps what is being typed. It is durable when this returns. An empty line leaves no draft.
    ///
    /// # Errors
    /// [`Error::Refused`] when the line is longer than a line can be.
    pub async fn keep_draft(&self, key: &DraftKey, line: &str, actor: &Actor) -> Result<Kept, Error> {
        if line.chars().count() > LONGEST {
            return Err(Refusal::bad("line", say!("a line has at most {most} characters", most = LONGEST)).into());
        }
        let mut tx = self.store.housekeeping(Housekeeping::FieldDraft).await?;
        let now = self.now();
        tx.execute(&sql::FORGET_DRAFTS, params![now.plus_micros(-KEPT_US)]).await?;
        let row = params![&key.console, actor.to_string(), line, key.revision, now];
        let kept = tx.execute(&sql::KEEP_DRAFT, row).await? > 0;
        if kept {
            tx.commit().await?;
            return Ok(Kept::Kept);
        }
        let rows = tx.fetch_all(&sql::DRAFT, params![&key.console]).await?;
        let taken = rows.first().map(taken).transpose()?.flatten();
        Ok(taken.map_or(Kept::Kept, Kept::Taken))
    }

    /// Drafts that nobody has taken, the latest first, with duress words as they are to be shown.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn drafts(&self) -> Result<Vec<Draft>, Error> {
        let mut store = self.store.clone();
        let mut drafts = Vec::new();
        for row in store.rows(&sql::DRAFTS, params![]).await? {
            let draft = read(&row)?;
            let line = duress::clear(&mut store, &draft.line).await?.line;
            drafts.push(Draft { line, ..draft });
        }
        Ok(drafts)
    }

    /// Takes the draft of a console over to another one, word by word as it was typed. Again by the same console: the same
    /// answer.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Refused`] when somebody else has taken it, or something is being
    /// typed at the console that it is to go to.
    pub async fn take_draft(&self, from: &str, to: &DraftKey, actor: &Actor) -> Result<Draft, Error> {
        if from == to.console {
            return Err(Refusal::bad("console", say!("this is the console where it is")).into());
        }
        let mut turn = self.turn(actor, "another console takes the line over").await?;
        let row = turn.tx.fetch_optional(&sql::DRAFT, params![from]).await?;
        let row = row.ok_or_else(|| Error::missing("draft", from))?;
        let draft = read(&row)?;
        let own = turn.tx.fetch_optional(&sql::DRAFT, params![&to.console]).await?;
        if own.as_ref().map(taken).transpose()?.flatten().is_some() {
            let problem = say!("the line of this console was taken over: go on under another name");
            return Err(Refusal::bad("console", problem).into());
        }
        let own = own.map(|row| read(&row)).transpose()?;
        if let Some(taken) = taken(&row)? {
            let here = row.text_opt("taken_to")? == Some(to.console.as_str());
            return own.filter(|_| here && taken.by == actor.to_string()).ok_or_else(|| {
                Refusal::rule(say!("somebody else has taken this line over meanwhile: read the list again")).into()
            });
        }
        if draft.line.is_empty() {
            return Err(Error::missing("draft", from));
        }
        if own.as_ref().is_some_and(|own| !own.line.is_empty()) {
            let problem = say!("something is being typed at this console: enter it or take it out first");
            return Err(Refusal::rule(problem).into());
        }
        let now = turn.now();
        turn.tx.execute_one(&sql::TAKE_DRAFT, params![from, &to.console, actor.to_string(), now]).await?;
        let revision = own.map_or(to.revision, |own| own.revision.max(to.revision)) + 1;
        let moved =
            Draft { console: to.console.clone(), author: actor.to_string(), line: draft.line, revision, kept: now };
        let row = params![&moved.console, &moved.author, &moved.line, moved.revision, now];
        turn.tx.execute_one(&sql::KEEP_DRAFT, row).await?;
        // What somebody was about to say is no record: the ledger says who took it from whom.
        turn.record(
            "draft.take",
            format!("draft:{from}"),
            Json::Null,
            json!({ "from": draft.author, "to": to.console }),
        );
        turn.finish().await?;
        Ok(moved)
    }
}

/// What was typed is entered: no draft is left of it, and a change that comes late makes none.
pub(crate) async fn entered(tx: &mut Tx, key: &DraftKey, actor: &Actor) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(&sql::ENTER_DRAFT, params![&key.console, actor.to_string(), key.revision, now]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Draft, Error> {
    Ok(Draft {
        console: row.text("console")?.to_owned(),
        author: row.text("author")?.to_owned(),
        line: row.text("line")?.to_owned(),
        revision: row.int("revision")?,
        kept: row.time("kept_us")?,
    })
}

fn taken(row: &Row) -> Result<Option<Taken>, Error> {
    let (by, at) = (row.text_opt("taken_by")?, row.time_opt("taken_us")?);
    Ok(by.zip(at).map(|(by, at)| Taken { by: by.to_owned(), at }))
}
