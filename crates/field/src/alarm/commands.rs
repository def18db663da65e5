//! Raising, climbing, answering, closing.

use kernel::id::{AlarmId, MissionId};
use kernel::{Actor, Fact, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::params;

use super::alarms::{Alarm, AlarmKind, AlarmState, Attempt, AttemptState, Course};
use super::climb::{answered, climb, close, no_answer, remind, take};
use super::ladder::{self, Role, Step};
use super::{notify, records};
use crate::error::{Error, Refusal, said};
use crate::log::NewEntry;
use crate::mission::{self, Acted, ContactState, Mission};
use crate::register::AreaRules;
use crate::room::{Field, Turn, next_number};
use crate::speech::{Sentence, say};
use crate::sql;

/// What may be done with an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum AlarmCommand {
    /// Somebody has answered an attempt and sees to it; without an attempt, takes an alarm that nobody has.
    Acknowledge { attempt: Option<i64>, name: String },
    /// The means failed or nobody answers: the next one, without waiting.
    NoAnswer { attempt: i64 },
    /// It is settled; the reason says how.
    Close,
}

/// A command with who, why, and what it was based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmOrder {
    pub alarm: AlarmId,
    /// The version that was read.
    pub version: i64,
    pub actor: Actor,
    pub reason: String,
    pub command: AlarmCommand,
}

/// Why an alarm is raised.
pub(crate) struct Cause {
    pub(crate) kind: AlarmKind,
    pub(crate) subject: String,
    pub(crate) title: Sentence,
    pub(crate) missed: Timestamp,
    pub(crate) while_down: bool,
    /// Who is told of a silent one.
    pub(crate) tell: Vec<String>,
}

impl Field {
    /// Carries out a command.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`], and [`Error::Conflict`] with who was faster.
    pub async fn command_alarm(&self, order: &AlarmOrder) -> Result<Alarm, Error> {
        let mut turn = self.turn(&order.actor, &order.reason).await?;
        let found = records::find(&mut turn.tx, order.alarm).await?;
        let before = found.filter(|alarm| may_see(alarm, &order.actor));
        let before = before.ok_or_else(|| Error::missing("alarm", order.alarm))?;
        if before.version != order.version {
            return Err(Error::conflict(json!(order.command), state(&before), before.version));
        }
        if !before.is_open() {
            return Err(Refusal::rule(say!("{label} is closed", label = before.label())).into());
        }
        let (now, mut alarm) = (turn.now(), before.clone());
        let ended = |attempt: i64| Refusal::rule(say!("attempt {attempt} is not waiting for an answer", attempt));
        let (verb, notes) = match &order.command {
            AlarmCommand::Acknowledge { attempt, name } => {
                let name = said("name", name, 100)?;
                acknowledge(&mut alarm, *attempt, &name, now)?;
                ("acknowledge", vec![say!("{name} sees to it", name)])
            }
            AlarmCommand::NoAnswer { attempt } => {
                let directory = turn.directory.clone();
                let notes = no_answer(&mut alarm, *attempt, &directory, now).ok_or_else(|| ended(*attempt))?;
                ("no-answer", notes)
            }
            AlarmCommand::Close => {
                if let Some(problem) = still_missing(&mut turn, &before).await? {
                    return Err(Refusal::rule(problem).into());
                }
                close(&mut alarm, &Sentence::from(order.reason.as_str()), now);
                let mut notes = vec![say!("closed: {reason}", reason = order.reason)];
                notes.extend(still_waiting(&mut turn, &before).await?);
                ("close", notes)
            }
        };
        save(&mut turn, Some(&before), &mut alarm, verb, notes).await?;
        turn.finish().await?;
        Ok(alarm)
    }

    /// Alarms that somebody may see: open ones, or the latest of all.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn alarms(&self, all: bool, reader: &Actor) -> Result<Vec<Alarm>, Error> {
        let statement = if all { &sql::ALARMS } else { &sql::OPEN_ALARMS };
        let rows = self.store.fetch_all(statement, params![records::MOST]).await?;
        let alarms = rows.iter().map(records::alarm).collect::<Result<Vec<_>, _>>()?;
        Ok(alarms.into_iter().filter(|alarm| may_see(alarm, reader)).collect())
    }
}

