//! Bytes of anybody as a delivery in the format `windows-json`.
#![no_main]

#[path = "intake/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::decode(intake::Format::WindowsJson, bytes));
