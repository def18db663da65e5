//! The API, one file per room. Each file has its wire types, its operations and a `routes` that registers them.

pub mod alerts;
pub mod courier;
pub mod duties;
pub mod exceptions;
pub mod exchange;
pub mod feeds;
pub mod field;
pub mod functions;
pub mod health;
pub mod identity;
pub mod incidents;
pub mod ingest;
pub mod kql;
pub mod ledger;
pub mod live;
pub mod overview;
pub mod query;
pub mod reference_tables;
pub mod replica;
pub mod rule_view;
pub mod rules;
pub mod saved_queries;
pub mod scim;
pub mod session;
pub mod sources;
pub mod system;
pub mod tokens;
pub mod users;
pub mod watchlists;
pub mod words;

use crate::routes::Routes;

/// Every operation of the API.
pub fn routes() -> Routes {
    let mut routes = Routes::default();
    session::routes(&mut routes);
    system::routes(&mut routes);
    users::routes(&mut routes);
    tokens::routes(&mut routes);
    query::routes(&mut routes);
    kql::routes(&mut routes);
    saved_queries::routes(&mut routes);
    functions::routes(&mut routes);
    watchlists::routes(&mut routes);
    reference_tables::routes(&mut routes);
    alerts::routes(&mut routes);
    incidents::routes(&mut routes);
    rules::routes(&mut routes);
    rule_view::routes(&mut routes);
    exceptions::routes(&mut routes);
    sources::routes(&mut routes);
    field::routes(&mut routes);
    identity::routes(&mut routes);
    courier::routes(&mut routes);
    feeds::routes(&mut routes);
    exchange::routes(&mut routes);
    replica::routes(&mut routes);
    duties::routes(&mut routes);
    ledger::routes(&mut routes);
    overview::routes(&mut routes);
    live::routes(&mut routes);
    ingest::routes(&mut routes);
    scim::routes(&mut routes);
    health::routes(&mut routes);
    routes
}
