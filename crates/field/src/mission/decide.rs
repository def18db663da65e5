//! What may happen to a mission: the state machine, without input or output.

use kernel::Timestamp;

use super::command::{Command, Reporter};
use super::sheet::{ContactState, Leg, Mission, MissionState, Seat};
use super::{convoy, withdraw};
use crate::error::Refusal;
use crate::speech::{Sentence, say};

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    pub mission: Mission,
    /// What follows from it, in words.
    pub notes: Vec<Sentence>,
    /// A contact that was owed was made.
    pub contact: bool,
}

/// When a command happened, when it is carried out, and what the area asks for that holds after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: Timestamp,
    pub now: Timestamp,
    pub interval_us: i64,
}

/// Names of the commands that the state allows.
pub fn allowed_commands(mission: &Mission) -> Vec<&'static str> {
    Command::NAMES.iter().copied().filter(|name| is_allowed(name, mission)).collect()
}

fn is_allowed(command: &str, mission: &Mission) -> bool {
    use MissionState::{Aborted, Arrived, Briefed, Cancelled, Cleared, Closed, Departed, Draft, EnRoute, Halted};
    let state = mission.state;
    let before = matches!(state, Draft | Cleared | Briefed);
    match command {
        "clear" => state == Draft,
        "brief" => state == Cleared,
        "depart" => state == Briefed || (state == Arrived && mission.has_further_leg()) || gave_up_and_in(mission),
        "report" => state.is_on_the_road() || state == Arrived,
        "halt" => matches!(state, Departed | EnRoute | Aborted),
        "resume" => state == Halted,
        "arrive" => state.is_on_the_road() || (state == Arrived && !mission.overnight),
        "not-arrived" => mission.is_all_in() || (state.is_on_the_road() && mission.is_part_arrived()),
        "not-heard" => state.is_on_the_road() || (state == Arrived && mission.overnight),
        "close" => state == Arrived || gave_up_and_in(mission) || (state == Aborted && mission.due.is_none()),
        "cancel" => before || state == Departed,
        "abort" => matches!(state, Departed | EnRoute | Halted),
        "reroute" | "seat" | "lead" | "add-vehicle" => !matches!(state, Closed | Cancelled),
        "leave-vehicle" => !matches!(state, Closed | Cancelled) && mission.present().count() > 1,
        "offer-custody" => mission.is_ours() && (state.is_on_the_road() || state == Arrived),
        "confirm-custody" => mission.custody_offered.is_some(),
        "take-back" => !mission.is_ours() || mission.custody_offered.is_some(),
        _ => false,
    }
}

/// Its purpose was given up, and everybody is in somewhere.
fn gave_up_and_in(mission: &Mission) -> bool {
    mission.state == MissionState::Aborted && mission.is_all_in()
}

