//! Incidents as the radio room keeps them: who, where, what first; then all that is said and done, numbered situation
//! reports, and every organisation that is concerned told at once. What an incident is as a case, `respond` decides.

mod commands;
mod involved;

use kernel::Timestamp;
use kernel::id::{AlarmId, IncidentId, LogEntryId, MissionId};
use store::{Read, Row, params};

use crate::error::Error;
use crate::room::Field;
use crate::speech::Sentence;
use crate::sql;

pub use commands::{ReportCommand, ReportOrder};
pub(crate) use commands::{open, situation, taken};

/// Most reports of one answer.
const MOST: u32 = 500;

/// An incident that was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The entry of the log that opened it.
    pub id: LogEntryId,
    /// Counts up from 1.
    pub number: i64,
    pub who: String,
    pub place: Option<String>,
    pub what: String,
    pub severity: String,
    pub happened: Timestamp,
    pub opened: Timestamp,
    pub exercise: bool,
    /// Keys of the people who are involved.
    pub people: Vec<String>,
    /// Plates.
    pub vehicles: Vec<String>,
    /// Of the people, and of the owners of the vehicles: each is told.
    pub organisations: Vec<String>,
    pub mission: Option<MissionId>,
    /// Whether everybody was told is its alarm's to say.
    pub alarm: Option<AlarmId>,
    /// The case that was opened for it.
    pub incident: Option<IncidentId>,
    /// `INC-0042`.
    pub incident_label: Option<String>,
    /// Situation reports so far.
    pub situations: i64,
    pub closed: Option<Timestamp>,
    pub outcome: Option<String>,
}

/// One line of a report. Lines are never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    pub line: i64,
    /// `flash`, `situation`, `action`, `link`, `closed`.
    pub kind: String,
    /// Of a situation report: counts up from 1.
    pub number: Option<i64>,
    pub text: Sentence,
    /// The text of an actor.
    pub author: String,
    pub at: Timestamp,
}

/// Another case that belongs with it, of whichever desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLink {
    pub incident: IncidentId,
    pub label: String,
    pub linked: Timestamp,
}

/// A report with everything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeReport {
    pub report: Report,
    pub lines: Vec<ReportLine>,
    pub links: Vec<ReportLink>,
}

impl Report {
    /// `IR-0042`.
    pub fn label(&self) -> String {
        let exercise = if self.exercise { "EXERCISE " } else { "" };
        format!("{exercise}IR-{:04}", self.number)
    }
}

impl Field {
    /// Reports, open ones first, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn reports(&self) -> Result<Vec<Report>, Error> {
        self.store.fetch_all(&sql::REPORTS, params![MOST]).await?.iter().map(report).collect()
    }

    /// A report with its lines and links.
    ///
    /// # Errors
    /// [`Error::NotFound`], besides.
    pub async fn report(&self, id: LogEntryId) -> Result<WholeReport, Error> {
        let mut read = self.store.clone();
        let found = find(&mut read, id).await?.ok_or_else(|| Error::missing("report", id))?;
        let lines = read.rows(&sql::REPORT_LINES, params![id]).await?;
        let links = read.rows(&sql::REPORT_LINKS, params![id]).await?;
        let link = |row: &Row| {
            let (incident, label) = (row.id("incident_id")?, row.text("label")?.to_owned());
            Ok(ReportLink { incident, label, linked: row.time("linked_us")? })
        };
        Ok(WholeReport {
            report: found,
            lines: lines.iter().map(line).collect::<Result<_, _>>()?,
            links: links.iter().map(link).collect::<Result<_, Error>>()?,
        })
    }
}

/// Reports that are open.
pub(crate) async fn open_in(read: &mut impl Read) -> Result<Vec<Report>, Error> {
    let rows = read.rows(&sql::REPORTS, params![MOST]).await?;
    let all = rows.iter().map(report).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().filter(|one| one.closed.is_none()).collect())
}

async fn find(read: &mut impl Read, id: LogEntryId) -> Result<Option<Report>, Error> {
    read.rows(&sql::REPORT, params![id]).await?.first().map(report).transpose()
}

pub(crate) fn report(row: &Row) -> Result<Report, Error> {
    Ok(Report {
        id: row.id("id")?,
        number: row.int("number")?,
        who: row.text("who")?.to_owned(),
        place: row.text_opt("place")?.map(str::to_owned),
        what: row.text("what")?.to_owned(),
        severity: row.text("severity")?.to_owned(),
        happened: row.time("happened_us")?,
        opened: row.time("opened_us")?,
        exercise: row.flag("exercise")?,
        people: row.json("people")?,
        vehicles: row.json("vehicles")?,
        organisations: row.json("organisations")?,
        mission: row.id_opt("mission_id")?,
        alarm: row.id_opt("alarm_id")?,
        incident: row.id_opt("incident_id")?,
        incident_label: row.text_opt("incident_label")?.map(str::to_owned),
        situations: row.int("situations")?,
        closed: row.time_opt("closed_us")?,
        outcome: row.text_opt("outcome")?.map(str::to_owned),
    })
}

fn line(row: &Row) -> Result<ReportLine, Error> {
    Ok(ReportLine {
        line: row.int("line")?,
        kind: row.text("kind")?.to_owned(),
        number: row.int_opt("number")?,
        text: Sentence::kept(row.text("body")?, row.json_opt("said")?),
        author: row.text("author")?.to_owned(),
        at: row.time("at_us")?,
    })
}
