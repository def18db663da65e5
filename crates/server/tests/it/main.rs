//! The server as its clients see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that called them")]

mod bodies;
mod conditional;
mod contract;
mod courier;
mod desk;
mod feeds;
mod field;
mod field_language;
mod field_reach;
mod house;
mod library;
mod matrix;
mod own_desk;
mod pages;
mod people;
mod queries;
mod replica;
mod restricted;
mod scim;
mod sign_in;
mod statements;
mod system;
mod wire;

testkit::on_both_databases!(on_both: statements::every_statement_prepares);
