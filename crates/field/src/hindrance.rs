//! What traffic does not do to the mission that it is about, although it says so. Pure.

use kernel::Timestamp;

use crate::enter;
use crate::error::Refusal;
use crate::line::{Act, Place};
use crate::mission::{self, Mission, Reporter, decide};
use crate::register::{Directory, Holder};
use crate::reporter;
use crate::speech::{Sentence, say};
use crate::traffic;

/// Why traffic does not do to a mission what it says. `None`: it does, or it says nothing that moves one.
pub(crate) fn of_traffic(
    mission: &Mission,
    holder: &Holder,
    act: &Act,
    directory: &Directory,
    at: Timestamp,
) -> Option<Sentence> {
    if let Act::Arrive { place: Place::Named(word), .. } = act
        && let Some(elsewhere) = enter::arrives_elsewhere(mission, word, &holder.sign, directory)
    {
        return Some(elsewhere);
    }
    if let Some(early) = too_early(mission, act, at) {
        return Some(early);
    }
    let by = reporter::of(mission, &holder.sign, Some(holder), directory, at);
    if let Some(unsaid) = vehicle_unsaid(mission, &by, act) {
        return Some(unsaid);
    }
    let command = traffic::command(mission, by, act, directory)?;
    let interval_us = mission::interval(directory, &mission.area, mission.origin.as_ref());
    match decide(mission, &command, mission::Moment { at, now: at, interval_us }) {
        Ok(_) | Err(Refusal::Bad { .. }) => None,
        Err(refusal) => Some(refusal.said()),
    }
}

/// Who arrived before they set out arrived somewhere else: nobody may be taken for in by it.
pub(crate) fn too_early(mission: &Mission, act: &Act, at: Timestamp) -> Option<Sentence> {
    let early = matches!(act, Act::Arrive { .. }) && mission.leg_began().is_some_and(|began| at < began);
    early.then(|| say!("that was before {label} departed: it is not in by this", label = mission.label()))
}

/// Whoever says this is on the way, or stays out, and expects to be called on: without a sheet nobody does.
pub(crate) fn nobody_follows(sign: &str, act: &Act) -> Option<Sentence> {
    let expects = match act {
        Act::Depart(_) | Act::Resume | Act::Halt(_) | Act::NotArrived { .. } | Act::Abandon(_) => true,
        Act::Arrive { overnight, .. } => *overnight,
        Act::At(_) | Act::Position { .. } | Act::Okay | Act::Say | Act::Sos => false,
    };
    expects.then(|| say!("{sign} is on no mission that is open: ask for one, so that they are followed", sign))
}

/// Of whom in a convoy something is said, must be known.
pub(crate) fn vehicle_unsaid(mission: &Mission, by: &Reporter, act: &Act) -> Option<Sentence> {
    let of_one = match act {
        Act::Arrive { place, .. } => !place.is_all(),
        Act::NotArrived { all } => !all,
        _ => false,
    };
    if by.vehicle.is_some() {
        return None;
    }
    if matches!(act, Act::Abandon(_)) {
        return Some(say!("it is not known which vehicle stays behind: say its call sign"));
    }
    let all = act.name();
    let unsaid = of_one && mission.present().count() > 1;
    unsaid.then(|| say!("it is not known in which vehicle they sit: say which vehicle, or `{all} all`", all))
}
