//! Vehicles leave a convoy and join it, without input or output.

use super::command::Reporter;
use super::decide::{Acted, Moment, come_in, set_unless_aborted, sum_up};
use super::sheet::{ContactState, ConvoyVehicle, Left, Mission, MissionState};
use crate::error::Refusal;
use crate::speech::{Sentence, say};

/// An empty vehicle stays behind: nothing is owed for it, and the others are in without it.
pub(super) fn leave(acted: &mut Acted, vehicle: &str, place: Option<&str>, moment: Moment) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    if mission.departed.is_some_and(|departed| moment.at < departed) {
        return Err(Refusal::bad("at", say!("it lies before the departure")));
    }
    let sits = mission.manifest.iter().find(|seat| seat.until.is_none() && seat.vehicle.as_deref() == Some(vehicle));
    if let Some(seat) = sits {
        let person = &seat.person;
        return Err(Refusal::rule(say!(
            "{person} sits in {vehicle}: seat them in another vehicle first",
            person,
            vehicle
        )));
    }
    let were_part_in = mission.is_part_arrived();
    let gone = Left { at: moment.at, place: place.map(str::trim).filter(|place| !place.is_empty()).map(str::to_owned) };
    match mission.convoy.iter_mut().find(|one| one.vehicle == vehicle) {
        None => return Err(Refusal::bad("vehicle", say!("{vehicle} is not in the convoy", vehicle))),
        Some(one) if one.left.is_some() => {
            return Err(Refusal::rule(say!("{vehicle} was left behind already", vehicle)));
        }
        Some(one) if one.arrived.is_some() && were_part_in => {
            return Err(Refusal::rule(say!("{vehicle} is in: it can stay there when the others are in, too", vehicle)));
        }
        Some(one) => {
            (one.left, one.due, one.contact) = (Some(gone), None, ContactState::Ok);
        }
    }
    acted.notes.push(say!("{vehicle} stays behind: nothing is owed for it any more", vehicle));
    let others_are_in = mission.on_the_way().next().is_none() && mission.state.is_on_the_road();
    if others_are_in && were_part_in {
        come_in(mission, mission.overnight, moment);
        acted.notes.push(say!("{label} has arrived: everybody else is in", label = mission.label()));
    } else {
        sum_up(mission);
    }
    Ok(())
}

/// A vehicle joins the others where they are, or is back.
pub(super) fn add(acted: &mut Acted, vehicle: &str, moment: Moment) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    let (are_in, reports_for_itself) = (mission.is_all_in(), mission.is_part_arrived());
    let mut joins = ConvoyVehicle::new(vehicle);
    joins.last_contact = mission.departed.map(|_| moment.at);
    joins.arrived = are_in.then_some(moment.at);
    joins.due = reports_for_itself.then(|| moment.at.plus_micros(moment.interval_us));
    let known = mission.convoy.iter().find(|one| one.vehicle == vehicle);
    // What was on the way when it was left is on the way again, and owes a contact at once.
    let was_out = known.is_some_and(|one| one.left.is_some() && one.arrived.is_none()) && mission.departed.is_some();
    if was_out && (are_in || reports_for_itself) {
        joins.last_contact = known.and_then(|one| one.last_contact);
        (joins.arrived, joins.due) = (None, Some(moment.now));
        if are_in {
            set_unless_aborted(mission, MissionState::EnRoute);
            (mission.contact, mission.overnight) = (ContactState::Ok, false);
        }
    }
    match mission.convoy.iter_mut().find(|one| one.vehicle == vehicle) {
        Some(one) if one.left.is_none() => {
            return Err(Refusal::rule(say!("{vehicle} is in the convoy already", vehicle)));
        }
        Some(one) => *one = joins,
        None => mission.convoy.push(joins),
    }
    sum_up(mission);
    Ok(())
}

/// Who reports from a vehicle that stayed behind is not with the convoy.
pub(super) fn left_behind(mission: &Mission, by: &Reporter) -> Option<Sentence> {
    let one = mission.convoy.iter().find(|one| by.vehicle.as_ref() == Some(&one.vehicle))?;
    one.left.as_ref()?;
    Some(say!("{sign} was left behind and does not report for the convoy: `add-vehicle` if it is back", sign = by.sign))
}

/// A vehicle of the convoy that was not left behind.
pub(super) fn present<'a>(mission: &'a Mission, wanted: &str) -> Result<&'a ConvoyVehicle, Refusal> {
    match mission.convoy.iter().find(|one| one.vehicle == wanted) {
        None => Err(Refusal::bad("vehicle", say!("{wanted} is not in the convoy", wanted))),
        Some(one) if one.left.is_some() => {
            Err(Refusal::rule(say!("{wanted} was left behind: `add-vehicle` if it is back", wanted)))
        }
        Some(one) => Ok(one),
    }
}
