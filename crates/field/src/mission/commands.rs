//! Load, decide, write in one transaction.

use kernel::id::MissionId;
use kernel::{Actor, Fact, Timestamp};
use serde_json::{Value as Json, json};

use super::command::Command;
use super::decide::{Acted, Moment, decide};
use super::promises::{Promise, promises};
use super::sheet::{ContactState, ConvoyVehicle, Leg, Mission, MissionState, Origin, Seat};
use super::{doubts, records};
use crate::alarm;
use crate::error::{Error, Refusal, said};
use crate::log::NewEntry;
use crate::register::Directory;
use crate::room::{Field, Turn, next_number};
use crate::speech::{Sentence, say};

/// Most vehicles, people and legs of a mission.
const MOST_PARTS: usize = 500;
const LONGEST_TITLE: usize = 200;
/// A departure may have been planned so long ago, when a sheet is typed in from paper.
const LATEST_REQUEST_US: i64 = 24 * 3_600 * 1_000_000;

/// A mission that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMission {
    pub title: String,
    pub legs: Vec<Leg>,
    /// Plates.
    pub vehicles: Vec<String>,
    /// People by key, and the vehicle in which each sits.
    pub people: Vec<(String, Option<String>)>,
    pub leader: Option<String>,
    pub deputy: Option<String>,
    pub planned_departure: Option<Timestamp>,
    pub exercise: bool,
    pub actor: Actor,
    pub reason: String,
}

/// A command with who, why, and what it was based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissionOrder {
    pub mission: MissionId,
    /// The version that was read.
    pub version: i64,
    /// When it happened, if not now.
    pub at: Option<Timestamp>,
    pub actor: Actor,
    pub reason: String,
    pub command: Command,
}

/// A mission that was changed, and what is to be known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub mission: Mission,
    pub notes: Vec<Sentence>,
}

impl Field {
    /// Draws up a mission.
    ///
    /// # Errors
    /// [`Error::Refused`] with the field that is wrong.
    pub async fn request_mission(&self, order: &RequestMission) -> Result<Moved, Error> {
        let title = said("title", &order.title, LONGEST_TITLE)?;
        let mut turn = self.turn(&order.actor, &order.reason).await?;
        let now = turn.now();
        check_request(&turn.directory, order, now)?;
        let notes = doubts::of_request(&mut turn, order).await?;
        let mission = Mission {
            id: turn.tx.id(),
            number: next_number(&mut turn.tx, "mission").await?,
            title,
            state: MissionState::Draft,
            contact: ContactState::Ok,
            area: order.legs.first().map(|leg| leg.area.trim().to_uppercase()).unwrap_or_default(),
            legs: order.legs.iter().map(clean_leg).collect(),
            leg: 0,
            convoy: order.vehicles.iter().map(|vehicle| ConvoyVehicle::new(vehicle)).collect(),
            manifest: order
                .people
                .iter()
                .map(|(person, vehicle)| first_seat(person, vehicle.as_deref(), now))
                .collect(),
            leader: order.leader.as_ref().map(|sign| sign.trim().to_uppercase()),
            deputy: order.deputy.as_ref().map(|sign| sign.trim().to_uppercase()),
            planned_departure: order.planned_departure,
            departed: None,
            due: None,
            last_contact: None,
            heard_before: None,
            last_place: order.legs.first().map(|leg| leg.from.trim().to_owned()),
            place_before: None,
            overnight: false,
            custody: None,
            custody_offered: None,
            offer: None,
            origin: None,
            claimed: None,
            exercise: order.exercise,
            created: now,
            updated: now,
            ended: None,
            version: 1,
        };
        let acted = Acted { mission, notes, contact: false };
        conclude(turn, None, acted, "request", None).await
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] by the state machine, [`Error::Conflict`] when somebody changed the
    /// mission after the version that the order is based on.
    pub async fn command_mission(&self, order: &MissionOrder) -> Result<Moved, Error> {
        let mut turn = self.turn(&order.actor, &order.reason).await?;
        let found = records::find(&mut turn.tx, order.mission).await?;
        let before = found.ok_or_else(|| Error::missing("mission", order.mission))?;
        if before.version != order.version {
            return Err(Error::conflict(json!(order.command), state(&before), before.version));
        }
        let mut command = cleaned(&turn.directory, &order.command)?;
        self.between_nodes(&before, &mut command).await?;
        let moment = moment(&turn, &before, &command, order.at);
        if moment.at > moment.now {
            return Err(Refusal::bad("at", say!("it lies in the future")).into());
        }
        let mut acted = decide(&before, &command, moment)?;
        if let Command::LeaveVehicle { vehicle, .. } = &command {
            doubts::pass_lead(&turn.directory, &mut acted, vehicle, moment.now);
        }
        if let Command::AddVehicle { vehicle } = &command {
            acted.notes.extend(doubts::of_vehicle(&mut turn, vehicle, Some(before.id)).await?);
        }
        if let Command::Seat { vehicle: Some(vehicle), .. } = &command {
            acted.notes.extend(doubts::of_seats(&turn.directory, &acted.mission, vehicle, moment.now));
        }
        if let Command::Seat { person, vehicle: Some(_) } = &command {
            acted.notes.extend(doubts::of_person(&mut turn, person, Some(before.id)).await?);
        }
        conclude(turn, Some(&before), acted, command.name(), order.at).await
    }

