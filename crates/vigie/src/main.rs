//! The binary: command line, configuration, wiring.

mod config;

fn main() {}
