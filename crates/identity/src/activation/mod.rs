//! Borrowed access: eligible roles and entitlements that somebody activates for a time, with a reason, and that end by
//! the clock, with the ticket, or by hand, and then are looked for at the target.

mod commands;
mod decide;
mod eligible;
mod place;
mod policy;
mod record;
mod sessions;

pub use commands::Activating;
pub use decide::{Command, Facts, decide, first};
pub use eligible::Eligible;
pub use place::OnMission;
pub use policy::{ActivationPolicy, TicketState, Tickets};
pub use record::{Activation, ActivationState, EndCause};
pub use sessions::{SessionEnd, SessionResult};

pub(crate) use commands::{
    END, VERIFY, WINDOW, approval_window_over, end_ineligible, end_of_ticket, missions_ticket, time_over, verify,
};
pub(crate) use place::end_elsewhere;
pub(crate) use record::{find, list};
