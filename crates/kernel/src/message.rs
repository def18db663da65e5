//! Messages, positions and calls for help, as `courier` and the desks tell each other of them.
//!
//! # How a desk has a message sent
//! It emits [`Fact::MessagesRequested`](crate::Fact::MessagesRequested) in the transaction that decided it. Each
//! [`Dispatch`] goes to one recipient, by the first of its addresses that works; its key names it for ever, so asking twice
//! sends once. What becomes of it comes back as [`Fact::MessageDelivery`](crate::Fact::MessageDelivery) with the same key. A
//! dispatch that no longer matters is taken back with [`Fact::MessagesWithdrawn`](crate::Fact::MessagesWithdrawn).
//!
//! # What a desk hears
//! A message, position or signal is emitted once, however often its network delivers it. Nothing is emitted with a judgement on
//! whether it is true or current: a position may be late, out of order, dated in the future or at 0, 0, and a cancellation may
//! come before what it cancels. Whoever hears decides; [`PositionReported::quirks`] says what can be seen from the report alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{MessageId, PositionId, RawId, SignalId};
use crate::time::Timestamp;

/// Declares words with their text form.
macro_rules! means {
    ($($(#[$doc:meta])* $means:ident = $word:literal;)*) => {
        /// By what a message travels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Means {$(
            $(#[$doc])*
            $means,
        )*}

        impl Means {
            /// All of them.
            pub const ALL: &[Means] = &[$(Means::$means),*];

            /// The word in the register, the API and KQL.
            pub const fn as_str(self) -> &'static str {
                match self {$(Means::$means => $word,)*}
            }
        }
    };
}

means! {
    /// A short message; the address is a number such as `+67077231234`.
    Sms = "sms";
    /// Internet mail; the address is `name@host`.
    Email = "email";
    /// A satellite messenger or modem; the address is its IMEI. Received only.
    Satellite = "satellite";
    /// A signed HTTP request; the address is the name of a webhook of the configuration.
    Webhook = "webhook";
    /// Chat in Cursor-on-Target; the address is a call sign, or `All Chat Rooms`.
    Cot = "cot";
    /// A text over MQTT; the address is a node of the mesh.
    Mqtt = "mqtt";
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a means by which `courier` can send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a means by which messages travel; these are: sms, email, satellite, webhook, cot, mqtt")]
pub struct NotAMeans(pub String);

impl FromStr for Means {
    type Err = NotAMeans;

    fn from_str(text: &str) -> Result<Means, NotAMeans> {
        let found = Means::ALL.iter().copied().find(|means| means.as_str() == text);
        found.ok_or_else(|| NotAMeans(text.chars().take(40).collect()))
    }
}

/// How urgent traffic is; a lower lane waits whenever a higher one has something to send. Sorts most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precedence {
    /// Lives are at stake now.
    Distress,
    /// A ladder's step, an acknowledgement, a headcount.
    Immediate,
    /// Ordinary traffic.
    Routine,
    /// Reports and whatever may wait for hours.
    Bulk,
}

impl Precedence {
    /// All of them, most urgent first.
    pub const ALL: [Precedence; 4] =
        [Precedence::Distress, Precedence::Immediate, Precedence::Routine, Precedence::Bulk];

    /// The word in the API and KQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Precedence::Distress => "distress",
            Precedence::Immediate => "immediate",
            Precedence::Routine => "routine",
            Precedence::Bulk => "bulk",
        }
    }
}

/// Where a recipient is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    pub means: Means,
    /// In the form of its means: see [`Means`].
    pub address: String,
}

impl Address {
    /// An address of a means.
    pub fn new(means: Means, address: impl Into<String>) -> Address {
        Address { means, address: address.into() }
    }
}

