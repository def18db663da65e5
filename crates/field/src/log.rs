//! The duty log: append-only. What was wrong is corrected by another entry that names it.

use kernel::id::{LogEntryId, MissionId};
use kernel::{Fact, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, params};

use crate::error::Error;
use crate::register::Holder;
use crate::room::{Field, Turn, next_number};
use crate::speech::{Sentence, say};
use crate::sql;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Counts up from 1 without a gap; the order of the log, whatever clocks said.
    pub number: i64,
    pub id: LogEntryId,
    /// `contact`, `arrival`, `position`, `radio-check`, `headcount`, `incident`, `mission`, `alarm`, `note`, …
    pub kind: String,
    /// When it happened, as it was said; else when it was entered.
    pub happened: Timestamp,
    /// When it was entered, in house time.
    pub entered: Timestamp,
    /// What the wall clock said then.
    pub wall: Timestamp,
    /// The wall clock could not be believed.
    pub clock_suspect: bool,
    /// The text of an actor.
    pub author: String,
    pub sign: Option<String>,
    /// Kind, key and name of who held the sign then.
    pub holder: Option<(String, String, String)>,
    pub mission: Option<MissionId>,
    /// As it was typed; duress words as they are to be shown.
    pub line: String,
    /// What it means, in words.
    pub meaning: Sentence,
    /// What followed from it.
    pub outcome: Vec<Sentence>,
    /// The entry that this one corrects.
    pub corrects: Option<i64>,
    /// The latest entry that corrects this one.
    pub corrected_by: Option<i64>,
}

/// What is to be entered.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewEntry {
    /// `None`: a fresh one.
    pub(crate) id: Option<LogEntryId>,
    pub(crate) kind: &'static str,
    /// `None`: now.
    pub(crate) happened: Option<Timestamp>,
    pub(crate) sign: Option<String>,
    pub(crate) holder: Option<Holder>,
    pub(crate) mission: Option<MissionId>,
    pub(crate) line: String,
    pub(crate) meaning: Sentence,
    pub(crate) outcome: Vec<Sentence>,
    pub(crate) corrects: Option<i64>,
}

impl NewEntry {
    /// An entry that nobody typed.
    pub(crate) fn words(kind: &'static str, meaning: impl Into<Sentence>) -> NewEntry {
        NewEntry { kind, line: String::new(), meaning: meaning.into(), ..NewEntry::default() }
    }
}

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// Only entries before this number.
    pub before: Option<i64>,
    /// Only entries after this number.
    pub after: Option<i64>,
    pub mission: Option<MissionId>,
    pub sign: Option<String>,
}

impl Field {
    /// Entries, the latest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn duty_log(&self, filter: &LogFilter, limit: u32) -> Result<Vec<LogEntry>, Error> {
        let before = filter.before.unwrap_or(i64::MAX);
        let sign = filter.sign.as_ref().map(|sign| sign.to_uppercase());
        let wanted = params![before, filter.mission, sign, filter.after.unwrap_or(0), limit];
        self.store.fetch_all(&sql::LOG_PAGE, wanted).await?.iter().map(read).collect()
    }
}

/// What the room's own devices did, and why one failed, in the words of the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceNote {
    /// No sound comes from the server.
    Unheard(String),
    /// The UPS does not say how it fares.
    UpsSilent(String),
    NotPrinted(String),
    /// What is left of the UPS's charge, where it says so.
    Printed {
        charge_percent: Option<f64>,
    },
}

impl DeviceNote {
    fn said(&self) -> Sentence {
        match self {
            DeviceNote::Unheard(problem) => say!("the alarm cannot be heard from the server: {problem}", problem),
            DeviceNote::UpsSilent(problem) => say!("the UPS does not say how it fares: {problem}", problem),
            DeviceNote::NotPrinted(problem) => {
                say!("the power is low and the board cannot be printed: {problem}", problem)
            }
            DeviceNote::Printed { charge_percent: None } => say!("the power is low: the board was printed"),
            DeviceNote::Printed { charge_percent: Some(left) } => {
                say!("the power is low ({left} %): the board was printed", left = left.to_string())
            }
        }
    }
}

impl Field {
    /// Writes what the room's own devices did.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn note_device(&self, note: &DeviceNote, actor: &kernel::Actor) -> Result<LogEntry, Error> {
        let mut turn = self.turn(actor, "").await?;
        let entry = turn.log(NewEntry::words("note", note.said())).await?;
        turn.finish().await?;
        Ok(entry)
    }

    /// Writes a note that nobody typed.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn note(&self, text: &str, actor: &kernel::Actor) -> Result<LogEntry, Error> {
        let mut turn = self.turn(actor, "").await?;
        let entry = turn.log(NewEntry::words("note", text)).await?;
        turn.finish().await?;
        Ok(entry)
    }
}

