//! What a mission owes, as a function of its sheet. Whoever writes a mission sets and ends deadlines by the difference
//! between what it owed before and what it owes after; nothing else touches them.

use kernel::Timestamp;

use super::sheet::{ContactState, Mission, MissionState};

/// The next contact of a convoy (subject: the mission) or of one vehicle (subject: mission and vehicle).
pub const CONTACT: &str = "field.contact";
/// It has departed, or it is known that it will not (subject: the mission).
pub const DEPARTURE: &str = "field.departure";
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

const fn is_heard(contact: ContactState) -> bool {
    matches!(contact, ContactState::Ok | ContactState::Regained)
}