/// What an accepted command makes of a mission.
///
/// # Errors
/// [`Refusal`], which says what is in the way.
pub fn decide(before: &Mission, command: &Command, moment: Moment) -> Result<Acted, Refusal> {
    if !is_allowed(command.name(), before) {
        let (state, allowed) = (before.state.to_string(), allowed_commands(before));
        return Err(Refusal::NotNow { what: "mission", command: command.name(), state, allowed });
    }
    let mut acted = Acted { mission: before.clone(), notes: Vec::new(), contact: false };
    match command {
        Command::Clear => acted.mission.state = MissionState::Cleared,
        Command::Brief => acted.mission.state = MissionState::Briefed,
        Command::Depart => depart(&mut acted, moment),
        Command::Report { by, place } => report(&mut acted, by.as_ref(), place.as_deref(), moment),
        Command::Halt { by, place } => {
            report(&mut acted, by.as_ref(), place.as_deref(), moment);
            set_unless_aborted(&mut acted.mission, MissionState::Halted);
        }
        Command::Resume { by } => {
            report(&mut acted, by.as_ref(), None, moment);
            set_unless_aborted(&mut acted.mission, MissionState::EnRoute);
        }
        Command::Arrive { vehicle, place, overnight } => {
            let known = acted.mission.last_place.clone();
            arrive(&mut acted, vehicle.as_deref(), *overnight, moment)?;
            if place.is_some() {
                acted.mission.last_place.clone_from(place);
            }
            if acted.contact {
                acted.mission.place_before = known;
            }
        }
        Command::NotArrived { vehicle } => withdraw::not_arrived(&mut acted, vehicle.as_deref(), moment)?,
        Command::NotHeard { vehicle } => withdraw::not_heard(&mut acted, vehicle.as_deref(), moment)?,
        Command::Close => end(&mut acted.mission, MissionState::Closed, moment),
        Command::Cancel => end(&mut acted.mission, MissionState::Cancelled, moment),
        Command::Abort => {
            acted.mission.state = MissionState::Aborted;
            acted.notes.push(say!("people are followed until they are in"));
        }
        Command::Reroute { area, to, corridor } => {
            reroute(&mut acted, area.as_deref(), to.as_deref(), corridor.as_deref(), moment)?;
        }
        Command::LeaveVehicle { vehicle, place } => convoy::leave(&mut acted, vehicle, place.as_deref(), moment)?,
        Command::AddVehicle { vehicle } => convoy::add(&mut acted, vehicle, moment)?,
        Command::Seat { person, vehicle } => seat(&mut acted, person, vehicle.as_deref(), moment)?,
        Command::Lead { leader, deputy } => {
            let upper = |sign: &Option<String>| sign.as_ref().map(|sign| sign.trim().to_uppercase());
            (acted.mission.leader, acted.mission.deputy) = (upper(leader), upper(deputy));
        }
        Command::OfferCustody { room } => {
            acted.mission.custody_offered = Some(crate::error::said("room", room, 100)?);
            acted.mission.offer = Some(before.version + 1);
            acted.notes.push(say!("this room keeps the duty until the other has proved contact"));
        }
        Command::ConfirmCustody => {
            let mission = &mut acted.mission;
            (mission.custody, mission.offer) = (mission.custody_offered.take(), None);
        }
        Command::TakeBack => {
            let mission = &mut acted.mission;
            (mission.custody, mission.custody_offered, mission.offer) = (None, None, None);
            report(&mut acted, None, None, moment);
        }
    }
    if acted.mission == *before && acted.notes.is_empty() {
        return Err(Refusal::rule(say!("`{name}` would change nothing", name = command.name())));
    }
    acted.mission.updated = moment.now;
    acted.mission.version += 1;
    Ok(acted)
}

pub(super) fn set_unless_aborted(mission: &mut Mission, state: MissionState) {
    if mission.state != MissionState::Aborted {
        mission.state = state;
    }
}

fn remember_place(mission: &mut Mission, place: Option<&str>) {
    if let Some(place) = place {
        mission.place_before = mission.last_place.replace(place.to_owned());
    }
}

fn depart(acted: &mut Acted, moment: Moment) {
    let mission = &mut acted.mission;
    let goes_home = gave_up_and_in(mission);
    if mission.state == MissionState::Arrived || goes_home {
        mission.leg += usize::from(!goes_home);
        for vehicle in &mut mission.convoy {
            (vehicle.arrived, vehicle.due, vehicle.heard_before) = (None, None, None);
        }
        mission.heard_before = None;
    }
    if let Some(leg) = mission.legs.get_mut(mission.leg).filter(|_| !goes_home) {
        leg.began = Some(moment.at);
        mission.area.clone_from(&leg.area);
        mission.last_place = Some(leg.from.clone());
    }
    set_unless_aborted(mission, MissionState::Departed);
    mission.departed = mission.departed.or(Some(moment.at));
    mission.overnight = false;
    mission.contact = ContactState::Ok;
    mission.last_contact = mission.last_contact.max(Some(moment.at));
    mission.due = Some(moment.at.plus_micros(moment.interval_us));
    acted.contact = true;
}

