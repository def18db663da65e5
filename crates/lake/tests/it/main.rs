//! Tests of the lake through its public face.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod bench;
mod columns;
mod crash;
mod interop;
mod lifecycle;
mod query;
mod simulation;
mod support;
