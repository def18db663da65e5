//! Messages out: what is asked for, what is decided, who sends it.

pub mod decide;
pub mod pace;
pub mod record;
mod requests;
mod rows;
mod send;
mod settle;

pub use record::{Outgoing, WATERMARK};
pub(crate) use rows::outgoing;
pub use send::Sender;
pub(crate) use settle::take_receipt;
