//! What traffic says of a mission: the command that it amounts to, the place that it names. Pure.

use crate::line::{Act, Place, Word};
use crate::mission::{Command, Mission, MissionState, Reporter};
use crate::register::Directory;

/// The command that traffic amounts to. `None`: the mission is not on the road, or it is words only.
pub(crate) fn command(mission: &Mission, by: Reporter, act: &Act, directory: &Directory) -> Option<Command> {
    let place = place_said(act, directory);
    let command = match act {
        Act::Depart(_) => match mission.state {
            // Another vehicle of the convoy, or the same once more: they were heard.
            MissionState::Departed | MissionState::EnRoute => Command::Report { by: Some(by), place },
            MissionState::Halted => Command::Resume { by: Some(by) },
            _ => Command::Depart,
        },
        Act::Arrive { place: words, overnight } => {
            let vehicle = by.vehicle.clone().filter(|_| !words.is_all() && mission.convoy.len() > 1);
            Command::Arrive { vehicle, place, overnight: *overnight }
        }
        Act::NotArrived { all } => {
            Command::NotArrived { vehicle: by.vehicle.filter(|_| !all && mission.convoy.len() > 1) }
        }
        Act::Abandon(_) => Command::LeaveVehicle { vehicle: by.vehicle?, place },
        Act::Halt(_) => Command::Halt { by: Some(by), place },
        Act::Resume => Command::Resume { by: Some(by) },
        Act::At(_) | Act::Position { .. } | Act::Okay | Act::Say | Act::Sos => Command::Report { by: Some(by), place },
    };
    let followed = mission.state.is_on_the_road() || mission.state == MissionState::Arrived;
    (followed || matches!(command, Command::Depart)).then_some(command)
}

/// Where they are by their own words. Where somebody departs for is not where they are.
pub(crate) fn place_said(act: &Act, directory: &Directory) -> Option<String> {
    match act {
        Act::Arrive { place, .. } if place.is_all() => None,
        Act::Arrive { place: Place::Named(word), .. }
        | Act::Abandon(Place::Named(word))
        | Act::Halt(Place::Named(word))
        | Act::At(Place::Named(word)) => Some(spoken(word, directory)),
        Act::Position { latitude, longitude } => Some(format!("{latitude} {longitude}")),
        Act::Arrive { .. } | Act::Abandon(_) | Act::Halt(_) | Act::At(_) => None,
        Act::Depart(_) | Act::NotArrived { .. } | Act::Resume | Act::Okay | Act::Say | Act::Sos => None,
    }
}

/// A place by its code name, when it has one.
pub(crate) fn spoken(word: &Word, directory: &Directory) -> String {
    directory.place(&word.text).map_or_else(|| word.text.clone(), |record| record.key.clone())
}