/// A contact. It counts for all when the leader, the deputy or the desk itself makes it, and for one vehicle when
/// others have arrived before it.
fn report(acted: &mut Acted, by: Option<&Reporter>, place: Option<&str>, moment: Moment) {
    remember_place(&mut acted.mission, place);
    if let Some(left) = by.and_then(|by| convoy::left_behind(&acted.mission, by)) {
        acted.notes.push(left);
        return;
    }
    if acted.mission.is_part_arrived() {
        return report_of_one(acted, by, moment);
    }
    if let (Some(by), Some(leader)) = (by, &acted.mission.leader) {
        let speaks_as = by.beside.as_ref().unwrap_or(&by.sign);
        if acted.mission.deputy.as_ref() == Some(speaks_as) {
            acted.notes.push(say!("the deputy reports in place of {leader}", leader));
        } else if speaks_as != leader && acted.mission.due.is_some() {
            acted.notes.push(say!(
                "{sign} was heard, but {leader} reports for all: the contact stays due",
                sign = by.sign,
                leader
            ));
            return;
        }
    }
    let mission = &mut acted.mission;
    let heard = Heard { contact: mission.contact, last: mission.last_contact };
    let (contact, last) = heard.again(moment, &mut acted.notes);
    if Some(last) != mission.last_contact {
        mission.heard_before = mission.last_contact;
        if place.is_none() {
            // Taken back, they are still where they said before.
            mission.place_before = None;
        }
    }
    (mission.contact, mission.last_contact) = (contact, Some(last));
    // A vehicle that was missed while it reported for itself is heard with the others.
    for one in mission.convoy.iter_mut().filter(|one| one.is_on_the_way()) {
        one.contact = contact;
    }
    if mission.state == MissionState::Departed {
        mission.state = MissionState::EnRoute;
    }
    if mission.state != MissionState::Arrived || mission.overnight {
        mission.due = Some(last.plus_micros(moment.interval_us));
    }
    acted.contact = true;
}

fn report_of_one(acted: &mut Acted, by: Option<&Reporter>, moment: Moment) {
    let vehicle = by.and_then(|by| by.vehicle.as_deref());
    let found = acted.mission.convoy.iter_mut().find(|one| Some(one.vehicle.as_str()) == vehicle);
    match found {
        Some(one) if one.arrived.is_none() => {
            let heard = Heard { contact: one.contact, last: one.last_contact };
            let (contact, last) = heard.again(moment, &mut acted.notes);
            if Some(last) != one.last_contact {
                one.heard_before = one.last_contact;
            }
            (one.contact, one.last_contact) = (contact, Some(last));
            one.due = Some(last.plus_micros(moment.interval_us));
            acted.contact = true;
        }
        Some(one) => acted.notes.push(say!("{vehicle} is in already", vehicle = one.vehicle)),
        None => acted.notes.push(say!("others have arrived: each vehicle that has not reports for itself")),
    }
    sum_up(&mut acted.mission);
}

/// How somebody was heard so far.
pub(super) struct Heard {
    pub(super) contact: ContactState,
    pub(super) last: Option<Timestamp>,
}

impl Heard {
    /// The contact state and the last contact after one at `moment.at`. What was heard before the promise was missed
    /// does not make it good.
    pub(super) fn again(&self, moment: Moment, notes: &mut Vec<Sentence>) -> (ContactState, Timestamp) {
        let last = self.last.unwrap_or(Timestamp::MIN).max(moment.at);
        let contact = match self.contact {
            ContactState::Ok | ContactState::Regained => ContactState::Ok,
            missed @ (ContactState::Overdue | ContactState::Lost) => {
                if last.plus_micros(moment.interval_us) > moment.now {
                    ContactState::Regained
                } else {
                    notes.push(say!("heard before the contact was missed: it stays {contact}", contact = missed));
                    missed
                }
            }
        };
        (contact, last)
    }
}

/// The convoy's contact is the worst of those on the way.
pub(super) fn sum_up(mission: &mut Mission) {
    if mission.is_part_arrived() {
        mission.contact = worst(mission);
        mission.due = mission.on_the_way().filter_map(|vehicle| vehicle.due).min();
    }
}

pub(super) fn worst(mission: &Mission) -> ContactState {
    let of_all = mission.on_the_way().map(|vehicle| vehicle.contact);
    of_all.max_by_key(|contact| contact.weight()).unwrap_or(ContactState::Ok)
}

