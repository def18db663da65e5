//! The tracking sheet: one for each convoy.

use std::collections::BTreeMap;

use kernel::id::MissionId;
use kernel::{Timestamp, words};
use serde::{Deserialize, Serialize};

words! {
    /// Where a mission stands.
    MissionState {
        /// Requested; nobody has cleared it.
        Draft = "draft",
        Cleared = "cleared",
        Briefed = "briefed",
        /// The radio check at departure was made.
        Departed = "departed",
        EnRoute = "en-route",
        Halted = "halted",
        /// Everybody is out at the place itself.
        Arrived = "arrived",
        Closed = "closed",
        /// It did not take place.
        Cancelled = "cancelled",
        /// Its purpose is given up; people are followed until they are in.
        Aborted = "aborted",
    }
}

words! {
    /// Whether people are heard from, whatever the mission's state.
    ContactState {
        Ok = "ok",
        /// The next contact was due and did not come.
        Overdue = "overdue",
        /// The ladder came to the step from which they count as lost.
        Lost = "lost",
        /// They were overdue or lost and have been heard again.
        Regained = "regained",
    }
}

impl ContactState {
    /// How worrying it is: the larger, the more.
    pub const fn weight(self) -> u8 {
        match self {
            ContactState::Ok => 0,
            ContactState::Regained => 1,
            ContactState::Overdue => 2,
            ContactState::Lost => 3,
        }
    }
}

impl MissionState {
    /// Nothing more is owed.
    pub const fn is_final(self) -> bool {
        matches!(self, MissionState::Closed | MissionState::Cancelled)
    }

    /// People may be on the road.
    pub const fn is_on_the_road(self) -> bool {
        matches!(self, MissionState::Departed | MissionState::EnRoute | MissionState::Halted | MissionState::Aborted)
    }
}

/// A part of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    pub from: String,
    pub to: String,
    /// Key of the area whose rules hold.
    pub area: String,
    /// Key of the fence that is its corridor.
    #[serde(default)]
    pub corridor: Option<String>,
    /// When it was begun.
    #[serde(default)]
    pub began: Option<Timestamp>,
    /// When it is to be begun, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Timestamp>,
}

/// A vehicle of the convoy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvoyVehicle {
    /// Plate.
    pub vehicle: String,
    /// Everybody of it is out at the place itself.
    pub arrived: Option<Timestamp>,
    /// It reports for itself from then on, because others have arrived before it.
    pub due: Option<Timestamp>,
    pub contact: ContactState,
    pub last_contact: Option<Timestamp>,
    /// The contact before the last: what counts again when the last was none, or when it has not arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_before: Option<Timestamp>,
    /// It was left behind, empty: nobody of it is followed from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

impl ConvoyVehicle {
    /// A vehicle that sets out with the others.
    pub fn new(plate: &str) -> Self {
        let vehicle = plate.trim().to_uppercase();
        let (contact, left) = (ContactState::Ok, None);
        ConvoyVehicle { vehicle, arrived: None, due: None, contact, last_contact: None, heard_before: None, left }
    }

    /// Of the convoy, and not in yet.
    pub fn is_on_the_way(&self) -> bool {
        self.left.is_none() && self.arrived.is_none()
    }
}

/// When and where a vehicle was left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub at: Timestamp,
    pub place: Option<String>,
}

/// Who sits where, from when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    pub person: String,
    pub vehicle: Option<String>,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

/// A call sign of a mission, as the room that offers it knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldSign {
    pub sign: String,
    /// `vehicle` or `person`.
    pub kind: String,
    pub key: String,
}

/// Where another room knows the same journey, since this one took it over with contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The node of the room that offered it, its mission there, and what it is called there.
    pub node: String,
    pub mission: MissionId,
    pub label: String,
    /// Which of its offers was accepted: a version of the mission there.
    pub offer: i64,
    /// The version of the mission here that it was taken over with.
    #[serde(default)]
    pub taken: i64,
    /// Microseconds between contacts by the rules there.
    pub interval_us: i64,
    #[serde(default)]
    pub signs: Vec<ToldSign>,
    /// People and vehicles by name, which this room's register need not know.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// The contact that was proved here: the sign that was heard, when, and the entry of this room's log.
    pub sign: String,
    pub heard: Timestamp,
    pub entry: i64,
    /// When this room heard that the other has given it up. Until then both follow it.
    #[serde(default)]
    pub confirmed: Option<Timestamp>,
    /// The other had taken its offer back: both follow it until one of them gives it up.
    #[serde(default)]
    pub disputed: bool,
}