/// One message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// Names it for ever, 1 to 200 characters, such as `alarm-…/attempt/3`: asked for twice, it is sent once.
    pub key: String,
    /// What it is about, for people and for [`MessageDelivery`]: the text of an alarm's, headcount's or mission's id.
    pub about: String,
    /// Who it is for, as people say it. Not sent.
    pub recipient: String,
    /// By these in order: the next when one fails, or gives no sign of delivery within [`patience_s`](Self::patience_s).
    pub addresses: Vec<Address>,
    /// The subject of a mail; the first line of the text otherwise.
    pub subject: Option<String>,
    /// What is said. It travels whole: a short message of several segments, never cut.
    pub text: String,
    pub precedence: Precedence,
    /// An exercise or a test: the text and the subject are watermarked, whatever the means.
    pub exercise: bool,
    /// The text is told to nobody but the recipient: KQL, the API and the logs show that there was one.
    pub secret: bool,
    /// For how long one means may be tried and, where the network tells, its receipt be waited for, before the next one; `None`:
    /// by precedence (30 s, 120 s, 600 s, 3,600 s). The last means goes on being tried until [`expires`](Self::expires).
    pub patience_s: Option<u32>,
    /// Not sent any more from then on; `None`: a day after it was asked for.
    pub expires: Option<Timestamp>,
}

/// How far a dispatch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It waits for its turn, or for its next try.
    Queued,
    /// The next hop has it.
    Sent,
    /// The network says that the recipient's device has it. Final.
    Delivered,
    /// One means failed; the next one is tried.
    Failed,
    /// Every means failed: the dead letters. Final; the desk has to find another way.
    Undeliverable,
    /// Its time was over before it could be sent. Final.
    Expired,
    /// It was taken back before it was sent. Final.
    Withdrawn,
}

impl DeliveryState {
    /// The word in the API and KQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Queued => "queued",
            DeliveryState::Sent => "sent",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Failed => "failed",
            DeliveryState::Undeliverable => "undeliverable",
            DeliveryState::Expired => "expired",
            DeliveryState::Withdrawn => "withdrawn",
        }
    }

    /// Nothing follows any more, except that what was sent may still turn out delivered or failed.
    pub const fn is_final(self) -> bool {
        match self {
            DeliveryState::Queued | DeliveryState::Sent | DeliveryState::Failed => false,
            DeliveryState::Delivered
            | DeliveryState::Undeliverable
            | DeliveryState::Expired
            | DeliveryState::Withdrawn => true,
        }
    }
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<DeliveryState, String> {
        use DeliveryState::{Delivered, Expired, Failed, Queued, Sent, Undeliverable, Withdrawn};
        let all = [Queued, Sent, Delivered, Failed, Undeliverable, Expired, Withdrawn];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a state of a delivery"))
    }
}

/// What became of a dispatch: each change once, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDelivery {
    /// As in [`Dispatch::key`].
    pub key: String,
    /// As in [`Dispatch::about`].
    pub about: String,
    pub state: DeliveryState,
    /// The means of this change; `None` when it is about the whole dispatch.
    pub address: Option<Address>,
    /// Why, where something went wrong: who refused, with what code.
    pub problem: Option<String>,
    pub at: Timestamp,
}

/// A message that reached us. A second delivery of the same one is counted as another receipt and not emitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReceived {
    pub message: MessageId,
    pub means: Means,
    /// The channel of the configuration that it came through.
    pub channel: String,
    /// The network's own name of it, where there is one.
    pub provider_id: Option<String>,
    /// The address it came from, normalised: `+67077231234`, a mail address in lower case, an IMEI.
    pub sender: String,
    /// Our address that it was sent to.
    pub recipient: String,
    pub subject: Option<String>,
    /// What is said, decoded, without the quotation of an earlier mail.
    pub text: String,
    /// When its network says that it was sent, believed or not.
    pub sent: Option<Timestamp>,
    pub received: Timestamp,
    /// The key of the dispatch that it answers, where the network says so (a reply to a mail), or where exactly one dispatch to
    /// this address is recent enough: see [`answers_certain`](Self::answers_certain).
    pub answers: Option<String>,
    /// The network names what is answered; otherwise it is a guess by time.
    pub answers_certain: bool,
    /// How urgent the sender says that it is, where its network can say so.
    pub precedence: Option<Precedence>,
    /// Who passed it on, the first hop first.
    pub relayed_by: Vec<String>,
    /// A machine wrote it (out of office, a bounce, a list): show it, act on nothing in it.
    pub automatic: bool,
    /// It carries the watermark of an exercise or a test.
    pub exercise: bool,
    /// The bytes as they came.
    pub raw: RawId,
}

