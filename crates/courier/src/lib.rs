//! Messages out and in: e-mail, SMS (SMPP), webhook, satellite and tracker feeds, Cursor-on-Target, MQTT, NMEA, CAP, files of
//! tracks and places.
//!
//! **Owns** the queue of messages that go out, their tries, receipts and dead letters, the messages that came in, the bytes of
//! every delivery, and the parsers and writers of the formats named above.
//!
//! **Never does** decide who is told what, what a message means, or whether a position can be believed: desks do. It knows
//! addresses, not people.
//!
//! **Invariants**
//! - What arrived is kept as it came, before whoever delivered it is told that it was taken.
//! - The same thing delivered twice is told once and counted twice; two different things are told twice.
//! - A dispatch is tried until it is sent, refused by every address, taken back or past its time, across restarts; a desk hears
//!   of each change once.
//! - A try is written down before it is made. After a crash it is made again under the same id: at least once, never not at all.
//! - Distress goes first on every channel, and always has a place of its own.
//! - A call for help is told at once, whatever its age, and in whatever order it and its cancellation come.
//!
//! **Tables** `courier_*`.
//!
//! **Facts** hears `MessagesRequested`, `MessagesWithdrawn`, `MessageConcealed`; tells `MessageDelivery`, `MessageReceived`, `PositionsReported`,
//! `DistressSignalled`, `DistressCancelled`.

pub mod arrival;
pub mod cap;
pub mod channel;
pub mod cot;
mod error;
mod fact_tables;
pub mod feed;
pub mod listen;
pub mod mail;
pub mod outgoing;
mod queries;
mod receive;
mod retry;
mod room;
mod service;
pub mod sms;
pub mod sql;
pub mod tls;
pub mod track;
pub mod webhook;
mod xml;

pub use arrival::Reading;
pub use channel::{Channel, ChannelState, Limits, Outcome, Piece};
pub use error::Error;
pub use fact_tables::FACT_TABLES;
pub use outgoing::{Outgoing, Sender};
pub use queries::{RawDelivery, ReceivedMessage, Try};
pub use receive::Taken;
pub use room::Courier;
pub use service::{Settings, Task};
