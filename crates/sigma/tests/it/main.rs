//! Tests of the crate as its users see it.

mod corpus;
mod correlations;
mod events;
mod kql_text;
mod loading;
mod near;
mod order;
mod peer;
mod twin;
mod vectors;
