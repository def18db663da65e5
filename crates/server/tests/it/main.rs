//! The server as its clients see it.

mod bodies;
mod contract;
mod desk;
mod house;
mod matrix;
mod pages;
mod people;
mod queries;
mod sign_in;
mod statements;
mod wire;

testkit::on_both_databases!(on_both: statements::every_statement_prepares);