fn arrive(acted: &mut Acted, vehicle: Option<&str>, overnight: bool, moment: Moment) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    if mission.is_all_in() && mission.state == MissionState::Arrived {
        return stay(acted, overnight, moment);
    }
    // Whoever stays is followed through the night, whoever else comes in later without the word.
    mission.overnight |= overnight;
    let overnight = mission.overnight;
    let (contact, due, last) = (mission.contact, mission.due, mission.last_contact);
    let was_together = !mission.is_part_arrived();
    if let Some(wanted) = vehicle
        && convoy::present(mission, wanted)?.arrived.is_some()
    {
        return Err(Refusal::rule(say!("{vehicle} is in already", vehicle = wanted)));
    }
    for one in mission.convoy.iter_mut().filter(|one| one.is_on_the_way()) {
        if vehicle.is_none_or(|wanted| one.vehicle == wanted) {
            one.heard_before = if was_together { last } else { one.last_contact };
            (one.arrived, one.due, one.contact) = (Some(moment.at), None, ContactState::Ok);
            one.last_contact = one.last_contact.max(Some(moment.at));
        } else if was_together {
            (one.contact, one.due, one.last_contact) = (contact, due, last);
        }
    }
    acted.contact = true;
    let out: Vec<&str> = mission.on_the_way().map(|one| one.vehicle.as_str()).collect();
    if !out.is_empty() {
        acted.notes.push(say!("part arrived: {out} still out, each reports for itself", out));
        sum_up(mission);
        return Ok(());
    }
    mission.heard_before = last;
    come_in(mission, overnight, moment);
    Ok(())
}

/// Who is in stays overnight, and is followed.
fn stay(acted: &mut Acted, overnight: bool, moment: Moment) -> Result<(), Refusal> {
    if !overnight {
        return Err(Refusal::rule(say!(
            "everybody is in already: `arr same overnight` if they stay and are followed on"
        )));
    }
    let mission = &mut acted.mission;
    mission.overnight = true;
    mission.due = Some(moment.now.max(moment.at).plus_micros(moment.interval_us));
    Ok(())
}

/// Everybody is in.
pub(super) fn come_in(mission: &mut Mission, overnight: bool, moment: Moment) {
    set_unless_aborted(mission, MissionState::Arrived);
    let missed = matches!(mission.contact, ContactState::Overdue | ContactState::Lost);
    mission.contact = if missed { ContactState::Regained } else { ContactState::Ok };
    mission.last_contact = mission.last_contact.max(Some(moment.at));
    let there = mission.destination().map(str::to_owned);
    remember_place(mission, there.as_deref());
    mission.overnight = overnight;
    mission.due = overnight.then(|| moment.at.plus_micros(moment.interval_us));
}

pub(super) fn end(mission: &mut Mission, state: MissionState, moment: Moment) {
    (mission.state, mission.due, mission.overnight) = (state, None, false);
    mission.ended = Some(moment.at);
    (mission.custody, mission.custody_offered, mission.offer) = (None, None, None);
    mission.claimed = None;
    for vehicle in &mut mission.convoy {
        vehicle.due = None;
    }
    for seat in mission.manifest.iter_mut().filter(|seat| seat.until.is_none()) {
        seat.until = Some(moment.at.max(seat.from));
    }
}

