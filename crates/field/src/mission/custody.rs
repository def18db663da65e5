//! Custody of a mission between rooms that are nodes of each other: what each makes of the other's news. Pure.
//!
//! The room that offers keeps the duty until it hears that the other has contact; the other has it from that contact on. So
//! there is no moment without a room that follows, and once news has gone both ways there is exactly one. Where an offer was
//! taken back while its acceptance was under way, both follow, both are told, and people settle it.

use kernel::Timestamp;

use super::decide::{Acted, Heard, Moment, end, sum_up};
use super::sheet::{ContactState, ConvoyVehicle, Leg, Mission, MissionState, Origin};
use crate::error::Refusal;
use crate::speech::say;

/// What of a mission is this room's own, when it takes one over.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) mission: Mission,
    /// This room knows the journey already.
    pub(crate) is_known: bool,
}

/// The mission as this room follows it from its contact on. `told` has this room's keys already.
///
/// # Errors
/// [`Refusal`]: the contact does not count, or is older than the rules allow.
pub(crate) fn take_over(base: Base, told: &Mission, origin: Origin, moment: Moment) -> Result<Mission, Refusal> {
    if told.state.is_final() || !(told.state.is_on_the_road() || told.state == MissionState::Arrived) {
        return Err(Refusal::rule(say!(
            "{label} is {state}: there is nothing to follow",
            label = origin.label,
            state = told.state
        )));
    }
    let mut mission = told.clone();
    let own = base.mission;
    (mission.id, mission.number, mission.created, mission.version) = (own.id, own.number, own.created, own.version);
    (mission.custody, mission.custody_offered, mission.offer, mission.claimed) = (None, None, None, None);
    if base.is_known {
        mission.legs.clone_from(&own.legs);
    } else {
        // A fence of the same key is another one here.
        mission.legs.iter_mut().for_each(|leg| leg.corridor = None);
    }
    let heard = origin.heard;
    let vehicle = origin.signs.iter().find(|told| told.sign == origin.sign).and_then(|told| match told.kind.as_str() {
        "vehicle" => Some(told.key.clone()),
        _ => mission.vehicle_of(&told.key, heard).map(str::to_owned),
    });
    if mission.is_part_arrived() {
        heard_of_one(&mut mission, vehicle.as_deref(), heard, moment)?;
    } else {
        if let Some(leader) = mission.leader.as_ref().filter(|leader| **leader != origin.sign)
            && mission.deputy.as_ref() != Some(&origin.sign)
        {
            return Err(Refusal::rule(say!(
                "{sign} was heard, but {leader} reports for all: call {leader}",
                sign = origin.sign,
                leader
            )));
        }
        let before = Heard { contact: mission.contact, last: mission.last_contact };
        let (contact, last) = before.again(Moment { at: heard, ..moment }, &mut Vec::new());
        fresh(contact, heard, moment)?;
        (mission.contact, mission.last_contact) = (contact, Some(last));
        let followed = mission.state != MissionState::Arrived || mission.overnight;
        mission.due = followed.then(|| last.plus_micros(moment.interval_us));
    }
    if mission.state == MissionState::Departed {
        mission.state = MissionState::EnRoute;
    }
    (mission.updated, mission.version) = (moment.now, mission.version + 1);
    mission.origin = Some(Origin { taken: mission.version, ..origin });
    Ok(mission)
}

fn fresh(contact: ContactState, heard: Timestamp, moment: Moment) -> Result<(), Refusal> {
    let missed = matches!(contact, ContactState::Overdue | ContactState::Lost);
    if missed || heard.plus_micros(moment.interval_us) <= moment.now {
        let minutes = moment.interval_us / 60_000_000;
        return Err(Refusal::rule(say!(
            "that contact is older than the {minutes} min of the area: call them again",
            minutes
        )));
    }
    Ok(())
}

/// Of a convoy of which some are in, one was heard. Those that were missed there are missed here, too: what is owed is long
/// due, so that this room's own ladder begins.
fn heard_of_one(mission: &mut Mission, vehicle: Option<&str>, heard: Timestamp, moment: Moment) -> Result<(), Refusal> {
    let is_it = |one: &ConvoyVehicle| Some(one.vehicle.as_str()) == vehicle && one.is_on_the_way();
    if !mission.convoy.iter().any(is_it) {
        return Err(Refusal::rule(say!("who was heard is in already: call one of those who are not")));
    }
    for one in mission.convoy.iter_mut().filter(|one| one.is_on_the_way()) {
        if Some(one.vehicle.as_str()) == vehicle {
            let before = Heard { contact: one.contact, last: one.last_contact };
            let (contact, last) = before.again(Moment { at: heard, ..moment }, &mut Vec::new());
            fresh(contact, heard, moment)?;
            (one.contact, one.last_contact) = (contact, Some(last));
            one.due = Some(last.plus_micros(moment.interval_us));
        } else {
            one.contact = ContactState::Ok;
        }
    }
    sum_up(mission);
    Ok(())
}

