//! What the parsers of this room give: things that arrived, and what was wrong with the bytes.

use kernel::Timestamp;
use kernel::message::{Means, Precedence};

/// What one delivery of a network said, read. The raw bytes are kept beside it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    pub items: Vec<Item>,
    /// What was wrong or left out, each with its place and the remedy.
    pub findings: Vec<String>,
}

impl Reading {
    /// Nothing but a finding.
    pub fn only(finding: impl Into<String>) -> Reading {
        Reading { items: Vec::new(), findings: vec![finding.into()] }
    }

    /// Notes what was wrong.
    pub fn note(&mut self, finding: impl Into<String>) {
        self.findings.push(finding.into());
    }
}

/// One thing that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Text(Text),
    /// A segment of a text that comes in several.
    Segment(Segment),
    Position(Position),
    Distress(Distress),
    Receipt(Receipt),
}

impl Item {
    /// Who it is from, as the network names them; `None`: it is about something of ours.
    pub fn sender(&self) -> Option<&str> {
        match self {
            Item::Text(text) => Some(&text.sender),
            Item::Segment(segment) => Some(&segment.sender),
            Item::Position(position) => Some(&position.device),
            Item::Distress(distress) => Some(&distress.device),
            Item::Receipt(_) => None,
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub means: Means,
    /// The network's own name of it, when it is unique on this channel.
    pub provider_id: Option<String>,
    pub sender: String,
    pub recipient: String,
    pub subject: Option<String>,
    pub text: String,
    pub sent: Option<Timestamp>,
    /// Our id of a dispatch that the network says it answers.
    pub answers: Option<String>,
    pub automatic: bool,
    pub exercise: bool,
    pub precedence: Option<Precedence>,
    pub relayed_by: Vec<String>,
}

impl Text {
    /// A plain text of somebody.
    pub fn plain(
        means: Means,
        sender: impl Into<String>,
        recipient: impl Into<String>,
        text: impl Into<String>,
    ) -> Text {
        Text {
            means,
            provider_id: None,
            sender: sender.into(),
            recipient: recipient.into(),
            subject: None,
            text: text.into(),
            sent: None,
            answers: None,
            automatic: false,
            exercise: false,
            precedence: None,
            relayed_by: Vec::new(),
        }
    }
}

/// One of several segments; 3GPP TS 23.040, 9.2.3.24.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub sender: String,
    pub recipient: String,
    pub reference: u16,
    pub total: u8,
    /// From 1.
    pub number: u8,
    pub text: String,
}

/// Where a device is or was, as it said it.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    pub device: String,
    pub label: Option<String>,
    pub source: &'static str,
    /// `None`: the device gave no time.
    pub fix_time: Option<Timestamp>,
    pub latitude: f64,
    pub longitude: f64,
    pub altitude_m: Option<f64>,
    pub accuracy_m: Option<f64>,
    pub speed_mps: Option<f64>,
    pub course_deg: Option<f64>,
    pub battery_percent: Option<f64>,
    /// The device says that the fix is not valid.
    pub no_fix: bool,
    /// The network located the device.
    pub by_network: bool,
}

impl Position {
    /// A bare position.
    pub fn at(source: &'static str, device: impl Into<String>, latitude: f64, longitude: f64) -> Position {
        Position {
            device: device.into(),
            label: None,
            source,
            fix_time: None,
            latitude,
            longitude,
            altitude_m: None,
            accuracy_m: None,
            speed_mps: None,
            course_deg: None,
            battery_percent: None,
            no_fix: false,
            by_network: false,
        }
    }
}

/// What a call for help is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Declare,
    Confirm,
    Cancel,
}

/// A call for help, or its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Distress {
    pub call: Call,
    pub device: String,
    pub label: Option<String>,
    pub source: &'static str,
    /// The code of its protocol, with its words.
    pub code: String,
    pub signalled: Option<Timestamp>,
    /// Degrees, when the same report has a position.
    pub place: Option<(f64, f64)>,
    pub text: Option<String>,
    pub exercise: bool,
}

/// What a network says of something that we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The name that the network gave it when it took it.
    pub provider_id: String,
    pub said: Said,
    pub problem: Option<String>,
}

/// The words of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is still on its way.
    Underway,
    Delivered,
    /// It will not be delivered.
    Lost,
}

impl Said {
    /// The word in the state database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Said::Underway => "underway",
            Said::Delivered => "delivered",
            Said::Lost => "lost",
        }
    }
}

/// Checks that degrees are on the globe. `Err` names the number that is not.
pub fn on_globe(latitude: f64, longitude: f64) -> Result<(), String> {
    if !(-90.0..=90.0).contains(&latitude) {
        return Err(format!("latitude {latitude} is not within -90 to 90"));
    }
    if !(-180.0..=180.0).contains(&longitude) {
        return Err(format!("longitude {longitude} is not within -180 to 180"));
    }
    Ok(())
}
