//! What this room tells other nodes, and incidents that two rooms know under two names.
//!
//! Told are the duty log, missions, alarms, incidents, positions and calls for help. What is silent stays here: a duress word
//! is for those who are told of it, and they are here.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::message::PositionReported;
use kernel::{Actor, Fact, Severity, Timestamp};
use replica::{DISTRESS, DISTRESS_CANCELLED, Lane, NewEntry, RecordFilter, RecordView, Replica};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Delivery, Entry, HandlerError, Subscriber};

use crate::alarm::{Alarm, AlarmKind};
use crate::custody;
use crate::error::Error;
use crate::log::{LogEntry, LogFilter};
use crate::mission::Mission;
use crate::report::Report;
use crate::room::Field;
use crate::speech::Sentence;
use crate::told_alarm;

/// Facts of one transaction.
const TOGETHER: usize = 100;
/// Two rooms that write of it within so long write of the same.
const SAME_US: i64 = 2 * 3_600 * 1_000_000;
/// Two that are at one place within so long may be one, whatever they are called.
const PERHAPS_US: i64 = 30 * 60 * 1_000_000;
/// Incidents of other rooms that are compared.
const MOST: u32 = 500;

/// An incident of this room that another room knows too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedIncident {
    /// `IR-0042`: what it is called here.
    pub ours: String,
    /// The other node, and what it is called there.
    pub node: String,
    pub theirs: String,
    /// Both texts, as they were written.
    pub our_text: String,
    pub their_text: String,
    /// The worse of the two.
    pub severity: String,
    /// Open while it is open anywhere.
    pub open: bool,
    /// Why the two are taken for one.
    pub reason: String,
    /// The same place at the same time in other words: perhaps one, which a person has to say.
    pub perhaps: bool,
}

/// An incident as nodes tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldIncident {
    pub label: String,
    pub who: String,
    #[serde(default)]
    pub place: Option<String>,
    pub what: String,
    pub severity: String,
    pub happened: Timestamp,
    #[serde(default)]
    pub people: Vec<String>,
    #[serde(default)]
    pub vehicles: Vec<String>,
    #[serde(default)]
    pub closed: Option<Timestamp>,
    #[serde(default)]
    pub outcome: Option<String>,
}

impl Field {
    /// Tells other nodes what happens here. To be given to `Store::run_outbox`.
    pub fn teller(&self, replica: Replica) -> Arc<dyn Subscriber> {
        Arc::new(Teller { field: self.clone(), replica })
    }

    /// Incidents that this room and another have both written of. Both numbers stay in use.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn shared_incidents(&self, replica: &Replica) -> Result<Vec<SharedIncident>, Error> {
        let filter = RecordFilter { kind: INCIDENT.to_owned(), node: None, before: None };
        // What a newer program tells in other words is shown as it is, and compared with nothing.
        let read = |record: RecordView| Some((record.node, serde_json::from_value::<ToldIncident>(record.body).ok()?));
        let theirs: Vec<_> = replica.records(&filter, MOST).await?.into_iter().filter_map(read).collect();
        let mut shared = Vec::new();
        for ours in self.reports().await?.iter().map(told) {
            shared.extend(theirs.iter().filter_map(|(node, other)| same(&ours, node, other)));
        }
        Ok(shared)
    }
}

/// Whether two rooms write of one incident, and what is known of it together.
pub fn same(ours: &ToldIncident, node: &str, theirs: &ToldIncident) -> Option<SharedIncident> {
    if (ours.happened.micros() - theirs.happened.micros()).abs() > SAME_US {
        return None;
    }
    let common = |ours: &[String], theirs: &[String]| ours.iter().find(|one| theirs.contains(one)).cloned();
    let alike = |left: &str, right: &str| left.trim().to_lowercase() == right.trim().to_lowercase();
    let place = ours.place.as_deref().filter(|place| theirs.place.as_deref().is_some_and(|other| alike(place, other)));
    let near_us = (ours.happened.micros() - theirs.happened.micros()).abs();
    let mut perhaps = false;
    let reason = if let Some(person) = common(&ours.people, &theirs.people) {
        format!("{person} is in both")
    } else if let Some(vehicle) = common(&ours.vehicles, &theirs.vehicles) {
        format!("{vehicle} is in both")
    } else if alike(&ours.what, &theirs.what) {
        format!("both are {} at {}", ours.what, place?)
    } else {
        let place = place.filter(|_| near_us <= PERHAPS_US)?;
        perhaps = true;
        format!("both are at {place}, {} min apart: perhaps one, ask the other room", near_us / 60_000_000)
    };
    let rank = |severity: &str| Severity::parse(severity);
    let worse = if rank(&ours.severity) >= rank(&theirs.severity) { &ours.severity } else { &theirs.severity };
    Some(SharedIncident {
        ours: ours.label.clone(),
        node: node.to_owned(),
        theirs: theirs.label.clone(),
        our_text: text(ours),
        their_text: text(theirs),
        severity: worse.clone(),
        open: ours.closed.is_none() || theirs.closed.is_none(),
        reason,
        perhaps,
    })
}