/// A stricter area draws the next contact nearer; a milder one never pushes it away.
fn reroute(
    acted: &mut Acted,
    area: Option<&str>,
    to: Option<&str>,
    corridor: Option<&str>,
    moment: Moment,
) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    // At a stop it is the way ahead that changes: what was driven stays as it was.
    let at_stop = mission.state == MissionState::Arrived;
    if at_stop && !mission.has_further_leg() && to.is_some() {
        let from = mission.destination().or(mission.last_place.as_deref()).unwrap_or_default().to_owned();
        let area = mission.area.clone();
        mission.legs.push(Leg { from, to: String::new(), area, corridor: None, began: None, planned: None });
    }
    let way = mission.legs.get_mut(mission.leg + usize::from(at_stop));
    match way {
        Some(leg) => {
            if let Some(to) = to {
                let to = crate::error::said("to", to, 200)?;
                acted.notes.push(match leg.to.as_str() {
                    "" => say!("goes on to {to}", to),
                    before => say!("goes to {to} instead of {before}", to, before),
                });
                leg.to = to;
                if corridor.is_none()
                    && let Some(old) = leg.corridor.take()
                {
                    acted.notes.push(say!("{old} is its corridor no more: say another if there is one", old));
                }
            }
            if let Some(corridor) = corridor {
                leg.corridor = Some(corridor.to_owned()).filter(|key| !key.is_empty());
            }
            if let Some(area) = area {
                area.clone_into(&mut leg.area);
            }
        }
        None if to.is_some() || corridor.is_some() || at_stop => {
            return Err(Refusal::rule(say!("no way lies ahead of it: say where it goes on to")));
        }
        None => {}
    }
    let Some(area) = area.filter(|_| !at_stop) else { return Ok(()) };
    area.clone_into(&mut mission.area);
    let nearer = |due: Option<Timestamp>| due.map(|due| due.min(moment.now.plus_micros(moment.interval_us)));
    mission.due = nearer(mission.due);
    for vehicle in &mut mission.convoy {
        vehicle.due = nearer(vehicle.due);
    }
    Ok(())
}

fn seat(acted: &mut Acted, person: &str, vehicle: Option<&str>, moment: Moment) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    if let Some(wanted) = vehicle {
        convoy::present(mission, wanted)?;
        if mission.vehicle_of(person, moment.at) == Some(wanted) {
            return Err(Refusal::rule(say!("{person} sits in {vehicle} already", person, vehicle = wanted)));
        }
    }
    let mut sat = false;
    for seat in mission.manifest.iter_mut().filter(|seat| seat.person == person && seat.until.is_none()) {
        if moment.at < seat.from {
            return Err(Refusal::bad("at", say!("{person} got in only after that", person)));
        }
        (seat.until, sat) = (Some(moment.at), true);
    }
    match vehicle {
        Some(vehicle) => mission.manifest.push(Seat {
            person: person.to_owned(),
            vehicle: Some(vehicle.to_owned()),
            from: moment.at,
            until: None,
        }),
        None if !sat => return Err(Refusal::rule(say!("{person} is not aboard", person))),
        None => {}
    }
    Ok(())
}

/// The mission after a contact was missed: of one vehicle, or of all. `None`: it is not owed any more.
pub(crate) fn miss(mission: &Mission, vehicle: Option<&str>, now: Timestamp) -> Option<Mission> {
    set_contact(mission, vehicle, ContactState::Overdue, now, |contact| {
        matches!(contact, ContactState::Ok | ContactState::Regained)
    })
}

/// The mission after the ladder came to the step of the lost.
pub(crate) fn lose(mission: &Mission, vehicle: Option<&str>, now: Timestamp) -> Option<Mission> {
    set_contact(mission, vehicle, ContactState::Lost, now, |contact| contact == ContactState::Overdue)
}

fn set_contact(
    before: &Mission,
    vehicle: Option<&str>,
    to: ContactState,
    now: Timestamp,
    from: impl Fn(ContactState) -> bool,
) -> Option<Mission> {
    let mut mission = before.clone();
    let overdue = |due: Option<Timestamp>| due.is_some_and(|due| due <= now);
    match vehicle {
        None if from(mission.contact) && overdue(mission.due) => {
            mission.contact = to;
            if mission.is_part_arrived() {
                for one in mission.convoy.iter_mut().filter(|one| one.is_on_the_way() && from(one.contact)) {
                    one.contact = to;
                }
            }
        }
        None => return None,
        Some(vehicle) => {
            let one = mission.convoy.iter_mut().find(|one| one.vehicle == vehicle && one.is_on_the_way())?;
            if !from(one.contact) || !overdue(one.due) {
                return None;
            }
            one.contact = to;
            mission.contact = worst(&mission);
            sum_up(&mut mission);
        }
    }
    mission.updated = now;
    mission.version += 1;
    Some(mission)
}
