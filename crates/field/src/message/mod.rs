//! Messages of the room: asked for, and what became of them; received, and what was made of them.

mod attempt_reply;
mod compose;
mod incoming;
mod outgoing;
mod tongue;
mod words;

pub use compose::Compose;
pub use incoming::{MessageFilter, Received};
pub use outgoing::Outgoing;
pub use words::{Answer, answer_of};

pub(crate) use incoming::{take as take_received, unread_in};
pub(crate) use outgoing::{delivered, send, withdraw};
