//! Opening a report, adding to it, linking, closing.

use kernel::id::{IncidentId, LogEntryId};
use kernel::message::{Address, Dispatch, Means as Travel, Precedence};
use kernel::{Actor, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::params;

use super::{Report, find, involved};
use crate::alarm::{self, AlarmKind, Cause, Concerned};
use crate::duress;
use crate::error::{Error, Refusal, said};
use crate::line::IncidentLine;
use crate::log::NewEntry;
use crate::message;
use crate::room::{Field, Turn, next_number};
use crate::speech::{Language, Sentence, say};
use crate::sql;

/// Longest line of a report, in characters.
const LONGEST: usize = 4_000;

/// What is added to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum ReportCommand {
    /// The next numbered situation report; with `send` it goes to the focal points of the organisations concerned.
    Situation {
        text: String,
        send: bool,
    },
    /// Something that was said or done.
    Action {
        text: String,
    },
    /// A case of any desk belongs with it.
    Link {
        incident: IncidentId,
        label: String,
    },
    Close {
        outcome: String,
    },
}

/// A command with who gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportOrder {
    pub report: LogEntryId,
    pub actor: Actor,
    pub command: ReportCommand,
}

/// An incident was entered: it is kept, and the organisations of everybody involved are told at once. What followed, in
/// words.
pub(crate) async fn open(
    turn: &mut Turn,
    entry: &NewEntry,
    incident: &IncidentLine,
    happened: Timestamp,
) -> Result<Vec<Sentence>, Error> {
    let id = entry.id.unwrap_or_else(|| turn.tx.id());
    let word = |word: &Option<crate::line::Word>| word.as_ref().map(|word| word.text.clone());
    let who = word(&incident.who).unwrap_or_default();
    let involved = involved::of(turn, &who, happened).await?;
    let severity = incident.severity.unwrap_or(Severity::High);
    let exercise = incident.exercise || involved.mission.as_ref().is_some_and(|mission| mission.exercise);
    let number = next_number(&mut turn.tx, "report").await?;
    let mut report = Report {
        id,
        number,
        who,
        place: word(&incident.place),
        what: word(&incident.what).unwrap_or_default(),
        severity: severity.as_str().to_owned(),
        happened,
        opened: turn.now(),
        exercise,
        people: involved.people,
        vehicles: involved.vehicles,
        organisations: involved.organisations,
        mission: involved.mission.as_ref().map(|mission| mission.id),
        alarm: None,
        incident: None,
        incident_label: None,
        situations: 0,
        closed: None,
        outcome: None,
    };
    let flash = flash(turn, &report);
    let cause = Cause {
        kind: AlarmKind::Incident,
        subject: format!("report:{}", report.id),
        title: flash.clone(),
        missed: turn.now(),
        while_down: false,
        tell: Vec::new(),
    };
    let concerned = Concerned { organisations: report.organisations.clone(), people: report.people.clone() };
    let raised = alarm::raise_for(turn, cause, involved.mission.as_ref(), exercise, concerned).await?;
    report.alarm = raised.as_ref().map(|alarm| alarm.id);
    insert(turn, &report).await?;
    add(turn, &report, "flash", None, &flash).await?;
    turn.record("report.open", report.id, Json::Null, json!({ "label": report.label(), "severity": report.severity }));
    let mut outcome = vec![say!("{label} opened", label = report.label())];
    if !report.organisations.is_empty() {
        outcome.push(say!("to be told: {organisations}", organisations = report.organisations));
    }
    outcome.extend(raised.map(|alarm| say!("{label} raised: {title}", label = alarm.label(), title = alarm.title)));
    Ok(outcome)
}