/// What this room makes of the mission of `node`, which says that it took over `ours`. `None`: nothing that it does not know.
pub(crate) fn hear_of_holder(ours: &Mission, node: &str, theirs: &Mission, now: Timestamp) -> Option<Acted> {
    let origin = theirs.origin.as_ref()?;
    if ours.state.is_final() {
        return None;
    }
    let holds = theirs.custody.is_none() && !theirs.state.is_final();
    let mut acted = Acted { mission: ours.clone(), notes: Vec::new(), contact: false };
    let is_theirs = ours.custody.as_deref() == Some(node);
    if is_theirs {
        mirror(&mut acted, node, theirs, now);
    } else if ours.custody_offered.as_deref().is_some_and(|room| room.eq_ignore_ascii_case(node))
        && ours.offer == Some(origin.offer)
    {
        let mission = &mut acted.mission;
        (mission.custody, mission.custody_offered, mission.offer) = (Some(node.to_owned()), None, None);
        mission.claimed = None;
        acted.contact = true;
        acted.notes.push(say!(
            "{node} heard {sign} (its entry {entry}) and follows it now",
            node,
            sign = origin.sign,
            entry = origin.entry
        ));
        mirror(&mut acted, node, theirs, now);
    } else if is_under_way(ours, node, theirs) {
        return None;
    } else if holds && ours.claimed.as_deref() != Some(node) {
        acted.mission.claimed = Some(node.to_owned());
        acted.notes.push(say!("{node} took it over by an offer that was taken back: both rooms follow it; agree by voice who does, and the \
             other offers it", node));
    } else if !holds && ours.claimed.as_deref() == Some(node) {
        acted.mission.claimed = None;
        acted.notes.push(say!("{node} does not follow it any more: this room alone does", node));
    }
    finished(ours, acted, now)
}

/// What this room, which took `ours` over, makes of the mission of the room that it has it from.
pub(crate) fn hear_of_giver(ours: &Mission, own: &str, node: &str, theirs: &Mission, now: Timestamp) -> Option<Acted> {
    let origin = ours.origin.as_ref().filter(|_| ours.is_ours() && !ours.state.is_final())?;
    let (mut confirmed, mut disputed, mut notes) = (origin.confirmed, origin.disputed, Vec::new());
    let offered = theirs.custody_offered.as_deref() == Some(own) && theirs.offer == Some(origin.offer);
    if theirs.custody.as_deref() == Some(own) || theirs.state.is_final() {
        if confirmed.is_none() || disputed {
            (confirmed, disputed) = (Some(now), false);
            notes.push(if theirs.state.is_final() {
                say!("{node} has ended it there: this room alone follows it", node)
            } else {
                say!("{node} has given it up: this room alone follows it", node)
            });
        }
    } else if !offered && !disputed && !took_over_later(theirs, own, ours) {
        (confirmed, disputed) = (None, true);
        notes.push(say!(
            "{node} follows it, too: its offer was taken back before it heard of the contact here; agree by voice who \
             does, and the other offers it",
            node
        ));
    }
    let mut mission = ours.clone();
    mission.origin = Some(Origin { confirmed, disputed, ..origin.clone() });
    finished(ours, Acted { mission, notes, contact: false }, now)
}

/// `ours` was taken over from `theirs`, later than `theirs` from `ours`, and the other has not heard of it yet.
fn is_under_way(ours: &Mission, node: &str, theirs: &Mission) -> bool {
    let theirs_offer = theirs.origin.as_ref().map_or(0, |origin| origin.offer);
    let from = |origin: &Origin| {
        let later = origin.taken > theirs_offer;
        origin.node == node && origin.mission == theirs.id && origin.confirmed.is_none() && later
    };
    ours.origin.as_ref().is_some_and(from)
}

/// `theirs` was taken over from `ours` after `ours` was taken over.
fn took_over_later(theirs: &Mission, own: &str, ours: &Mission) -> bool {
    let taken = ours.origin.as_ref().map_or(0, |origin| origin.taken);
    let from = |origin: &Origin| origin.node == own && origin.mission == ours.id && origin.offer >= taken;
    theirs.origin.as_ref().is_some_and(from)
}

/// Who does not follow a mission shows it as who does says it is.
fn mirror(acted: &mut Acted, node: &str, theirs: &Mission, now: Timestamp) {
    let mission = &mut acted.mission;
    mission.leg = theirs.leg;
    // The way may have been changed there; a fence of the same key is another one here.
    for (at, leg) in theirs.legs.iter().enumerate() {
        match mission.legs.get_mut(at) {
            Some(ours) => ours.to.clone_from(&leg.to),
            None => mission.legs.push(Leg { corridor: None, ..leg.clone() }),
        }
    }
    mission.last_contact = mission.last_contact.max(theirs.last_contact);
    mission.last_place = theirs.last_place.clone().or(mission.last_place.take());
    for one in &mut mission.convoy {
        if let Some(there) = theirs.convoy.iter().find(|there| plain(&there.vehicle) == one.vehicle) {
            (one.arrived, one.due, one.contact) = (there.arrived, there.due, there.contact);
            one.last_contact = one.last_contact.max(there.last_contact);
            one.left.clone_from(&there.left);
        }
    }
    if theirs.state.is_final() {
        let at = theirs.ended.unwrap_or(now).min(now);
        end(mission, theirs.state, Moment { at, now, interval_us: 0 });
        acted.notes.push(say!("{node}: {state}", node, state = theirs.state));
        return;
    }
    mission.state = theirs.state;
    (mission.contact, mission.due, mission.overnight) = (theirs.contact, theirs.due, theirs.overnight);
}

/// A key as the room has it that it comes from: others write `DILI/UN-1` where their own register has another `UN-1`.
fn plain(key: &str) -> &str {
    key.split_once('/').map_or(key, |(_, plain)| plain)
}

fn finished(before: &Mission, mut acted: Acted, now: Timestamp) -> Option<Acted> {
    if acted.mission == *before {
        return None;
    }
    acted.mission.updated = now;
    acted.mission.version += 1;
    Some(acted)
}
