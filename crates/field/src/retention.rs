//! Personal data past its time is erased: the register, positions, messages and the words of the log no longer name the
//! person, and what the ledger holds of them loses its payload. The chain still verifies, because it holds commitments.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use kernel::{Actor, Fact};
use replica::Thing;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Statement, Tx, params};

use crate::error::{Error, Refusal};
use crate::register::{Record, in_use, nouns, records};
use crate::room::{Field, Turn, setting};
use crate::speech::say;
use crate::sql;
use crate::{log, mission};

/// The data of somebody who left are kept no longer (subject: the person's key).
pub const RETENTION: &str = "field.retention";
/// So long after they were taken out of use: two years, for inquiries that come late.
pub const KEPT_DAYS: i64 = 730;
const DAY_US: i64 = 86_400_000_000;
/// What stands in place of a name.
const ERASED: &str = "[erased]";

/// Old positions go (subject: `all`). Where vehicles were is where people were.
pub const POSITIONS: &str = "field.position-retention";
/// Positions are kept for so many days when nobody has said otherwise: two years, as the people's data.
pub const POSITIONS_KEPT_DAYS: i64 = 730;
/// Positions that go at a time, so that who types a line meanwhile does not wait for long.
const AT_ONCE: u64 = 20_000;
const POSITIONS_KEPT: &str = "positions_kept_days";

/// Looks after the age of positions from now on. Costs a question at the first positions after a start, and nothing after.
pub(crate) async fn watch_positions(turn: &mut Turn) -> Result<(), Error> {
    if turn.positions_watched.swap(true, Ordering::Relaxed) || turn.is_pending(POSITIONS).await? {
        return Ok(());
    }
    set_next(&mut turn.tx, DAY_US).await
}

async fn set_next(tx: &mut Tx, after_us: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: POSITIONS.to_owned(),
        subject: "all".to_owned(),
        owes: "system:field".to_owned(),
        due: Due::After(after_us),
        otherwise: "old positions are deleted".to_owned(),
    };
    tx.deadline(deadline).await?;
    Ok(())
}

/// It is time to look: what is past its time goes, and the next look is set.
pub(crate) async fn forget_positions(turn: &mut Turn) -> Result<(), Error> {
    let days = kept_days(&mut turn.tx).await?;
    let before = turn.now().plus_micros(-days.saturating_mul(DAY_US));
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let gone = if days > 0 { turn.tx.execute(&sql::FORGET_POSITIONS, params![before, limit]).await? } else { 0 };
    if days > 0 {
        turn.tx.execute(&sql::FORGET_CROSSINGS, params![before]).await?;
    }
    set_next(&mut turn.tx, if gone == AT_ONCE { 60_000_000 } else { DAY_US }).await?;
    turn.record("position.forget", "all", Json::Null, json!({ "positions": gone, "older_than_days": days }));
    Ok(())
}

async fn kept_days(read: &mut impl store::Read) -> Result<i64, Error> {
    let said = setting(read, POSITIONS_KEPT).await?;
    Ok(said.and_then(|days| days.parse().ok()).unwrap_or(POSITIONS_KEPT_DAYS))
}

impl Field {
    /// For how many days positions are kept; 0: for ever.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn positions_kept_days(&self) -> Result<i64, Error> {
        kept_days(&mut self.store.clone()).await
    }

    /// Says for how many days positions are kept; 0: for ever.
    ///
    /// # Errors
    /// [`Error::Refused`] for more than a hundred years.
    pub async fn keep_positions(&self, days: i64, actor: &Actor, reason: &str) -> Result<(), Error> {
        if !(0..=36_500).contains(&days) {
            return Err(Refusal::bad("positions_kept_days", say!("0 (for ever) to 36500")).into());
        }
        let mut turn = self.turn(actor, reason).await?;
        turn.tx.execute(&sql::SAVE_SETTING, params![POSITIONS_KEPT, days.to_string()]).await?;
        turn.record("setting.save", POSITIONS_KEPT, Json::Null, Json::from(days));
        turn.finish().await.map(drop)
    }
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    pub person: String,
    pub positions: u64,
    pub messages: u64,
    /// Entries of the duty log that named them.
    pub entries: u64,
    /// Entries of the ledger whose payload is gone.
    pub ledger: u64,
}

