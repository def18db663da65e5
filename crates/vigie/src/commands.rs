//! One module for each command.

pub mod config;
pub mod coverage;
pub mod find;
pub mod hunt;
pub mod identity;
pub mod ingest;
pub mod kept;
pub mod kql;
pub mod lake;
pub mod ledger;
pub mod messages;
pub mod query;
pub mod rules;
pub mod scan;
pub mod serve;
pub mod sources;
