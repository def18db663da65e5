//! What was logged and was not so is withdrawn, without input or output: the people are followed as if it had not been logged.

use kernel::Timestamp;

use super::convoy;
use super::decide::{Acted, Moment, set_unless_aborted, sum_up, worst};
use super::sheet::{ContactState, MissionState};
use crate::error::Refusal;
use crate::speech::say;

/// An arrival is withdrawn. Who is on the road again owes a contact as if it had not been logged: within the interval from the
/// contact before it, and at once when that is over. What was logged as the arrival is no contact, for it is not known who
/// was heard.
pub(super) fn not_arrived(acted: &mut Acted, vehicle: Option<&str>, moment: Moment) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    if let Some(wanted) = vehicle
        && convoy::present(mission, wanted)?.arrived.is_none()
    {
        return Err(Refusal::rule(say!("{wanted} is on the way as it is", wanted)));
    }
    let were_all_in = mission.is_all_in();
    let owed = |last: Option<Timestamp>| {
        let next = last.map_or(moment.now, |last| last.plus_micros(moment.interval_us));
        Some(next.max(moment.now))
    };
    for one in mission.convoy.iter_mut().filter(|one| one.arrived.is_some() && one.left.is_none()) {
        if vehicle.is_none_or(|wanted| one.vehicle == wanted) {
            (one.arrived, one.contact, one.last_contact) = (None, ContactState::Ok, one.heard_before.take());
            one.due = owed(one.last_contact);
        }
    }
    if were_all_in {
        mission.last_place = mission.place_before.take().or(mission.last_place.take());
        set_unless_aborted(mission, MissionState::EnRoute);
        (mission.contact, mission.overnight) = (ContactState::Ok, false);
    }
    if mission.is_part_arrived() {
        sum_up(mission);
    } else {
        // Together again: the one that was silent for longest counts for all.
        let heard = mission.present().map(|one| one.last_contact).min();
        mission.last_contact = heard.unwrap_or(mission.heard_before.take());
        mission.due = mission.present().filter_map(|one| one.due).min().or(owed(mission.last_contact));
        mission.contact = worst(mission);
    }
    acted.notes.push(say!("on the road again: call them, what was logged as the arrival is no contact"));
    Ok(())
}

/// A contact is withdrawn: of another, or of nobody. What was owed before it is owed again; when that is over, it was missed then,
/// and the ladder is where it would have been.
pub(super) fn not_heard(acted: &mut Acted, vehicle: Option<&str>, moment: Moment) -> Result<(), Refusal> {
    let mission = &mut acted.mission;
    let nothing =
        || Refusal::rule(say!("what was heard before it is not known: their next contact stays due as it is"));
    let due = |last: Timestamp| Some(last.plus_micros(moment.interval_us));
    if mission.is_part_arrived() {
        let found = mission.convoy.iter_mut().find(|one| Some(one.vehicle.as_str()) == vehicle && one.is_on_the_way());
        let one = found.ok_or_else(|| Refusal::bad("vehicle", say!("say which one of those that are on the way")))?;
        let last = one.heard_before.take().ok_or_else(nothing)?;
        (one.contact, one.last_contact, one.due) = (ContactState::Ok, Some(last), due(last));
        sum_up(mission);
    } else {
        let last = mission.heard_before.take().ok_or_else(nothing)?;
        (mission.contact, mission.last_contact, mission.due) = (ContactState::Ok, Some(last), due(last));
        mission.last_place = mission.place_before.take().or(mission.last_place.take());
        for one in mission.convoy.iter_mut().filter(|one| one.is_on_the_way()) {
            one.contact = ContactState::Ok;
        }
    }
    acted.notes.push(say!("that contact does not count: what was owed before it is owed again"));
    Ok(())
}