fn text(incident: &ToldIncident) -> String {
    let place = incident.place.as_ref().map_or(String::new(), |place| format!(", {place}"));
    let outcome = incident.outcome.as_ref().map_or(String::new(), |outcome| format!(" ({outcome})"));
    format!("{}: {}{place}{outcome}", incident.who, incident.what)
}

/// Kinds of what is told; `replica` knows those of calls for help.
const LOG: &str = "log";
const MISSION: &str = "mission";
const ALARM: &str = "alarm";
const INCIDENT: &str = "incident";
const POSITION: &str = "position";

struct Teller {
    field: Field,
    replica: Replica,
}

#[async_trait]
impl Subscriber for Teller {
    fn name(&self) -> &'static str {
        "field.teller"
    }

    fn topics(&self) -> &'static [&'static str] {
        &[
            "duty-logged",
            "mission-changed",
            "alarm-changed",
            "positions-reported",
            "distress-signalled",
            "distress-cancelled",
            "report-taken",
        ]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.handle_some(std::slice::from_ref(delivery)).await.map(drop)
    }

    async fn handle_some(&self, deliveries: &[Delivery]) -> Result<usize, HandlerError> {
        let together = &deliveries[..deliveries.len().min(TOGETHER)];
        let mut told = Vec::with_capacity(together.len());
        for delivery in together {
            told.push(self.entries(&delivery.fact).await?);
        }
        let mut tx = self.field.store.begin_urgent().await?;
        let mut written = 0;
        for (delivery, entries) in together.iter().zip(told) {
            if tx.acknowledge(delivery).await? {
                written += self.replica.append(&mut tx, entries).await?;
            }
        }
        if written > 0 {
            let entry = Entry::new(&Actor::system("field"), "replica.tell", self.replica.node());
            tx.commit(entry.after(json!({ "entries": written }))).await?;
            self.replica.ring();
        }
        Ok(together.len())
    }
}