/// The entry of an id, as a turn sees it.
pub(crate) async fn find(turn: &mut Turn, id: LogEntryId) -> Result<Option<LogEntry>, Error> {
    turn.tx.fetch_optional(&sql::LOG_ENTRY, params![id]).await?.map(|row| read(&row)).transpose()
}

/// The entry of a number.
pub(crate) async fn numbered(from: &mut impl Read, number: i64) -> Result<Option<LogEntry>, Error> {
    let before = number.saturating_add(1);
    let rows = from.rows(&sql::LOG_PAGE, params![before, None::<String>, None::<String>, 0, 1]).await?;
    let entry = rows.first().map(read).transpose()?;
    Ok(entry.filter(|entry| entry.number == number))
}

pub(crate) async fn append(turn: &mut Turn, new: NewEntry) -> Result<LogEntry, Error> {
    let now = turn.now();
    let (wall, clock_suspect) = turn.wall();
    let holder = new.holder.map(|holder| (holder.kind, holder.key, holder.name));
    let entry = LogEntry {
        number: next_number(&mut turn.tx, "log").await?,
        id: new.id.unwrap_or_else(|| turn.tx.id()),
        kind: new.kind.to_owned(),
        happened: new.happened.unwrap_or(now),
        entered: now,
        wall,
        clock_suspect,
        author: turn.actor.to_string(),
        sign: new.sign,
        holder,
        mission: new.mission,
        line: new.line,
        meaning: new.meaning,
        outcome: new.outcome,
        corrects: new.corrects,
        corrected_by: None,
    };
    let (kind, key, name) = match &entry.holder {
        Some((kind, key, name)) => (Some(kind), Some(key), Some(name)),
        None => (None, None, None),
    };
    let row = params![
        entry.number,
        entry.id,
        &entry.kind,
        entry.happened,
        entry.entered,
        entry.wall,
        entry.clock_suspect,
        &entry.author,
        entry.sign.clone(),
        kind,
        key,
        name,
        entry.mission,
        &entry.line,
        entry.meaning.english(),
        &json!(entry.outcome.iter().map(Sentence::english).collect::<Vec<_>>()),
        entry.corrects,
        &json!(Beside { meaning: entry.meaning.clone(), outcome: entry.outcome.clone() }),
    ];
    turn.tx.execute(&sql::INSERT_LOG, row).await?;
    turn.tx.emit(Fact::DutyLogged { entry: entry.id, number: entry.number, at: now });
    let after = json!({
        "number": entry.number,
        "kind": entry.kind,
        "happened": entry.happened.to_string(),
        "line": entry.line,
        "meaning": entry.meaning.english(),
        "corrects": entry.corrects,
    });
    turn.record("log.append", entry.id, serde_json::Value::Null, after);
    Ok(entry)
}

/// The sentences of an entry, kept beside their English words, so that every reader has them in their language.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Beside {
    meaning: Sentence,
    outcome: Vec<Sentence>,
}

fn read(row: &Row) -> Result<LogEntry, Error> {
    let text = |column| -> Result<Option<String>, Error> { Ok(row.text_opt(column)?.map(str::to_owned)) };
    let holder = match (text("holder_kind")?, text("holder")?, text("holder_name")?) {
        (Some(kind), Some(key), Some(name)) => Some((kind, key, name)),
        _ => None,
    };
    let outcome: Vec<String> = row.json("outcome")?;
    let beside: Beside = row.json_opt("said")?.unwrap_or_default();
    Ok(LogEntry {
        number: row.int("number")?,
        id: row.id("id")?,
        kind: row.text("kind")?.to_owned(),
        happened: row.time("happened_us")?,
        entered: row.time("entered_us")?,
        wall: row.time("wall_us")?,
        clock_suspect: row.flag("clock_suspect")?,
        author: row.text("author")?.to_owned(),
        sign: text("sign")?,
        holder,
        mission: row.id_opt("mission_id")?,
        line: row.text("line")?.to_owned(),
        meaning: Sentence::kept(row.text("meaning")?, Some(beside.meaning)),
        outcome: outcome
            .iter()
            .enumerate()
            .map(|(at, text)| Sentence::kept(text, beside.outcome.get(at).cloned()))
            .collect(),
        corrects: row.int_opt("corrects")?,
        corrected_by: row.int_opt("corrected_by")?,
    })
}