    /// Missions that are not over, the most urgent first; with `all` also the others.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn missions(&self, all: bool) -> Result<Vec<Mission>, Error> {
        records::open(&self.store, all).await
    }

    /// One mission.
    ///
    /// # Errors
    /// [`Error::NotFound`], besides.
    pub async fn mission(&self, id: MissionId) -> Result<Mission, Error> {
        records::one(&self.store, id).await?.ok_or_else(|| Error::missing("mission", id))
    }
}

/// Writes what was decided, with the line of the log that says so.
pub(crate) async fn conclude(
    mut turn: Turn,
    before: Option<&Mission>,
    acted: Acted,
    verb: &str,
    at: Option<Timestamp>,
) -> Result<Moved, Error> {
    let mission = acted.mission.clone();
    let closing = write(&mut turn, before, &acted, verb).await?;
    let mut notes = acted.notes;
    notes.extend(closing);
    let reason = turn.reason.clone();
    let entry = NewEntry {
        happened: at,
        mission: Some(mission.id),
        outcome: notes.clone(),
        ..NewEntry::words(
            "mission",
            say!("{label} {verb}: {reason}", label = mission.label(), verb = Sentence::word(verb), reason),
        )
    };
    turn.log(entry).await?;
    turn.finish().await?;
    Ok(Moved { mission, notes })
}

/// When a command happened, and the interval of the area that holds after it.
pub(crate) fn moment(turn: &Turn, mission: &Mission, command: &Command, at: Option<Timestamp>) -> Moment {
    let area = match command {
        Command::Reroute { area, .. } => area.as_deref().unwrap_or(&mission.area),
        Command::Depart => {
            let leg = mission.leg + usize::from(mission.state == MissionState::Arrived);
            mission.legs.get(leg).map_or(mission.area.as_str(), |leg| leg.area.as_str())
        }
        _ => mission.area.as_str(),
    };
    let now = turn.now();
    let interval_us = interval(&turn.directory, area, mission.origin.as_ref());
    Moment { at: at.unwrap_or(now), now, interval_us }
}

/// Microseconds between contacts: as the area says. Of what was taken over from another room, the stricter of what it says
/// there and here.
pub(crate) fn interval(directory: &Directory, area: &str, origin: Option<&Origin>) -> i64 {
    match origin {
        Some(origin) if directory.record("area", area).is_none() => origin.interval_us,
        Some(origin) => origin.interval_us.min(directory.area(area).interval_us),
        None => directory.area(area).interval_us,
    }
}

/// Writes a mission: its record, its deadlines by the difference of what it owes, the alarms that are settled, the fact
/// and the ledger entry. What was settled is told in words.
pub(crate) async fn write(
    turn: &mut Turn,
    before: Option<&Mission>,
    acted: &Acted,
    verb: &str,
) -> Result<Vec<Sentence>, Error> {
    write_record(turn, before, acted, verb).await?;
    alarm::settle(turn, &acted.mission).await
}

/// The same without a look at its alarms.
pub(crate) async fn write_record(
    turn: &mut Turn,
    before: Option<&Mission>,
    acted: &Acted,
    verb: &str,
) -> Result<(), Error> {
    let mission = &acted.mission;
    records::save(&mut turn.tx, before, mission).await?;
    let owed = before.map(promises).unwrap_or_default();
    move_deadlines(turn, &owed, &promises(mission), acted).await?;
    turn.tx.emit(Fact::MissionChanged { mission: mission.id, version: mission.version, at: turn.now() });
    turn.record(&format!("mission.{verb}"), mission.id, before.map_or(Json::Null, state), state(mission));
    Ok(())
}

