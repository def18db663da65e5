//! Requests for access: packages of a catalogue, stages of approval, and nothing that is approved by silence or by
//! whoever gains from it.

mod commands;
mod context;
mod decide;
mod package;
mod record;

pub use commands::{Asking, Order, RequestFilter};
pub use context::{GivenByRequest, RequestContext};
pub use decide::{Command, decide};
pub use package::{Need, Offer, Package, Stage, Text};
pub use record::{Decision, ExceptionAsked, Part, Request, RequestState, Seat, StageRun, StageState, ToxicShown};

pub(crate) use commands::{APPROVAL, AskedFor, overdue, pass_over_absent, toxic};
pub(crate) use record::{find, list};
