//! Tests of the crate as its users see it.

mod corpus;
mod events;
mod loading;
mod twin;
mod vectors;
