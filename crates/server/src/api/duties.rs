//! Duties of the Access desk: what must stay apart, requests, borrowed access, reviews.
//!
//! Everybody who signs in asks, decides where they are asked, borrows and reviews under one action; who is asked, and that
//! nobody decides on their own, the room decides by person.

pub mod activations;
pub mod conditional;
pub mod consents;
pub mod groups;
mod names;
pub mod notices;
pub mod own;
pub mod requests;
pub mod reviews;
pub mod second_factor;
pub mod separation;
mod wire;

use kernel::id::PersonId;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::problem::Problem;
use crate::routes::Routes;

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    separation::routes(routes);
    requests::routes(routes);
    activations::routes(routes);
    reviews::routes(routes);
    own::routes(routes);
    second_factor::routes(routes);
    conditional::routes(routes);
    consents::routes(routes);
    groups::routes(routes);
    notices::routes(routes);
}

/// Reads an id of a kind; another text names nothing.
fn parse_id<K: kernel::id::Kind>(kind: &str, text: &str) -> Result<kernel::id::Id<K>, Problem> {
    text.parse().map_err(|_| Problem::not_found(kind, text))
}

/// Whether the caller sees what concerns others.
fn sees_all(app: &App, caller: &Caller) -> bool {
    app.authority.permits(caller.asker(), Action::ReadIdentity, None)
}

/// The caller as a person on record, if they are one.
async fn own(app: &App, caller: &Caller) -> Option<PersonId> {
    app.identity.person_behind(&caller.actor()).await.ok()
}
