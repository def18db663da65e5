//! Two nodes that keep each other up to date over a bad link: an office that works alone, and its headquarters.
//!
//! **Owns** the logs that nodes write, their hash chains, the transfer of what the other has not got, the picture that it
//! gives of the other node, and how old that picture is.
//!
//! **Never does** decide what is worth telling, or what something of another node means: desks do. It changes nothing of
//! this node's own: a node is the only writer of its logs.
//!
//! **Invariants**
//! - A node writes four logs, one a lane, each append-only and chained by hash. What arrives extends the chain that is
//!   there, or is refused; nothing is applied twice, out of order, or in part.
//! - What is urgent goes first: after each piece of a batch the most urgent lane is asked for anew.
//! - What a node erases of what it told goes at the other node, too; the chains verify after as before.
//! - A broken transfer goes on at the byte where it broke.
//! - What a third node says is believed from the node that this one dials, and only where the third is not heard itself.
//! - The link is used to half, unless there is distress to tell.
//!
//! **Tables** `replica_*`.
//!
//! **Facts** tells `DistressSignalled` and `DistressCancelled` as other nodes told them, and `NodeRecordChanged` for desks.

mod batch;
mod chain;
mod erase;
mod error;
mod exchange;
pub mod frame;
mod lane;
pub mod link;
mod merge;
mod parts;
mod peers;
mod records;
mod relay;
mod replica;
pub mod sql;

pub use batch::unpack;
pub use chain::{Entry, Seal};
pub use erase::{ERASED, Thing};
pub use error::Error;
pub use exchange::{DISTRESS, DISTRESS_CANCELLED, Exchanged};
pub use lane::{Lane, Lanes};
pub use link::{Carrier, Link, Turned};
pub use merge::{apply_patch, patch};
pub use peers::{LaneView, LinkState, NodeView, PeerView, Refusal};
pub use records::{RecordFilter, RecordView};
pub use replica::{NewEntry, Replica, node_fault};
