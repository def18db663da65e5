//! Opening hours and shapes as people write them into the register.
#![no_main]

use field::register::{Directory, Form};
use field::road::Hours;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let now = kernel::Timestamp(1_795_262_400_000_000);
    if let Ok(hours) = Hours::parse(text) {
        hours.is_open(now, Directory::new(0, Vec::new(), Vec::new()).zone());
    }
    if let Ok(Some(value)) = Form::Shape.parse(text) {
        // What is kept is read again as the same.
        assert_eq!(Form::Shape.parse(&Form::Shape.show(&value)), Ok(Some(value)));
    }
});
