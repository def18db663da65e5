//! The Access desk: people, policy, feeds, plans, accounts and findings.

pub mod accounts;
pub mod feeds;
pub mod hybrid;
pub mod people;
pub mod plans;
pub mod policy;
pub mod report;
pub mod sources;

use std::collections::BTreeSet;

use crate::app::App;
use crate::auth::caller::Caller;
use crate::problem::Problem;
use crate::routes::Routes;

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    people::routes(routes);
    policy::routes(routes);
    feeds::routes(routes);
    sources::routes(routes);
    plans::routes(routes);
    accounts::routes(routes);
    hybrid::routes(routes);
    report::routes(routes);
}

/// Reads an id of a kind; another text names nothing.
fn parse_id<K: kernel::id::Kind>(kind: &str, text: &str) -> Result<kernel::id::Id<K>, Problem> {
    text.parse().map_err(|_| Problem::not_found(kind, text))
}

/// Whether the caller sees people whose record is restricted.
fn sees_restricted(app: &App, caller: &Caller) -> bool {
    app.authority.permits(caller.asker(), crate::action::Action::ManageIdentity, None)
}

/// People of whom the caller sees nothing.
pub(super) async fn hidden(app: &App, caller: &Caller) -> Result<BTreeSet<kernel::id::PersonId>, Problem> {
    match sees_restricted(app, caller) {
        true => Ok(BTreeSet::new()),
        false => Ok(app.identity.restricted_people().await?),
    }
}
