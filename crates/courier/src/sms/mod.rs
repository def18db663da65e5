//! Short messages: alphabets, segments, receipts, and the SMPP 3.4 client.

mod alphabet;
pub mod deliver;
mod receipt;
mod segment;
mod smpp;

pub use alphabet::{decode_gsm7, decode_latin1, decode_ucs2, encode_gsm7};
pub use receipt::read_receipt;
pub use segment::{Coding, Plan, count, plan, read_header};
pub use smpp::{SMS, Smpp, SmppSettings};
