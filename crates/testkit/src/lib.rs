//! What tests stand on. Development only: the product never links it.
//!
//! **Owns** the seeded scenario and, beside it, clocks, ids and databases for tests.
//! **Never does** anything that a test could not repeat: time and chance are parameters.

pub mod scenario;
