//! Alarms as rows.

use kernel::id::AlarmId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Deadline, Due, Read, Row, Tx, params};

use super::alarms::{Alarm, AlarmState};
use super::climb::promises;
use crate::error::Error;
use crate::speech::Sentence;
use crate::sql;

/// Most alarms of one answer.
pub(crate) const MOST: u32 = 2_000;

/// The sentences of an alarm, kept beside their English words.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Beside {
    title: Sentence,
    outcome: Option<Sentence>,
}

pub(crate) fn alarm(row: &Row) -> Result<Alarm, Error> {
    let beside: Beside = row.json_opt("said")?.unwrap_or_default();
    Ok(Alarm {
        id: row.id("id")?,
        number: row.int("number")?,
        kind: row.parse("kind")?,
        silent: row.flag("is_silent")?,
        subject: row.text("subject")?.to_owned(),
        mission: row.id_opt("mission_id")?,
        title: Sentence::kept(row.text("title")?, Some(beside.title)),
        state: row.parse("state")?,
        missed: row.time("missed_us")?,
        raised: row.time("raised_us")?,
        while_down: row.flag("while_down")?,
        owner: row.text_opt("owner")?.map(str::to_owned),
        all_failed: row.flag("all_failed")?,
        closed: row.time_opt("closed_us")?,
        outcome: row.text_opt("outcome")?.map(|text| Sentence::kept(text, beside.outcome)),
        course: row.json("course")?,
        version: row.int("version")?,
    })
}

/// Writes an alarm and moves its deadlines by the difference of what it owes.
pub(crate) async fn save(tx: &mut Tx, before: Option<&Alarm>, alarm: &Alarm) -> Result<(), Error> {
    let row = params![
        alarm.id,
        alarm.number,
        alarm.kind.as_str(),
        alarm.silent,
        &alarm.subject,
        alarm.mission,
        alarm.title.english(),
        alarm.state.as_str(),
        alarm.state != AlarmState::Closed,
        alarm.missed,
        alarm.raised,
        alarm.while_down,
        alarm.owner.clone(),
        alarm.all_failed,
        alarm.closed,
        alarm.outcome.as_deref(),
        &json!(alarm.course),
        alarm.version,
        &json!(Beside { title: alarm.title.clone(), outcome: alarm.outcome.clone() }),
    ];
    tx.execute_one(&sql::SAVE_ALARM, row).await?;
    let (owed, owes) = (before.map(promises).unwrap_or_default(), promises(alarm));
    for (kind, subject, ..) in owed.iter().filter(|old| !owes.iter().any(|new| (new.0, &new.1) == (old.0, &old.1))) {
        tx.keep_deadline(kind, subject).await?;
    }
    for (kind, subject, due, owes) in owes {
        if owed.iter().any(|old| (old.0, &old.1, old.2) == (kind, &subject, due)) {
            continue;
        }
        let otherwise = format!("{}: the next person, by the next means", alarm.label());
        let deadline = Deadline { kind: kind.to_owned(), subject, owes, due: Due::At(due), otherwise };
        tx.deadline(deadline).await?;
    }
    Ok(())
}

pub(crate) async fn find(tx: &mut Tx, id: AlarmId) -> Result<Option<Alarm>, Error> {
    let row = tx.fetch_optional(&sql::ALARM, params![id]).await?;
    row.map(|row| alarm(&row)).transpose()
}

/// Alarms that are not closed, silent ones included.
pub(crate) async fn open_in(read: &mut impl Read) -> Result<Vec<Alarm>, Error> {
    read.rows(&sql::OPEN_ALARMS, params![MOST]).await?.iter().map(alarm).collect()
}