impl Field {
    /// An alarm for other nodes; a silent one is for nobody there.
    pub(crate) async fn alarm_to_tell(&self, id: AlarmId) -> Result<Option<Alarm>, Error> {
        let row = self.store.fetch_optional(&sql::ALARM, params![id]).await?;
        let alarm = row.map(|row| records::alarm(&row)).transpose()?;
        Ok(alarm.filter(|alarm| !alarm.silent))
    }
}

/// Somebody sees to it: who answered an attempt, or who takes what nobody has.
fn acknowledge(alarm: &mut Alarm, attempt: Option<i64>, name: &str, now: Timestamp) -> Result<(), Refusal> {
    match (attempt, &alarm.owner) {
        (Some(attempt), _) => answered(alarm, attempt, name, now)
            .ok_or_else(|| Refusal::rule(say!("attempt {attempt} is not waiting for an answer", attempt))),
        (None, Some(owner)) if alarm.state == AlarmState::Acknowledged => {
            Err(Refusal::rule(say!("taken by {owner} already", owner)))
        }
        (None, _) => {
            take(alarm, name, now);
            Ok(())
        }
    }
}

/// While people are missing, only a contact or the end of their mission settles it: an alarm that somebody waves away
/// would leave them to nobody.
async fn still_missing(turn: &mut Turn, alarm: &Alarm) -> Result<Option<Sentence>, Error> {
    let (AlarmKind::ContactOverdue, Some(id)) = (alarm.kind, alarm.mission) else { return Ok(None) };
    let Some(found) = mission::find(&mut turn.tx, id).await? else { return Ok(None) };
    let missing = outcome(alarm, &found).is_none();
    Ok(missing.then(|| {
        say!("{label} is {contact}: log who was heard, and this closes", label = found.label(), contact = found.contact)
    }))
}

/// Who waits at a stop is asked after again, until they go on, stay overnight or are done: that somebody knows why they wait does
/// not end it.
async fn still_waiting(turn: &mut Turn, alarm: &Alarm) -> Result<Option<Sentence>, Error> {
    let (AlarmKind::Waiting, Some(id)) = (alarm.kind, alarm.mission) else { return Ok(None) };
    let Some(found) = mission::find(&mut turn.tx, id).await? else { return Ok(None) };
    let promised = mission::promises(&found).into_iter().find(|promise| promise.kind == mission::ONWARD);
    let Some(promised) = promised else { return Ok(None) };
    let due = turn.now().plus_micros(mission::STOP_US);
    turn.tx.deadline(promised.deadline(due)).await?;
    let when = crate::line::both(due, turn.now(), turn.directory.zone());
    Ok(Some(say!("{label} is asked after again at {when}", label = found.label(), when)))
}

/// A silent alarm exists for those who are told of it, and for nobody else.
fn may_see(alarm: &Alarm, reader: &Actor) -> bool {
    !alarm.silent || matches!(reader, Actor::User(user) if alarm.course.tell.contains(user))
}

/// Raises an alarm, unless one with its subject is open. It climbs as far as it is due.
pub(crate) async fn raise(turn: &mut Turn, cause: Cause, about: Option<&Mission>) -> Result<Option<Alarm>, Error> {
    let concerned = about.map(|mission| concerned(turn, mission)).unwrap_or_default();
    raise_for(turn, cause, about, false, concerned).await
}

/// Whom an alarm concerns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Concerned {
    /// Their focal points are told.
    pub(crate) organisations: Vec<String>,
    /// Whom it is about, by key.
    pub(crate) people: Vec<String>,
}

impl Concerned {
    /// These and others, each once.
    pub(crate) fn and(mut self, others: Concerned) -> Concerned {
        for (all, more) in [(&mut self.organisations, others.organisations), (&mut self.people, others.people)] {
            all.extend(more);
            all.sort_unstable();
            all.dedup();
        }
        self
    }
}

