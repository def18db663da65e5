//! Tests of the intake as its callers see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod corpus;
mod decode;
mod files;
mod live;
mod shared;
mod support;
mod twin;