async fn move_deadlines(turn: &mut Turn, owed: &[Promise], owes: &[Promise], acted: &Acted) -> Result<(), Error> {
    for promise in owed {
        let still = owes.iter().find(|new| (new.kind, &new.subject) == (promise.kind, &promise.subject));
        if still.is_some_and(|new| new.due == promise.due) {
            continue;
        }
        let voided = acted.mission.state == MissionState::Cancelled;
        if acted.contact && !voided {
            turn.tx.keep_deadline(promise.kind, &promise.subject).await?;
        } else if still.is_none() {
            turn.tx.cancel_deadline(promise.kind, &promise.subject).await?;
        }
    }
    for promise in owes {
        if owed.iter().any(|old| (old.kind, &old.subject, old.due) == (promise.kind, &promise.subject, promise.due)) {
            continue;
        }
        turn.tx.deadline(promise.deadline(promise.due)).await?;
    }
    Ok(())
}

/// What the ledger keeps of a mission at each change.
fn state(mission: &Mission) -> Json {
    json!({
        "label": mission.label(),
        "state": mission.state,
        "contact": mission.contact,
        "area": mission.area,
        "due": mission.due.map(|due| due.to_string()),
        "convoy": mission.present().map(|one| &one.vehicle).collect::<Vec<_>>(),
        "aboard": mission.aboard(),
        "custody": mission.custody,
        "version": mission.version,
    })
}

fn first_seat(person: &str, vehicle: Option<&str>, now: Timestamp) -> Seat {
    let vehicle = vehicle.map(|plate| plate.trim().to_uppercase());
    Seat { person: person.trim().to_uppercase(), vehicle, from: now, until: None }
}

fn clean_leg(leg: &Leg) -> Leg {
    let clean = |text: &str| text.trim().to_owned();
    let corridor = leg.corridor.as_ref().map(|key| key.trim().to_uppercase());
    Leg {
        from: clean(&leg.from),
        to: clean(&leg.to),
        area: leg.area.trim().to_uppercase(),
        corridor,
        began: None,
        planned: leg.planned,
    }
}

fn known(directory: &Directory, noun: &'static str, field: &str, key: &str) -> Result<(), Refusal> {
    let found = directory.record(noun, key.trim()).is_some_and(|record| record.retired.is_none());
    if found {
        Ok(())
    } else {
        Err(Refusal::bad(
            field,
            say!("there is no {noun} `{key}` in the register", noun = Sentence::word(noun), key = key.trim()),
        ))
    }
}

fn known_corridor(directory: &Directory, field: &str, key: &str) -> Result<(), Refusal> {
    known(directory, "fence", field, key)?;
    let kind = directory.record("fence", key.trim()).map(|record| record.text("kind").to_owned());
    match kind.filter(|kind| kind != "corridor") {
        Some(kind) => {
            Err(Refusal::bad(field, say!("`{key}` is a fence of kind {kind}, not a corridor", key = key.trim(), kind)))
        }
        None => Ok(()),
    }
}

fn known_sign(directory: &Directory, field: &str, sign: Option<&str>) -> Result<(), Refusal> {
    match sign {
        Some(sign) if !directory.knows_sign(sign.trim()) => {
            Err(Refusal::bad(field, say!("`{sign}` is nobody's call sign", sign = sign.trim())))
        }
        _ => Ok(()),
    }
}