/// The same for those whom it concerns; as an exercise when `drill` says so, or the mission is one: nobody but
/// the desk is told then.
pub(crate) async fn raise_for(
    turn: &mut Turn,
    cause: Cause,
    about: Option<&Mission>,
    drill: bool,
    concerned: Concerned,
) -> Result<Option<Alarm>, Error> {
    let drill = drill || about.is_some_and(|mission| mission.exercise);
    match open_about(turn, &cause.subject).await? {
        Some(_) => Ok(None),
        None => begin(turn, cause, about, drill, concerned, None).await.map(Some),
    }
}

/// The ladder for what happened there.
pub(super) fn steps(turn: &Turn, kind: AlarmKind, about: Option<&Mission>, drill: bool) -> Vec<Step> {
    match kind {
        AlarmKind::Duress => ladder::silent(),
        AlarmKind::Incident if !drill => ladder::incident(),
        AlarmKind::ContactOverdue | AlarmKind::Sos | AlarmKind::NeedsHelp if !drill => rules(turn, about).ladder,
        _ => vec![Step { after_min: 0, role: Role::Desk, means: None, answer_min: None, lost: false }],
    }
}

fn rules(turn: &Turn, about: Option<&Mission>) -> AreaRules {
    turn.directory.area(about.map_or("", |mission| mission.area.as_str()))
}

/// A title as it is shown: of a drill it says so.
pub(super) fn marked(title: Sentence, drill: bool) -> Sentence {
    let says_so = title.to_string().starts_with("EXERCISE");
    if drill && !says_so { say!("EXERCISE: {title}", title) } else { title }
}

/// A new alarm, with the steps that are due already.
pub(super) async fn begin(
    turn: &mut Turn,
    cause: Cause,
    about: Option<&Mission>,
    drill: bool,
    concerned: Concerned,
    called: Option<Timestamp>,
) -> Result<Alarm, Error> {
    let Concerned { organisations, people } = concerned;
    let mut alarm = Alarm {
        id: turn.tx.id(),
        number: next_number(&mut turn.tx, "alarm").await?,
        kind: cause.kind,
        silent: cause.kind == AlarmKind::Duress,
        subject: cause.subject,
        mission: about.map(|mission| mission.id),
        title: marked(cause.title, drill),
        state: AlarmState::Open,
        missed: cause.missed,
        raised: turn.now(),
        while_down: cause.while_down,
        owner: None,
        all_failed: false,
        closed: None,
        outcome: None,
        course: Course {
            steps: steps(turn, cause.kind, about, drill),
            next: 0,
            answer_us: rules(turn, about).answer_us,
            drill,
            organisations,
            people,
            attempts: Vec::new(),
            tell: cause.tell,
            reminders: 0,
            reminded: None,
            called,
        },
        version: 0,
    };
    let (directory, now) = (turn.directory.clone(), turn.now());
    let notes = climb(&mut alarm, &directory, now);
    save(turn, None, &mut alarm, "raise", notes).await?;
    if alarm.is_at_lost() {
        lost(turn, &alarm).await?;
    }
    Ok(alarm)
}

/// Everybody aboard, their organisations, and the owners of the vehicles.
pub(crate) fn concerned(turn: &Turn, mission: &Mission) -> Concerned {
    let of = |noun: &str, key: &str| turn.directory.record(noun, key)?.text_opt("organisation");
    let people = mission.aboard().into_iter().filter_map(|person| of("person", person));
    let owners = mission.present().filter_map(|one| of("vehicle", &one.vehicle));
    let mut all: Vec<String> = people.chain(owners).collect();
    all.sort_unstable();
    all.dedup();
    Concerned { organisations: all, people: mission.aboard().into_iter().map(str::to_owned).collect() }
}