/// The first words, for everybody who has to know at once. Of people it gives the number: each organisation is told of its
/// own.
fn flash(turn: &Turn, report: &Report) -> Sentence {
    let said = |text: &str| if text.is_empty() { say!("not said yet") } else { text.into() };
    let place = report.place.as_deref().map(|place| match turn.directory.place(place) {
        Some(record) => format!("{} ({})", record.text("name"), record.key),
        None => place.to_owned(),
    });
    let when = crate::line::both(report.happened, turn.now(), turn.directory.zone());
    let (label, severity) = (report.label(), Sentence::word(&report.severity));
    let (what, place, who) = (said(&report.what), said(place.as_deref().unwrap_or_default()), said(&report.who));
    match report.people.len() {
        0 => say!(
            "FLASH {label} ({severity}): {what}; where: {place}; who: {who}; {when}",
            label,
            severity,
            what,
            place,
            who,
            when
        ),
        1 => say!(
            "FLASH {label} ({severity}): {what}; where: {place}; who: {who}, 1 person involved; {when}",
            label,
            severity,
            what,
            place,
            who,
            when
        ),
        count => say!(
            "FLASH {label} ({severity}): {what}; where: {place}; who: {who}, {count} people involved; {when}",
            label,
            severity,
            what,
            place,
            who,
            count,
            when
        ),
    }
}

async fn insert(turn: &mut Turn, report: &Report) -> Result<(), Error> {
    let row = params![
        report.id,
        report.number,
        &report.who,
        report.place.clone(),
        &report.what,
        &report.severity,
        report.happened,
        report.opened,
        report.exercise,
        &json!(report.people),
        &json!(report.vehicles),
        &json!(report.organisations),
        report.mission,
        report.alarm,
    ];
    turn.tx.execute_one(&sql::INSERT_REPORT, row).await.map_err(Into::into)
}

/// Adds a line.
async fn add(turn: &mut Turn, report: &Report, kind: &str, number: Option<i64>, text: &Sentence) -> Result<(), Error> {
    let (author, now) = (turn.actor.to_string(), turn.now());
    let row = params![report.id, kind, number, text.english(), author, now, &json!(text)];
    turn.tx.execute_one(&sql::INSERT_REPORT_LINE, row).await.map_err(Into::into)
}

/// The next situation report, by a line of the log. What followed, in words.
pub(crate) async fn situation(turn: &mut Turn, number: i64, text: &str) -> Result<Vec<Sentence>, Error> {
    let row = turn.tx.fetch_optional(&sql::REPORT_NUMBERED, params![number]).await?;
    let report = row.map(|row| super::report(&row)).transpose()?;
    let report = report.ok_or_else(|| Error::missing("report", format!("IR-{number:04}")))?;
    let number = report_situation(turn, &report, text, false).await?;
    Ok(vec![say!("{label}: situation report {number}", label = report.label(), number)])
}

async fn report_situation(turn: &mut Turn, report: &Report, text: &str, send: bool) -> Result<i64, Error> {
    if report.closed.is_some() {
        return Err(Refusal::rule(say!("{label} is closed", label = report.label())).into());
    }
    let number = report.situations + 1;
    turn.tx.execute_one(&sql::COUNT_SITUATION, params![report.id, number]).await?;
    add(turn, report, "situation", Some(number), &Sentence::from(text)).await?;
    turn.record("report.situation", report.id, Json::Null, json!({ "number": number }));
    if send {
        let office = turn.office_language().await?;
        let dispatches = to_focal_points(turn, report, number, text, office);
        message::send(turn, dispatches).await?;
    }
    Ok(number)
}