/// A mission as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mission {
    pub id: MissionId,
    /// Counts up from 1. See [`Mission::label`].
    pub number: i64,
    pub title: String,
    pub state: MissionState,
    /// Of the convoy as a whole: the worst of its vehicles'.
    pub contact: ContactState,
    /// Key of the area whose rules hold now.
    pub area: String,
    pub legs: Vec<Leg>,
    /// Which leg it is on, from 0.
    pub leg: usize,
    pub convoy: Vec<ConvoyVehicle>,
    pub manifest: Vec<Seat>,
    /// The call sign that reports for all. `None`: anybody aboard does.
    pub leader: Option<String>,
    /// The call sign that reports when the leader cannot.
    pub deputy: Option<String>,
    pub planned_departure: Option<Timestamp>,
    pub departed: Option<Timestamp>,
    /// When the convoy's next contact is due. In the past while it is overdue.
    pub due: Option<Timestamp>,
    pub last_contact: Option<Timestamp>,
    /// The contact before the last: what counts again when the last was none, or when they have not arrived.
    #[serde(default)]
    pub heard_before: Option<Timestamp>,
    pub last_place: Option<String>,
    /// Where they were said to be before that.
    #[serde(default)]
    pub place_before: Option<String>,
    /// Contacts go on after arrival, because nobody takes over there.
    pub overnight: bool,
    /// The room that follows it now; `None`: this one.
    pub custody: Option<String>,
    /// The room that has been asked to follow it.
    pub custody_offered: Option<String>,
    /// The number of that offer: the version of the mission that it made.
    #[serde(default)]
    pub offer: Option<i64>,
    /// From which node this room has it.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// The node that follows it by an offer which was taken back. Both do, until one of them gives it up.
    #[serde(default)]
    pub claimed: Option<String>,
    /// Nothing of it is real.
    pub exercise: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub ended: Option<Timestamp>,
    /// Counts every change.
    pub version: i64,
}

impl Mission {
    /// `M-0042`.
    pub fn label(&self) -> String {
        let exercise = if self.exercise { "EXERCISE " } else { "" };
        format!("{exercise}M-{:04}", self.number)
    }

    /// Vehicles that are not in yet.
    pub fn on_the_way(&self) -> impl Iterator<Item = &ConvoyVehicle> {
        self.convoy.iter().filter(|vehicle| vehicle.is_on_the_way())
    }

    /// Vehicles that were not left behind.
    pub fn present(&self) -> impl Iterator<Item = &ConvoyVehicle> {
        self.convoy.iter().filter(|vehicle| vehicle.left.is_none())
    }

    /// Some are in and others are not: each of the others reports for itself.
    pub fn is_part_arrived(&self) -> bool {
        let arrived = self.present().filter(|vehicle| vehicle.arrived.is_some()).count();
        arrived > 0 && arrived < self.present().count()
    }

    /// The vehicle in which somebody sits at an instant.
    pub fn vehicle_of(&self, person: &str, at: Timestamp) -> Option<&str> {
        let sits = |seat: &&Seat| seat.person == person && seat.from <= at && seat.until.is_none_or(|until| at < until);
        self.manifest.iter().rev().find(sits)?.vehicle.as_deref()
    }

    /// Everybody aboard now, each once.
    pub fn aboard(&self) -> Vec<&str> {
        let mut aboard: Vec<&str> =
            self.manifest.iter().filter(|seat| seat.until.is_none()).map(|seat| seat.person.as_str()).collect();
        aboard.sort_unstable();
        aboard.dedup();
        aboard
    }

    /// Everybody is in: nobody of it is on the road.
    pub fn is_all_in(&self) -> bool {
        let none_out = self.on_the_way().next().is_none() && (!self.convoy.is_empty() || self.due.is_none());
        self.state == MissionState::Arrived || (self.state == MissionState::Aborted && none_out)
    }

    /// More legs follow this one.
    pub fn has_further_leg(&self) -> bool {
        self.leg + 1 < self.legs.len()
    }

    /// Since when all are in.
    pub fn all_in_since(&self) -> Option<Timestamp> {
        self.present().filter_map(|vehicle| vehicle.arrived).max().or(self.last_contact)
    }

    /// Where this leg goes to.
    pub fn destination(&self) -> Option<&str> {
        self.legs.get(self.leg).map(|leg| leg.to.as_str())
    }

    /// When this leg was begun.
    pub fn leg_began(&self) -> Option<Timestamp> {
        self.legs.get(self.leg).and_then(|leg| leg.began).or(self.departed)
    }

    /// The sign under which somebody of it is heard, by what the room that offered it told.
    pub fn told_sign(&self, sign: &str) -> Option<&ToldSign> {
        self.origin.as_ref()?.signs.iter().find(|told| told.sign == sign)
    }

    /// This room owes the following of it.
    pub fn is_ours(&self) -> bool {
        self.custody.is_none()
    }
}