/// Writes an alarm with its log entry, ledger entry and fact. A silent one leaves no line in the log and no fact.
pub(super) async fn save(
    turn: &mut Turn,
    before: Option<&Alarm>,
    alarm: &mut Alarm,
    verb: &str,
    notes: Vec<Sentence>,
) -> Result<(), Error> {
    alarm.version += 1;
    records::save(&mut turn.tx, before, alarm).await?;
    notify::of_changes(turn, before, alarm).await?;
    let after = if alarm.silent { Json::Null } else { state(alarm) };
    turn.record(&format!("alarm.{verb}"), alarm.id, Json::Null, after);
    if alarm.silent {
        let (alarm, tell, version) = (alarm.id, alarm.course.tell.clone(), alarm.version);
        turn.tx.emit(Fact::SilentAlarmChanged { alarm, tell, version, at: turn.now() });
        return Ok(());
    }
    turn.tx.emit(Fact::AlarmChanged { alarm: alarm.id, version: alarm.version, at: turn.now() });
    let (label, title, was_down) = (alarm.label(), &alarm.title, before.is_none() && alarm.while_down);
    let verb = Sentence::word(verb);
    let meaning = if was_down {
        say!("{label} {verb}: {title} (expired while down)", label, verb, title)
    } else {
        say!("{label} {verb}: {title}", label, verb, title)
    };
    let entry = NewEntry { mission: alarm.mission, outcome: notes, ..NewEntry::words("alarm", meaning) };
    turn.log(entry).await.map(drop)
}

fn state(alarm: &Alarm) -> Json {
    json!({
        "label": alarm.label(),
        "kind": alarm.kind,
        "title": alarm.title.english(),
        "state": alarm.state,
        "owner": alarm.owner,
        "step": alarm.course.next,
        "attempts": alarm.course.attempts.len(),
        "all_failed": alarm.all_failed,
        "version": alarm.version,
    })
}

/// The next step is due.
pub(crate) async fn climb_on(turn: &mut Turn, id: AlarmId) -> Result<(), Error> {
    let Some(before) = records::find(&mut turn.tx, id).await?.filter(Alarm::is_open) else { return Ok(()) };
    let (directory, now, mut alarm) = (turn.directory.clone(), turn.now(), before.clone());
    let was_lost = before.is_at_lost();
    let notes = climb(&mut alarm, &directory, now);
    if alarm == before {
        return Ok(());
    }
    save(turn, Some(&before), &mut alarm, "climb", notes).await?;
    if alarm.is_at_lost() && !was_lost { lost(turn, &alarm).await } else { Ok(()) }
}

/// An alarm is open after its last step.
pub(crate) async fn remind_of(turn: &mut Turn, id: AlarmId) -> Result<(), Error> {
    let Some(before) = records::find(&mut turn.tx, id).await?.filter(Alarm::is_open) else { return Ok(()) };
    let (directory, now, mut alarm) = (turn.directory.clone(), turn.now(), before.clone());
    let notes = remind(&mut alarm, &directory, now);
    if alarm == before {
        return Ok(());
    }
    save(turn, Some(&before), &mut alarm, "remind", notes).await
}

/// Somebody answered by a message: takes it, or passes it on. What it did, in words; `None`: it waits for nobody.
pub(crate) async fn answered_by_message(
    turn: &mut Turn,
    id: AlarmId,
    attempt: i64,
    takes: bool,
) -> Result<Option<Sentence>, Error> {
    let Some(before) = records::find(&mut turn.tx, id).await?.filter(Alarm::is_open) else { return Ok(None) };
    let (directory, now, mut alarm) = (turn.directory.clone(), turn.now(), before.clone());
    // It was written to their address, so it is they who answer.
    let asked = alarm.course.attempts.iter().find(|one| one.number == attempt).map(|one| one.name.clone());
    let Some(name) = asked else { return Ok(None) };
    let other = before.owner.clone().filter(|owner| before.state == AlarmState::Acknowledged && *owner != name);
    let done = if let (true, Some(owner)) = (takes, other) {
        // The first keeps it; who answers later is told so.
        let kept = answered(&mut alarm, attempt, &name, now);
        alarm.owner = Some(owner.clone());
        kept.map(|()| vec![say!("{name} would see to it, too; {owner} has it", name, owner)])
    } else if takes {
        answered(&mut alarm, attempt, &name, now).map(|()| vec![say!("{name} sees to it, by message", name)])
    } else {
        no_answer(&mut alarm, attempt, &directory, now).map(|mut notes| {
            if let Some(first) = notes.first_mut() {
                *first = say!("{name} passes it on, by message", name);
            }
            notes
        })
    };
    let Some(notes) = done else { return Ok(None) };
    let verb = if takes { "acknowledge" } else { "no-answer" };
    let what = Sentence::joined(notes.iter().cloned()).unwrap_or_default();
    let told = say!("{label}: {what}", label = alarm.label(), what);
    save(turn, Some(&before), &mut alarm, verb, notes).await?;
    Ok(Some(told))
}

