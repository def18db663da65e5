//! What a mission owes, as a function of its sheet. Whoever writes a mission sets and ends deadlines by the difference
//! between what it owed before and what it owes after; nothing else touches them.

use kernel::Timestamp;
use store::{Deadline, Due};

use super::sheet::{ContactState, Leg, Mission, MissionState};

/// The next contact of a convoy (subject: the mission) or of one vehicle (subject: mission and vehicle).
pub const CONTACT: &str = "field.contact";
/// It has departed, or it is known that it will not (subject: the mission).
pub const DEPARTURE: &str = "field.departure";
/// Who is in goes on, or the mission is closed (subject: the mission).
pub const ONWARD: &str = "field.onward";
/// So long after the last word from a stop on the way somebody asks whether they went on.
pub(crate) const STOP_US: i64 = 4 * 3_600 * 1_000_000;
/// So long after the last word from the end of the way somebody asks why the mission is still open.
const UNCLOSED_US: i64 = 12 * 3_600 * 1_000_000;
/// A departure may be so late before somebody asks.
const DEPARTURE_GRACE_US: i64 = 30 * 60_000_000;

/// Something that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub kind: &'static str,
    pub subject: String,
    pub due: Timestamp,
    /// Who owes it.
    pub owes: String,
    pub otherwise: String,
}

impl Promise {
    /// As the engine of the store keeps it, due at its time or at another.
    pub(crate) fn deadline(&self, due: Timestamp) -> Deadline {
        Deadline {
            kind: self.kind.to_owned(),
            subject: self.subject.clone(),
            owes: self.owes.clone(),
            due: Due::At(due),
            otherwise: self.otherwise.clone(),
        }
    }
}

/// Everything that a mission owes. A contact that is overdue is owed no more: the ladder has it.
pub fn promises(mission: &Mission) -> Vec<Promise> {
    let mut owed = Vec::new();
    let before_departure = matches!(mission.state, MissionState::Draft | MissionState::Cleared | MissionState::Briefed);
    if let (true, Some(planned)) = (before_departure, mission.planned_departure) {
        owed.push(Promise {
            kind: DEPARTURE,
            subject: mission.id.to_string(),
            due: planned.plus_micros(DEPARTURE_GRACE_US),
            owes: "role:desk".to_owned(),
            otherwise: format!("{} neither departed nor was cancelled: ask", mission.label()),
        });
    }
    if let (true, Some(due)) = (mission.is_ours(), onward(mission)) {
        owed.push(Promise {
            kind: ONWARD,
            subject: mission.id.to_string(),
            due,
            owes: "role:desk".to_owned(),
            otherwise: format!("{} is in and neither went on nor was closed: ask", mission.label()),
        });
    }
    let followed = mission.state.is_on_the_road() || (mission.state == MissionState::Arrived && mission.overnight);
    if !followed || !mission.is_ours() {
        return owed;
    }
    let contact = |subject: String, due: Timestamp, whose: &str| Promise {
        kind: CONTACT,
        subject,
        due,
        owes: format!("call-sign:{whose}"),
        otherwise: format!("{}: no contact; the ladder of {} begins", mission.label(), mission.area),
    };
    if mission.is_part_arrived() {
        for vehicle in mission.on_the_way().filter(|vehicle| is_heard(vehicle.contact)) {
            let Some(due) = vehicle.due else { continue };
            owed.push(contact(format!("{}/{}", mission.id, vehicle.vehicle), due, &vehicle.vehicle));
        }
    } else if let (true, Some(due)) = (is_heard(mission.contact), mission.due) {
        owed.push(contact(mission.id.to_string(), due, mission.leader.as_deref().unwrap_or("anybody aboard")));
    }
    owed
}

/// By when who is in goes on or is done. Whoever stays overnight is followed by contacts until a planned departure.
fn onward(mission: &Mission) -> Option<Timestamp> {
    if !mission.is_all_in() || mission.state.is_final() {
        return None;
    }
    let last = mission.last_contact.or(mission.departed)?;
    let next = mission.legs.get(mission.leg + 1).filter(|_| mission.state == MissionState::Arrived);
    match (next, mission.overnight) {
        (Some(Leg { planned: Some(planned), .. }), _) => Some((*planned).max(last).plus_micros(DEPARTURE_GRACE_US)),
        (_, true) => None,
        (Some(_), false) => Some(last.plus_micros(STOP_US)),
        (None, false) => Some(last.plus_micros(UNCLOSED_US)),
    }
}

const fn is_heard(contact: ContactState) -> bool {
    matches!(contact, ContactState::Ok | ContactState::Regained)
}
