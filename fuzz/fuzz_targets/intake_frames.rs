//! A byte stream of anybody as syslog over TCP.
#![no_main]

#[path = "intake/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::frames(bytes));
