//! A dispatch as it is kept.

use kernel::Timestamp;
use kernel::id::MessageId;
use kernel::message::{Address, DeliveryState, Dispatch, Precedence};
use serde::Serialize;

/// A dispatch and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outgoing {
    /// Ours; mail and webhooks carry it, so that a receiver can tell a repetition.
    pub id: MessageId,
    pub key: String,
    pub desk: String,
    pub about: String,
    pub recipient: String,
    pub addresses: Vec<Address>,
    /// Which of them is tried now.
    pub place: usize,
    pub subject: Option<String>,
    pub text: String,
    pub precedence: Precedence,
    pub exercise: bool,
    pub secret: bool,
    pub patience_s: u32,
    pub requested: Timestamp,
    pub expires: Timestamp,
    pub state: DeliveryState,
    /// Something may still be done about it.
    pub open: bool,
    /// Tries of the current address.
    pub tries: u32,
    /// Since when the current address is tried.
    pub since: Timestamp,
    /// When something has to be done next.
    pub due: Timestamp,
    pub problem: Option<String>,
    pub updated: Timestamp,
    pub version: i64,
}

/// Put before the text and the subject of whatever is not real.
pub const WATERMARK: &str = "EXERCISE EXERCISE EXERCISE";
/// What stands for a secret text when it is needed no more.
pub const SECRET: &str = "[secret]";
/// Not sent any more after so long, when nobody says otherwise.
const EXPIRES_US: i64 = 86_400_000_000;

impl Outgoing {
    /// As it is asked for. Addresses must not be empty.
    pub fn asked(id: MessageId, desk: &str, dispatch: &Dispatch, now: Timestamp) -> Outgoing {
        Outgoing {
            id,
            key: dispatch.key.clone(),
            desk: desk.to_owned(),
            about: dispatch.about.clone(),
            recipient: dispatch.recipient.clone(),
            addresses: dispatch.addresses.clone(),
            place: 0,
            subject: dispatch.subject.clone(),
            text: dispatch.text.clone(),
            precedence: dispatch.precedence,
            exercise: dispatch.exercise,
            secret: dispatch.secret,
            patience_s: dispatch.patience_s.unwrap_or(patience_s(dispatch.precedence)),
            requested: now,
            expires: dispatch.expires.unwrap_or(now.plus_micros(EXPIRES_US)),
            state: DeliveryState::Queued,
            open: true,
            tries: 0,
            since: now,
            due: now,
            problem: None,
            updated: now,
            version: 1,
        }
    }

    /// Where it goes now.
    pub fn address(&self) -> &Address {
        &self.addresses[self.place.min(self.addresses.len().saturating_sub(1))]
    }

    /// Whether there is another address after this one.
    pub fn has_next(&self) -> bool {
        self.place + 1 < self.addresses.len()
    }

    /// What is said, watermarked when it is not real.
    pub fn body(&self) -> String {
        let subject = self.subject.as_deref().filter(|_| self.address().means != kernel::message::Means::Email);
        let lines = [self.exercise.then_some(WATERMARK), subject, Some(self.text.as_str())];
        let last = self.exercise.then_some(WATERMARK);
        let lines: Vec<&str> = lines.into_iter().chain([last]).flatten().collect();
        lines.join("\n")
    }

    /// The subject of a mail, watermarked when it is not real.
    pub fn headline(&self) -> String {
        let said = self.subject.clone().unwrap_or_else(|| self.text.lines().next().unwrap_or_default().to_owned());
        let short: String = said.chars().take(120).collect();
        if self.exercise { format!("EXERCISE: {short}") } else { short }
    }
}

/// How long one means may take before the next, when nobody says otherwise.
pub const fn patience_s(precedence: Precedence) -> u32 {
    match precedence {
        Precedence::Distress => 30,
        Precedence::Immediate => 120,
        Precedence::Routine => 600,
        Precedence::Bulk => 3_600,
    }
}

/// The lane in the state database; the lower goes first.
pub const fn lane(precedence: Precedence) -> i64 {
    match precedence {
        Precedence::Distress => 0,
        Precedence::Immediate => 1,
        Precedence::Routine => 2,
        Precedence::Bulk => 3,
    }
}