impl Teller {
    /// What a fact has to be told as: the thing as it is now.
    async fn entries(&self, fact: &Fact) -> Result<Vec<NewEntry>, Error> {
        match fact {
            Fact::DutyLogged { number, .. } => self.logged(*number).await,
            Fact::MissionChanged { mission, .. } => self.mission(&self.field.mission(*mission).await?).await,
            Fact::AlarmChanged { alarm, .. } => {
                let alarm = self.field.alarm_to_tell(*alarm).await?;
                Ok(alarm.as_ref().map(of_alarm).into_iter().collect())
            }
            Fact::ReportTaken { entry, .. } => self.incident(&entry.to_string()).await,
            Fact::PositionsReported { positions } => Ok(positions.iter().map(of_position).collect()),
            // What another node told is its to tell.
            Fact::DistressSignalled(signal) if !signal.source.starts_with("node ") => {
                Ok(vec![entry(Lane::Distress, DISTRESS, signal.signal.to_string(), json!(signal))])
            }
            Fact::DistressCancelled(signal) if !signal.source.starts_with("node ") => {
                Ok(vec![entry(Lane::Distress, DISTRESS_CANCELLED, signal.signal.to_string(), json!(signal))])
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn logged(&self, number: i64) -> Result<Vec<NewEntry>, Error> {
        let filter = LogFilter { before: number.checked_add(1), ..LogFilter::default() };
        let Some(logged) = self.field.duty_log(&filter, 1).await?.into_iter().find(|one| one.number == number) else {
            return Ok(Vec::new());
        };
        let mut entries = vec![of_log(&logged)];
        if logged.kind == INCIDENT {
            // Whatever was said of incidents may have changed any of them; what has not changed is not told.
            for report in self.field.reports().await? {
                entries.push(of_incident(&report));
            }
        }
        Ok(entries)
    }

    /// To a room that follows it, or is to, it is told with what is needed for that.
    async fn mission(&self, mission: &Mission) -> Result<Vec<NewEntry>, Error> {
        let mut told = of_mission(mission);
        let between = mission.custody_offered.is_some() || mission.custody.is_some() || mission.origin.is_some();
        if between && !mission.state.is_final() {
            let directory = self.field.directory().await?;
            replica::apply_patch(&mut told.body, custody::sheet_to_tell(mission, &directory, self.field.now()));
        }
        Ok(vec![told])
    }

    async fn incident(&self, id: &str) -> Result<Vec<NewEntry>, Error> {
        let reports = self.field.reports().await?;
        Ok(reports.iter().filter(|report| report.id.to_string() == id).map(of_incident).collect())
    }
}

fn entry(lane: Lane, kind: &'static str, subject: String, body: Json) -> NewEntry {
    NewEntry { lane, kind, subject, body, changes: false }
}

fn changing(lane: Lane, kind: &'static str, subject: String, body: Json) -> NewEntry {
    NewEntry { lane, kind, subject, body, changes: true }
}

/// Times as differences: most of them are zero.
fn of_log(logged: &LogEntry) -> NewEntry {
    let since = |time: Timestamp| Some(time.micros() - logged.entered.micros()).filter(|us| *us != 0);
    let outcome: Vec<&str> = logged.outcome.iter().map(Sentence::english).collect();
    let body = json!({
        "kind": logged.kind,
        "entered": logged.entered,
        "happened_us": since(logged.happened),
        "clock_suspect": Some(true).filter(|_| logged.clock_suspect),
        "author": logged.author,
        "sign": logged.sign,
        "holder": logged.holder,
        "mission": logged.mission,
        "line": Some(&logged.line).filter(|line| !line.is_empty()),
        "meaning": logged.meaning.english(),
        "outcome": Some(outcome).filter(|outcome| !outcome.is_empty()),
        "corrects": logged.corrects,
    });
    let told: serde_json::Map<String, Json> = match body {
        Json::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => serde_json::Map::new(),
    };
    entry(Lane::Log, LOG, logged.number.to_string(), Json::Object(told))
}

fn of_mission(mission: &Mission) -> NewEntry {
    let mut body = json!(mission);
    body["label"] = Json::from(mission.label());
    changing(Lane::Deadline, MISSION, mission.id.to_string(), body)
}

fn of_alarm(alarm: &Alarm) -> NewEntry {
    let lane = match alarm.kind {
        AlarmKind::Sos | AlarmKind::NeedsHelp => Lane::Distress,
        _ => Lane::Deadline,
    };
    let mut body = json!({
        "label": alarm.label(),
        "kind": alarm.kind,
        "title": alarm.title.english(),
        "title_said": alarm.title,
        "state": alarm.state,
        "mission": alarm.mission,
        "missed": alarm.missed,
        "raised": alarm.raised,
        "while_down": alarm.while_down,
        "owner": alarm.owner,
        "all_failed": alarm.all_failed,
        "closed": alarm.closed,
        "outcome": alarm.outcome.as_deref(),
    });
    told_alarm::mark(alarm, &mut body);
    changing(lane, ALARM, alarm.id.to_string(), body)
}

fn told(report: &Report) -> ToldIncident {
    ToldIncident {
        label: report.label(),
        who: report.who.clone(),
        place: report.place.clone(),
        what: report.what.clone(),
        severity: report.severity.clone(),
        happened: report.happened,
        people: report.people.clone(),
        vehicles: report.vehicles.clone(),
        closed: report.closed,
        outcome: report.outcome.clone(),
    }
}

fn of_incident(report: &Report) -> NewEntry {
    changing(Lane::Deadline, INCIDENT, report.id.to_string(), json!(told(report)))
}

/// To a metre: no device knows better, and digits cost.
fn of_position(report: &PositionReported) -> NewEntry {
    let metre = |degrees: f64| (degrees * 1e5).round() / 1e5;
    let body = json!({
        "fix": report.fix_time,
        "lat": metre(report.latitude),
        "lon": metre(report.longitude),
        "speed_mps": report.speed_mps.map(f64::round),
        "accuracy_m": report.accuracy_m.map(f64::round),
        "source": report.source,
    });
    entry(Lane::Bulk, POSITION, report.device.clone(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(what: &str, place: &str, minutes: i64, severity: &str, people: &[&str]) -> ToldIncident {
        ToldIncident {
            label: "IR-0007".to_owned(),
            who: "BF11".to_owned(),
            place: Some(place.to_owned()),
            what: what.to_owned(),
            severity: severity.to_owned(),
            happened: Timestamp(1_700_000_000_000_000 + minutes * 60_000_000),
            people: people.iter().map(|person| (*person).to_owned()).collect(),
            vehicles: Vec::new(),
            closed: None,
            outcome: None,
        }
    }

    #[test]
    fn two_rooms_write_of_one_incident() {
        let ours = incident("carjack", "Comoro", 0, "medium", &["P-1"]);
        let mut theirs = incident("Carjack", " comoro", 30, "high", &[]);
        theirs.label = "IR-0002".to_owned();
        let shared = same(&ours, "DILI", &theirs).unwrap();
        assert_eq!((shared.ours.as_str(), shared.theirs.as_str()), ("IR-0007", "IR-0002"), "both numbers stay");
        assert_eq!(
            (shared.our_text.as_str(), shared.their_text.as_str()),
            ("BF11: carjack, Comoro", "BF11: Carjack,  comoro")
        );
        assert_eq!((shared.severity.as_str(), shared.reason.as_str()), ("high", "both are carjack at Comoro"));
        let flipped = same(&theirs, "HQ", &ours).unwrap();
        assert_eq!(flipped.severity, "high", "whoever asks, the worse of the two");
        assert!(same(&ours, "DILI", &incident("robbery", "Hera", 10, "high", &["P-1"])).is_some(), "the same person");
        let perhaps = same(&ours, "DILI", &incident("carjacking of white car", "Comoro", 1, "high", &[])).unwrap();
        assert!(perhaps.perhaps && perhaps.reason.starts_with("both are at Comoro, 1 min apart"), "{}", perhaps.reason);
        assert!(!shared.perhaps);
        assert_eq!(same(&ours, "DILI", &incident("robbery", "Comoro", 31, "high", &[])), None);
        assert_eq!(same(&ours, "DILI", &incident("carjack", "Comoro", 121, "high", &["P-1"])), None);
    }
}