/// An attempt that waits for somebody's answer.
pub(crate) struct Waiting {
    pub(crate) alarm: AlarmId,
    pub(crate) number: i64,
    pub(crate) attempt: i64,
}

/// What waits for an answer of whoever has that address, or is that person.
pub(crate) async fn waiting_for(turn: &mut Turn, address: &str, person: Option<&str>) -> Result<Vec<Waiting>, Error> {
    let directory = turn.directory.clone();
    let theirs = |attempt: &Attempt| {
        let contact = attempt.contact.as_deref().and_then(|contact| directory.record("contact", contact));
        let of_person = contact.and_then(|contact| contact.text_opt("person"));
        attempt.state == AttemptState::Pending
            && (directory.same_address(&attempt.address, address)
                || (person.is_some() && of_person.as_deref() == person))
    };
    let mut waiting = Vec::new();
    for alarm in records::open_in(&mut turn.tx).await? {
        let (number, id) = (alarm.number, alarm.id);
        let pending = alarm.course.attempts.iter().filter(|attempt| theirs(attempt));
        waiting.extend(pending.map(|attempt| Waiting { alarm: id, number, attempt: attempt.number }));
    }
    waiting.sort_by_key(|one| one.number);
    Ok(waiting)
}

/// Notes something on an open alarm: it goes into the log under the alarm's name.
pub(crate) async fn note(turn: &mut Turn, id: AlarmId, text: Sentence) -> Result<(), Error> {
    let Some(before) = records::find(&mut turn.tx, id).await?.filter(Alarm::is_open) else { return Ok(()) };
    let mut alarm = before.clone();
    save(turn, Some(&before), &mut alarm, "note", vec![text]).await
}

/// The people of an alarm count as lost from now on.
async fn lost(turn: &mut Turn, alarm: &Alarm) -> Result<(), Error> {
    let Some(id) = alarm.mission else { return Ok(()) };
    let Some(before) = mission::find(&mut turn.tx, id).await? else { return Ok(()) };
    let vehicle = alarm.subject.split_once('/').map(|(_, vehicle)| vehicle);
    if let Some(mission) = mission::lose(&before, vehicle, turn.now()) {
        let acted = Acted { mission, notes: Vec::new(), contact: false };
        mission::write_record(turn, Some(&before), &acted, "lose").await?;
    }
    Ok(())
}

/// Nobody answered an attempt in time.
pub(crate) async fn unanswered(turn: &mut Turn, id: AlarmId, attempt: i64) -> Result<(), Error> {
    let Some(before) = records::find(&mut turn.tx, id).await?.filter(Alarm::is_open) else { return Ok(()) };
    let (directory, now, mut alarm) = (turn.directory.clone(), turn.now(), before.clone());
    match no_answer(&mut alarm, attempt, &directory, now) {
        Some(notes) => save(turn, Some(&before), &mut alarm, "no-answer", notes).await,
        None => Ok(()),
    }
}

