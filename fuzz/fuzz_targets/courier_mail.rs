//! Mail: any bytes are read, or said to be unreadable.
#![no_main]

use courier::mail::{OwnAddress, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let reading = read(&OwnAddress::default(), bytes);
    assert!(!reading.items.is_empty() || !reading.findings.is_empty(), "dropped in silence");
});