/// One message to the first focal point of each organisation who can be written to.
fn to_focal_points(turn: &Turn, report: &Report, number: i64, text: &str, office: Language) -> Vec<Dispatch> {
    let role = crate::alarm::ladder::Role::FocalPoint;
    let dispatch = |organisation: &String| {
        let mut callees = turn.directory.callees(role, Some(organisation));
        callees.retain(|callee| !turn.directory.is_of(&callee.contact, &report.people));
        let addresses: Vec<Address> = callees
            .iter()
            .filter_map(|callee| match callee.means.as_str() {
                "email" => Some(Address::new(Travel::Email, callee.address.clone())),
                "sms" => Some(Address::new(Travel::Sms, callee.address.clone())),
                _ => None,
            })
            .collect();
        let name = callees.first().map(|callee| callee.name.clone())?;
        let own = callees.first().and_then(|callee| turn.directory.language_of_contact(&callee.contact));
        let subject = say!("{label}: situation report {number}", label = report.label(), number);
        (!addresses.is_empty()).then(|| Dispatch {
            key: format!("{}/situation/{number}/{organisation}", report.id),
            about: report.id.to_string(),
            recipient: format!("{name} ({organisation})"),
            addresses,
            subject: Some(subject.in_message(own.unwrap_or(office))),
            text: format!("{} SITREP {number}: {text}", report.label()),
            precedence: Precedence::Routine,
            exercise: report.exercise,
            secret: false,
            patience_s: None,
            expires: None,
        })
    };
    report.organisations.iter().filter_map(dispatch).collect()
}

/// A case was opened for a report.
pub(crate) async fn taken(turn: &mut Turn, entry: LogEntryId, incident: IncidentId, label: &str) -> Result<(), Error> {
    if turn.tx.execute(&sql::NOTE_INCIDENT, params![entry, incident, label]).await? > 0 {
        turn.record("report.incident", entry, Json::Null, json!({ "incident": incident }));
    }
    Ok(())
}

impl Field {
    /// Adds to a report, links it, closes it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] for a closed one.
    pub async fn command_report(&self, order: &ReportOrder) -> Result<Report, Error> {
        let mut turn = self.turn(&order.actor, "").await?;
        let found = find(&mut turn.tx, order.report).await?.ok_or_else(|| Error::missing("report", order.report))?;
        let label = found.label();
        let cleared = async |turn: &mut Turn, field: &str, text: &str| -> Result<String, Error> {
            Ok(duress::clear(&mut turn.tx, &said(field, text, LONGEST)?).await?.line)
        };
        let meaning = match &order.command {
            ReportCommand::Situation { text, send } => {
                let text = cleared(&mut turn, "text", text).await?;
                let number = report_situation(&mut turn, &found, &text, *send).await?;
                say!("{label} situation report {number}: {text}", label, number, text)
            }
            ReportCommand::Action { text } => {
                let text = cleared(&mut turn, "text", text).await?;
                add(&mut turn, &found, "action", None, &Sentence::from(text.as_str())).await?;
                turn.record("report.action", found.id, Json::Null, Json::Null);
                say!("{label}: {text}", label, text)
            }
            ReportCommand::Link { incident, label: other } => {
                let other = said("label", other, 200)?;
                let now = turn.now();
                turn.tx.execute(&sql::LINK_REPORT, params![found.id, *incident, &other, now]).await?;
                add(&mut turn, &found, "link", None, &say!("belongs with {other}", other)).await?;
                turn.record("report.link", found.id, Json::Null, json!({ "incident": incident }));
                say!("{label} belongs with {other}", label, other)
            }
            ReportCommand::Close { outcome } => {
                let outcome = cleared(&mut turn, "outcome", outcome).await?;
                close(&mut turn, &found, &outcome).await?;
                say!("{label} closed: {outcome}", label, outcome)
            }
        };
        let entry = NewEntry { mission: found.mission, ..NewEntry::words("incident", meaning) };
        turn.log(entry).await?;
        turn.finish().await?;
        find(&mut self.store.clone(), order.report).await?.ok_or_else(|| Error::missing("report", order.report))
    }
}

async fn close(turn: &mut Turn, report: &Report, outcome: &str) -> Result<(), Error> {
    let now: Timestamp = turn.now();
    if turn.tx.execute(&sql::CLOSE_REPORT, params![report.id, now, outcome]).await? == 0 {
        return Err(Refusal::rule(say!("{label} is closed already", label = report.label())).into());
    }
    add(turn, report, "closed", None, &Sentence::from(outcome)).await?;
    alarm::close_about(turn, &format!("report:{}", report.id), say!("the incident is over")).await?;
    turn.record("report.close", report.id, Json::Null, json!({ "outcome": outcome }));
    Ok(())
}