fn check_request(directory: &Directory, order: &RequestMission, now: Timestamp) -> Result<(), Refusal> {
    if order.legs.is_empty() || order.legs.len() > MOST_PARTS {
        return Err(Refusal::bad("legs", say!("a mission has 1 to {most} legs", most = MOST_PARTS)));
    }
    if order.vehicles.len() > MOST_PARTS || order.people.len() > MOST_PARTS {
        return Err(Refusal::bad(
            "people",
            say!("a mission has at most {most} people and vehicles", most = MOST_PARTS),
        ));
    }
    if order.vehicles.is_empty() && order.people.is_empty() {
        return Err(Refusal::bad("people", say!("nobody goes: name people, vehicles or both")));
    }
    if order.planned_departure.is_some_and(|planned| planned.micros() + LATEST_REQUEST_US < now.micros()) {
        return Err(Refusal::bad("planned_departure", say!("it lies more than a day back: is the date right?")));
    }
    for leg in &order.legs {
        said("legs.from", &leg.from, LONGEST_TITLE)?;
        said("legs.to", &leg.to, LONGEST_TITLE)?;
        known(directory, "area", "legs.area", &leg.area)?;
        if let Some(corridor) = &leg.corridor {
            known_corridor(directory, "legs.corridor", corridor)?;
        }
    }
    for (at, vehicle) in order.vehicles.iter().enumerate() {
        known(directory, "vehicle", "vehicles", vehicle)?;
        if order.vehicles[..at].iter().any(|other| other.trim().eq_ignore_ascii_case(vehicle.trim())) {
            return Err(Refusal::bad("vehicles", say!("{vehicle} is there twice", vehicle)));
        }
    }
    for (at, (person, vehicle)) in order.people.iter().enumerate() {
        known(directory, "person", "people", person)?;
        if order.people[..at].iter().any(|(other, _)| other.trim().eq_ignore_ascii_case(person.trim())) {
            return Err(Refusal::bad("people", say!("{person} is there twice", person)));
        }
        let Some(vehicle) = vehicle else { continue };
        if !order.vehicles.iter().any(|plate| plate.trim().eq_ignore_ascii_case(vehicle.trim())) {
            return Err(Refusal::bad(
                "people",
                say!("{person} sits in {vehicle}, which is not in the convoy", person, vehicle),
            ));
        }
    }
    reports_from_it(directory, "leader", order, order.leader.as_deref(), now)?;
    reports_from_it(directory, "deputy", order, order.deputy.as_deref(), now)
}

/// Who reports for all is of the convoy: else no contact could ever be made.
fn reports_from_it(
    directory: &Directory,
    field: &str,
    order: &RequestMission,
    sign: Option<&str>,
    now: Timestamp,
) -> Result<(), Refusal> {
    known_sign(directory, field, sign)?;
    let Some(holder) = sign.and_then(|sign| directory.holder(sign.trim(), now)) else { return Ok(()) };
    let is_it = |key: &String| key.trim().eq_ignore_ascii_case(&holder.key);
    let along = match holder.kind.as_str() {
        "vehicle" => order.vehicles.iter().any(is_it),
        "person" => order.people.iter().any(|(person, _)| is_it(person)),
        _ => false,
    };
    let problem = say!("{sign} ({name}) is neither in the convoy nor aboard", sign = holder.sign, name = holder.name);
    if along { Ok(()) } else { Err(Refusal::bad(field, problem)) }
}

/// Keys of a command in capitals, and known.
fn cleaned(directory: &Directory, command: &Command) -> Result<Command, Refusal> {
    let upper = |key: &String| key.trim().to_uppercase();
    Ok(match command {
        Command::Reroute { area, to, corridor } => {
            if let Some(area) = area {
                known(directory, "area", "area", area)?;
            }
            if let Some(corridor) = corridor.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
                known_corridor(directory, "corridor", corridor)?;
            }
            let to = to.as_ref().map(|to| to.trim().to_owned()).filter(|to| !to.is_empty());
            Command::Reroute { area: area.as_ref().map(upper), to, corridor: corridor.as_ref().map(upper) }
        }
        Command::LeaveVehicle { vehicle, place } => {
            Command::LeaveVehicle { vehicle: upper(vehicle), place: place.clone() }
        }
        Command::AddVehicle { vehicle } => {
            known(directory, "vehicle", "vehicle", vehicle)?;
            Command::AddVehicle { vehicle: upper(vehicle) }
        }
        Command::Seat { person, vehicle } => {
            known(directory, "person", "person", person)?;
            Command::Seat { person: upper(person), vehicle: vehicle.as_ref().map(upper) }
        }
        Command::Lead { leader, deputy } => {
            known_sign(directory, "leader", leader.as_deref())?;
            known_sign(directory, "deputy", deputy.as_deref())?;
            command.clone()
        }
        Command::Arrive { vehicle, place, overnight } => {
            Command::Arrive { vehicle: vehicle.as_ref().map(upper), place: place.clone(), overnight: *overnight }
        }
        Command::NotArrived { vehicle } => Command::NotArrived { vehicle: vehicle.as_ref().map(upper) },
        Command::NotHeard { vehicle } => Command::NotHeard { vehicle: vehicle.as_ref().map(upper) },
        other => other.clone(),
    })
}
