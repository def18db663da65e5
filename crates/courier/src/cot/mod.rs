//! Cursor-on-Target: what TAK speaks, as XML and as protobuf (TAK protocol 1), over TCP.
//!
//! Source: MITRE, *Cursor on Target Message Router*; the TAK protocol's own description of its framing. XML has no delimiter
//! between events: a frame ends with `</event>`. A `takPing` at 0, 0 is a sign of life, not a position.

mod door;
mod event;
mod frame;
mod link;
mod proto;

pub use door::{Door, DoorSettings};
pub use event::{Event, chat, read_event};
pub use frame::{Frame, Frames, MOST_BYTES};
pub use link::{Cot, CotSettings};
pub use proto::{from_proto, to_proto};