/// Closes the alarms of a mission that are settled by its state, and tells which.
pub(crate) async fn settle(turn: &mut Turn, mission: &Mission) -> Result<Vec<Sentence>, Error> {
    let mut notes = Vec::new();
    let rows = turn.tx.fetch_all(&sql::OPEN_ALARMS_OF_MISSION, params![mission.id]).await?;
    for row in &rows {
        let before = records::alarm(row)?;
        let Some(outcome) = outcome(&before, mission) else { continue };
        let (mut alarm, now) = (before.clone(), turn.now());
        close(&mut alarm, &outcome, now);
        notes.push(say!("{label} closed: {outcome}", label = alarm.label(), outcome));
        save(turn, Some(&before), &mut alarm, "settle", vec![outcome]).await?;
    }
    Ok(notes)
}

/// Nobody of the vehicle that it is about is on the way any more: it was left, empty.
fn is_left_behind(alarm: &Alarm, mission: &Mission) -> bool {
    let vehicle = alarm.subject.split_once('/').map(|(_, vehicle)| vehicle);
    mission.convoy.iter().any(|one| Some(one.vehicle.as_str()) == vehicle && one.left.is_some())
}

/// How an alarm of a mission is settled by the mission's state. What a person must close is not settled by itself.
fn outcome(alarm: &Alarm, mission: &Mission) -> Option<Sentence> {
    match alarm.kind {
        AlarmKind::ContactOverdue if mission.state.is_final() => Some(say!("the mission is over")),
        AlarmKind::ContactOverdue if is_left_behind(alarm, mission) => Some(say!("the vehicle stays behind, empty")),
        AlarmKind::ContactOverdue => {
            let contact = match alarm.subject.split_once('/') {
                Some((_, vehicle)) => {
                    let one = mission.convoy.iter().find(|one| one.vehicle == vehicle);
                    one.filter(|one| one.is_on_the_way()).map_or(ContactState::Ok, |one| one.contact)
                }
                None => mission.contact,
            };
            matches!(contact, ContactState::Ok | ContactState::Regained).then(|| say!("heard again"))
        }
        AlarmKind::NotDeparted => {
            let waiting = mission.departed.is_none() && !mission.state.is_final();
            (!waiting).then(|| say!("it departed, or will not"))
        }
        AlarmKind::Waiting => {
            let waits = mission.is_all_in() && !mission.state.is_final() && !mission.overnight;
            let silent = mission.last_contact.is_none_or(|last| last < alarm.raised);
            (!waits || !silent).then(|| say!("it went on, is over, or was heard"))
        }
        AlarmKind::Sos
        | AlarmKind::UnexpectedTraffic
        | AlarmKind::RoundOpen
        | AlarmKind::HeadcountOpen
        | AlarmKind::NeedsHelp
        | AlarmKind::NoGo
        | AlarmKind::NoGoStop
        | AlarmKind::OffRoute
        | AlarmKind::Equipment
        | AlarmKind::Incident
        | AlarmKind::Duress => None,
    }
}

/// About which mission and vehicle a subject is.
pub(crate) fn of_mission(subject: &str) -> Option<(MissionId, Option<&str>)> {
    match subject.split_once('/') {
        Some((mission, vehicle)) => Some((mission.parse().ok()?, Some(vehicle))),
        None => Some((subject.parse().ok()?, None)),
    }
}

/// The open alarm about a subject.
pub(crate) async fn open_about(turn: &mut Turn, subject: &str) -> Result<Option<Alarm>, Error> {
    let row = turn.tx.fetch_optional(&sql::OPEN_ALARM_ABOUT, params![subject]).await?;
    row.map(|row| records::alarm(&row)).transpose()
}

/// Closes the open alarm about a subject, if there is one.
pub(crate) async fn close_about(turn: &mut Turn, subject: &str, outcome: Sentence) -> Result<(), Error> {
    let row = turn.tx.fetch_optional(&sql::OPEN_ALARM_ABOUT, params![subject]).await?;
    let Some(before) = row.map(|row| records::alarm(&row)).transpose()? else { return Ok(()) };
    let (mut alarm, now) = (before.clone(), turn.now());
    close(&mut alarm, &outcome, now);
    save(turn, Some(&before), &mut alarm, "settle", vec![outcome]).await
}
