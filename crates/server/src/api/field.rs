//! The radio room: register, duty log, missions, alarms, checks, the desk.

pub mod alarms;
pub mod answers;
pub mod checks;
pub mod contacts;
pub mod custody;
pub mod desk;
pub mod drafts;
pub mod equipment;
pub mod headcounts;
pub mod log;
pub mod map;
pub mod messages;
pub mod missions;
pub mod positions;
pub mod register;
pub mod reports;
pub mod sight;
pub mod traces;

use crate::problem::Problem;
use crate::routes::Routes;

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    register::routes(routes);
    log::routes(routes);
    drafts::routes(routes);
    missions::routes(routes);
    custody::routes(routes);
    alarms::routes(routes);
    checks::routes(routes);
    headcounts::routes(routes);
    answers::routes(routes);
    messages::routes(routes);
    positions::routes(routes);
    map::routes(routes);
    sight::routes(routes);
    reports::routes(routes);
    equipment::routes(routes);
    traces::routes(routes);
    contacts::routes(routes);
    desk::routes(routes);
}

/// Reads an id of a kind; another text names nothing.
fn parse_id<K: kernel::id::Kind>(kind: &str, text: &str) -> Result<kernel::id::Id<K>, Problem> {
    text.parse().map_err(|_| Problem::not_found(kind, text))
}
