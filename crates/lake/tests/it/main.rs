//! Tests of the lake through its public face.

mod bench;
mod columns;
mod crash;
mod interop;
mod lifecycle;
mod simulation;
mod support;