/// What can be seen from a position report alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// Latitude and longitude are both within 0.0001° of zero: what devices say that have no fix.
    NullIsland,
    /// The fix is dated more than a minute after its receipt.
    Future,
    /// The fix is dated more than ten minutes before its receipt.
    Late,
    /// The device gave no time; the fix time is that of the receipt.
    NoTime,
    /// The device itself says that the fix is not valid or not from satellites.
    NoFix,
    /// The network located the device, not the device itself: good to kilometres (Iridium).
    Network,
}

/// Where a device says that it is or was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PositionReported {
    pub position: PositionId,
    /// The device by the id that it gives: an IMEI, a tracker id, a CoT `uid`.
    pub device: String,
    /// What it calls itself, where it does: a call sign.
    pub label: Option<String>,
    /// How it came: `osmand`, `inreach`, `owntracks`, `meshtastic`, `iridium`, `cot`, `nmea`, `import`.
    pub source: String,
    /// When the device was there.
    pub fix_time: Timestamp,
    pub received: Timestamp,
    /// WGS 84, degrees, within ±90 and ±180.
    pub latitude: f64,
    pub longitude: f64,
    pub altitude_m: Option<f64>,
    /// Radius of the circle in which the device is, by its own or its network's word.
    pub accuracy_m: Option<f64>,
    pub speed_mps: Option<f64>,
    /// Degrees clockwise from true north, 0 up to 360.
    pub course_deg: Option<f64>,
    /// 0 to 100.
    pub battery_percent: Option<f64>,
    pub quirks: Vec<Quirk>,
    /// The bytes as they came.
    pub raw: RawId,
}

/// A device calls for help, however late the call arrives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistressSignalled {
    pub signal: SignalId,
    pub device: String,
    pub label: Option<String>,
    pub source: String,
    /// The code of its protocol, such as `4 declare SOS`.
    pub code: String,
    /// The device confirms an earlier call, rather than making one.
    pub confirms: bool,
    /// When the device says that it called. Compare with [`received`](Self::received) for its age.
    pub signalled: Timestamp,
    pub received: Timestamp,
    /// The position of the same report, which was emitted too.
    pub position: Option<PositionId>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// What was written with it.
    pub text: Option<String>,
    /// A test or an exercise by the device's own word.
    pub exercise: bool,
    pub raw: RawId,
}

/// A device takes back a call for help. It may come before the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistressCancelled {
    pub signal: SignalId,
    pub device: String,
    pub label: Option<String>,
    pub source: String,
    pub code: String,
    pub signalled: Timestamp,
    pub received: Timestamp,
    pub raw: RawId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fact;

    #[test]
    fn words_are_read_as_they_are_written() {
        for means in Means::ALL {
            assert_eq!(means.as_str().parse(), Ok(*means));
            assert_eq!(serde_json::json!(means), means.as_str());
        }
        for precedence in Precedence::ALL {
            assert_eq!(serde_json::json!(precedence), precedence.as_str());
        }
        assert!("pigeon".parse::<Means>().unwrap_err().to_string().contains("sms, email"));
    }

    #[test]
    fn facts_of_the_courier_survive_their_text() {
        let now = Timestamp(1_795_262_400_000_000);
        let position = PositionReported {
            position: PositionId::new(now, [1; 10]),
            device: "300434030000000".to_owned(),
            label: None,
            source: "inreach".to_owned(),
            fix_time: now,
            received: now,
            latitude: -8.5536,
            longitude: 125.5783,
            altitude_m: None,
            accuracy_m: Some(10_000.0),
            speed_mps: None,
            course_deg: None,
            battery_percent: None,
            quirks: vec![Quirk::Network],
            raw: RawId::new(now, [2; 10]),
        };
        let dispatch = Dispatch {
            key: "headcount/1/p-7".to_owned(),
            about: "headcount".to_owned(),
            recipient: "p-7".to_owned(),
            addresses: vec![Address::new(Means::Sms, "+67077231234")],
            subject: None,
            text: "Are you safe?".to_owned(),
            precedence: Precedence::Immediate,
            exercise: true,
            secret: false,
            patience_s: None,
            expires: None,
        };
        for fact in [
            Fact::PositionsReported { positions: vec![position] },
            Fact::MessagesRequested { desk: "field".to_owned(), dispatches: vec![dispatch] },
        ] {
            let text = serde_json::json!(fact).to_string();
            assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
        }
    }
}
