//! What may be done with a mission.

use serde::{Deserialize, Serialize};

/// Who reports, as far as the sheet is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// In capitals.
    pub sign: String,
    /// The vehicle that they are, or sit in.
    pub vehicle: Option<String>,
    /// The leader or deputy who is that vehicle, or sits in it as they do: who speaks from there, speaks for them.
    #[serde(default)]
    pub beside: Option<String>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    Clear,
    Brief,
    /// The radio check at departure was made; again at the start of each further leg.
    Depart,
    /// Somebody was heard.
    Report {
        by: Option<Reporter>,
        place: Option<String>,
    },
    Halt {
        by: Option<Reporter>,
        place: Option<String>,
    },
    Resume {
        by: Option<Reporter>,
    },
    /// Everybody of a vehicle is out at the place itself; without a vehicle, of all.
    Arrive {
        vehicle: Option<String>,
        place: Option<String>,
        overnight: bool,
    },
    /// It was logged that they are in, and they are not: of a vehicle; without one, of all.
    NotArrived {
        vehicle: Option<String>,
    },
    /// What was logged as their last contact was none: of a vehicle that reports for itself; without one, of all.
    NotHeard {
        vehicle: Option<String>,
    },
    Close,
    Cancel,
    Abort,
    /// Another destination, other rules, another corridor from now on; what is not said stays.
    Reroute {
        #[serde(default)]
        area: Option<String>,
        #[serde(default)]
        to: Option<String>,
        /// Key of a fence; empty: none any more.
        #[serde(default)]
        corridor: Option<String>,
    },
    /// An empty vehicle stays behind, and nothing is owed for it any more.
    LeaveVehicle {
        vehicle: String,
        place: Option<String>,
    },
    /// A vehicle joins the convoy, or one that was left behind is back.
    AddVehicle {
        vehicle: String,
    },
    /// A person changes vehicles, gets in, or (without a vehicle) out.
    Seat {
        person: String,
        vehicle: Option<String>,
    },
    /// Who reports for all.
    Lead {
        leader: Option<String>,
        deputy: Option<String>,
    },
    OfferCustody {
        room: String,
    },
    /// The other room has proved that it has contact.
    ConfirmCustody,
    /// This room follows it again.
    TakeBack,
}

impl Command {
    /// Every command by name.
    pub const NAMES: &'static [&'static str] = &[
        "clear",
        "brief",
        "depart",
        "report",
        "halt",
        "resume",
        "arrive",
        "not-arrived",
        "not-heard",
        "close",
        "cancel",
        "abort",
        "reroute",
        "leave-vehicle",
        "add-vehicle",
        "seat",
        "lead",
        "offer-custody",
        "confirm-custody",
        "take-back",
    ];

    /// The name in code and API.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::Clear => "clear",
            Command::Brief => "brief",
            Command::Depart => "depart",
            Command::Report { .. } => "report",
            Command::Halt { .. } => "halt",
            Command::Resume { .. } => "resume",
            Command::Arrive { .. } => "arrive",
            Command::NotArrived { .. } => "not-arrived",
            Command::NotHeard { .. } => "not-heard",
            Command::Close => "close",
            Command::Cancel => "cancel",
            Command::Abort => "abort",
            Command::Reroute { .. } => "reroute",
            Command::LeaveVehicle { .. } => "leave-vehicle",
            Command::AddVehicle { .. } => "add-vehicle",
            Command::Seat { .. } => "seat",
            Command::Lead { .. } => "lead",
            Command::OfferCustody { .. } => "offer-custody",
            Command::ConfirmCustody => "confirm-custody",
            Command::TakeBack => "take-back",
        }
    }
}
