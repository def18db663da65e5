//! What speaks against taking somebody or something along. It is said and does not hinder.

use kernel::Timestamp;
use kernel::id::MissionId;

use super::commands::RequestMission;
use super::decide::Acted;
use super::records;
use super::sheet::Mission;
use crate::error::Error;
use crate::register::Directory;
use crate::room::Turn;
use crate::speech::{Sentence, say};

/// Of everybody and everything that is to go.
pub(super) async fn of_request(turn: &mut Turn, order: &RequestMission) -> Result<Vec<Sentence>, Error> {
    let mut doubts = Vec::new();
    for (person, _) in &order.people {
        doubts.extend(of_person(turn, &person.trim().to_uppercase(), None).await?);
    }
    for vehicle in &order.vehicles {
        let plate = vehicle.trim().to_uppercase();
        doubts.extend(of_vehicle(turn, &plate, None).await?);
        let sit = order.people.iter().filter(|(_, seat)| seat.as_ref().is_some_and(|seat| same(seat, &plate))).count();
        let seats = turn.directory.record("vehicle", &plate).and_then(|record| record.whole("seats"));
        if let Some(seats) = seats.filter(|seats| usize::try_from(*seats).is_ok_and(|seats| sit > seats)) {
            doubts.push(say!("{plate} has {seats} seats, and {sit} people are to sit in it", plate, seats, sit));
        }
    }
    if order.planned_departure.is_some_and(|planned| planned < turn.now()) {
        doubts.push(say!("the planned departure is over: an alarm is raised when it is half an hour ago"));
    }
    Ok(doubts)
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other)
}

/// Of a vehicle.
pub(super) async fn of_vehicle(
    turn: &mut Turn,
    plate: &str,
    mission: Option<MissionId>,
) -> Result<Vec<Sentence>, Error> {
    let others = records::of_member(&mut turn.tx, "vehicle", plate).await?;
    let on = others.iter().filter(|other| Some(other.id) != mission && !other.state.is_final());
    let on = on.filter(|other| other.present().any(|one| one.vehicle == plate));
    Ok(on.map(|other| say!("{plate} is on {label}, too", plate, label = other.label())).collect())
}

/// Whoever reports for all stays behind with their vehicle: the deputy reports, else anybody aboard, until somebody says who.
pub(crate) fn pass_lead(directory: &Directory, acted: &mut Acted, left: &str, now: Timestamp) {
    let mission = &mut acted.mission;
    let stays = |sign: &String| {
        directory.holder(sign, now).is_some_and(|holder| holder.kind == "vehicle" && holder.key == left)
    };
    if mission.deputy.as_ref().is_some_and(stays) {
        mission.deputy = None;
    }
    let Some(leader) = mission.leader.take_if(|leader| stays(leader)) else { return };
    mission.leader = mission.deputy.take();
    acted.notes.push(match &mission.leader {
        Some(deputy) => say!(
            "{leader} reported for all and stays behind: {deputy}, the deputy, does now (`lead` says otherwise)",
            leader,
            deputy
        ),
        None => {
            say!("{leader} reported for all and stays behind: anybody aboard does now (`lead` says otherwise)", leader)
        }
    });
}

/// More sit in a vehicle than it has seats for.
pub(super) fn of_seats(directory: &Directory, mission: &Mission, plate: &str, now: Timestamp) -> Option<Sentence> {
    let sit = mission.aboard().into_iter().filter(|person| mission.vehicle_of(person, now) == Some(plate)).count();
    let seats = directory.record("vehicle", plate)?.whole("seats")?;
    let full = usize::try_from(seats).is_ok_and(|seats| sit > seats);
    full.then(|| say!("{plate} has {seats} seats, and {sit} people are to sit in it", plate, seats, sit))
}

/// Of a person.
pub(super) async fn of_person(
    turn: &mut Turn,
    person: &str,
    mission: Option<MissionId>,
) -> Result<Vec<Sentence>, Error> {
    let mut doubts = Vec::new();
    let record = turn.directory.record("person", person);
    let presence = record.map_or("", |record| record.text("presence")).to_owned();
    if presence != "present" {
        doubts.push(say!(
            "{person} is not here by the register ({presence})",
            person,
            presence = Sentence::word(&presence)
        ));
    }
    for other in records::of_member(&mut turn.tx, "person", person).await? {
        let aboard = other.aboard().contains(&person) && !other.state.is_final();
        if aboard && Some(other.id) != mission {
            doubts.push(say!("{person} is on {label}, too", person, label = other.label()));
        }
    }
    Ok(doubts)
}