/// A person left, or is back: their data have an end, or none.
pub(crate) async fn watch(tx: &mut Tx, record: &Record) -> Result<(), store::Error> {
    let Some(retired) = record.retired else { return tx.cancel_deadline(RETENTION, &record.key).await.map(drop) };
    erase_at(tx, &record.key, Due::At(retired.plus_micros(KEPT_DAYS * DAY_US))).await
}

/// The end of their data.
async fn erase_at(tx: &mut Tx, key: &str, due: Due) -> Result<(), store::Error> {
    let deadline = Deadline {
        kind: RETENTION.to_owned(),
        subject: key.to_owned(),
        owes: "system:field".to_owned(),
        due,
        otherwise: "their personal data are erased".to_owned(),
    };
    tx.deadline(deadline).await.map(drop)
}

impl Field {
    /// Erases the personal data of somebody who was taken out of use. It cannot be undone.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Refused`] for somebody who is still in use.
    pub async fn erase_person(&self, key: &str, actor: &Actor, reason: &str) -> Result<Erased, Error> {
        let mut turn = self.turn(actor, reason).await?;
        let found = records::find(&mut turn.tx, &nouns::PERSON, &key.trim().to_uppercase()).await?;
        let record = found.ok_or_else(|| Error::missing("person", key))?;
        if record.retired.is_none() {
            return Err(Refusal::rule(say!("{key} is in use: retire them first", key = record.key)).into());
        }
        in_use::check_free(&mut turn.tx, &nouns::PERSON, &record.key).await?;
        let mut erased = erase(&mut turn, &record).await?;
        let about = record.id.to_string();
        turn.finish().await?;
        // What the ledger said of the record, and what it said in their name: each payload goes, its place in the chain stays.
        let mut told = self.store.fetch_all(&sql::LEDGER_ABOUT, params![&about]).await?;
        for words in naming(&record) {
            // As it stands in JSON.
            let written = json!(words).to_string();
            told.extend(self.store.fetch_all(&sql::LEDGER_NAMING, params![written.trim_matches('"')]).await?);
        }
        let told = told.iter().map(|row| row.int("seq")).collect::<Result<BTreeSet<i64>, _>>()?;
        for seq in told {
            match self.store.erase_ledger_payload(seq, actor, reason).await {
                Ok(_) => erased.ledger += 1,
                Err(store::Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(erased)
    }
}

impl Field {
    /// Looks again a day later whether the data of somebody who left may be erased; not for who is back.
    pub(crate) async fn erase_later(&self, key: &str) -> Result<(), Error> {
        let mut turn = self.turn(&Actor::system("field"), "they are in use for now").await?;
        let found = records::find(&mut turn.tx, &nouns::PERSON, key).await?;
        if found.is_none_or(|record| record.retired.is_none()) {
            return Ok(());
        }
        erase_at(&mut turn.tx, key, Due::After(DAY_US)).await?;
        turn.record("person.erase-later", format!("person:{key}"), Json::Null, Json::Null);
        turn.finish().await.map(drop)
    }
}

/// Where else people's words stand.
const WHERE_WORDS: &[Statement] = &[
    sql::ERASE_TITLES,
    sql::ERASE_SHEETS,
    sql::ERASE_DRAFTS,
    sql::ERASE_REPORTS,
    sql::ERASE_REPORT_LINES,
    sql::ERASE_ANOMALIES,
    sql::ERASE_READINGS,
    sql::ERASE_MISUSES,
];

/// The words that name somebody. Two letters are in too many other words.
fn naming(record: &Record) -> impl Iterator<Item = &str> {
    let words = [record.text("name"), record.text("phone"), record.text("email")];
    words.into_iter().filter(|words| words.chars().count() > 2)
}

async fn erase(turn: &mut Turn, record: &Record) -> Result<Erased, Error> {
    let (key, name) = (record.key.as_str(), record.text("name").to_owned());
    let mut erased = Erased { person: key.to_owned(), ..Erased::default() };
    erased.positions = turn.tx.execute(&sql::ERASE_POSITIONS, params![key]).await?;
    erased.messages = turn.tx.execute(&sql::ERASE_MESSAGES, params![key, ERASED]).await?;
    turn.tx.execute(&sql::ERASE_SENT, params![&name, ERASED]).await?;
    turn.tx.execute(&sql::ERASE_HOLDER, params![key, ERASED]).await?;
    turn.tx.execute(&sql::ERASE_COUNTED, params![key, ERASED]).await?;
    turn.tx.execute(&sql::ERASE_CALLED, params![key, ERASED]).await?;
    // What is kept as JSON has a quotation mark in a name escaped.
    let escaped = naming(record).map(|words| json!(words).to_string().trim_matches('"').to_owned());
    let escaped: Vec<String> = escaped.filter(|words| naming(record).all(|plain| plain != words)).collect();
    for words in naming(record).chain(escaped.iter().map(String::as_str)) {
        erased.entries += turn.tx.execute(&sql::ERASE_WORDS, params![words, ERASED]).await?;
        for statement in WHERE_WORDS {
            turn.tx.execute(statement, params![words, ERASED]).await?;
        }
    }
    let mut values = record.values.clone();
    values.retain(|column, _| !matches!(*column, "phone" | "email" | "relies_on" | "zone"));
    values.insert("name", crate::register::Value::Text(ERASED.to_owned()));
    let (version, updated) = (record.version + 1, turn.now());
    records::save(&mut turn.tx, &nouns::PERSON, &Record { version, updated, values, ..record.clone() }).await?;
    records::touch(&mut turn.tx).await?;
    let (reason, now) = (turn.reason.clone(), turn.now());
    turn.tx.execute(&sql::INSERT_ERASED, params![key, now, reason]).await?;
    turn.tx.cancel_deadline(RETENTION, key).await?;
    erase_told(turn, record).await?;
    // Of the person themselves the entry says the key alone.
    let after = json!({ "positions": erased.positions, "messages": erased.messages, "entries": erased.entries });
    turn.record("person.erase", format!("person:{key}"), Json::Null, after);
    Ok(erased)
}

/// What was told to other nodes goes there, too, and what is left of it is told anew.
async fn erase_told(turn: &mut Turn, record: &Record) -> Result<(), Error> {
    let Some(replica) = turn.replica.clone() else { return Ok(()) };
    let words: Vec<&str> = naming(record).collect();
    // Where a device of theirs was.
    let devices = turn.directory.devices_of("person", &record.key);
    let besides: Vec<Thing> =
        devices.into_iter().map(|subject| Thing { kind: "position".to_owned(), subject }).collect();
    let at = turn.now();
    for thing in replica.erase(&mut turn.tx, &words, &besides).await? {
        match thing.kind.as_str() {
            "log" => {
                let Ok(number) = thing.subject.parse() else { continue };
                if let Some(entry) = log::numbered(&mut turn.tx, number).await? {
                    turn.tx.emit(Fact::DutyLogged { entry: entry.id, number, at });
                }
            }
            "mission" => {
                let Ok(id) = thing.subject.parse() else { continue };
                if let Some(found) = mission::find(&mut turn.tx, id).await? {
                    turn.tx.emit(Fact::MissionChanged { mission: id, version: found.version, at });
                }
            }
            "alarm" => {
                let Ok(id) = thing.subject.parse() else { continue };
                turn.tx.emit(Fact::AlarmChanged { alarm: id, version: 0, at });
            }
            // Incidents are told with an entry of the log.
            "incident" => {
                let Ok(id) = thing.subject.parse() else { continue };
                if let Some(entry) = log::find(turn, id).await? {
                    turn.tx.emit(Fact::DutyLogged { entry: entry.id, number: entry.number, at });
                }
            }
            // Positions and calls for help are gone.
            _ => {}
        }
    }
    Ok(())
}
