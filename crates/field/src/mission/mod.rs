//! Missions: journeys of people that the room follows until everybody is in.

mod clock;
mod command;
mod commands;
mod convoy;
mod custody;
mod decide;
mod doubts;
mod promises;
mod records;
mod sheet;
mod withdraw;

pub use command::{Command, Reporter};
pub use commands::{MissionOrder, Moved, RequestMission};
pub use decide::{Acted, Moment, allowed_commands, decide};
pub(crate) use decide::{lose, miss};
pub(crate) use doubts::pass_lead;
pub(crate) use promises::STOP_US;
pub use promises::{CONTACT, DEPARTURE, ONWARD, Promise, promises};
pub use sheet::{ContactState, ConvoyVehicle, Left, Leg, Mission, MissionState, Origin, Seat, ToldSign};

pub(crate) use commands::{conclude, interval, moment, write, write_record};
pub(crate) use custody::{Base, hear_of_giver, hear_of_holder, take_over};
pub(crate) use records::{by_number, find, of_member, one, open_in};
