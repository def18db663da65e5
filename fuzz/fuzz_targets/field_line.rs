//! Text of anybody as a line of the duty log: reading, echo, completion.
#![no_main]

use field::line::{complete, echo, parse};
use field::register::Directory;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let directory = Directory::new(0, Vec::new(), Vec::new());
    let now = kernel::Timestamp(1_795_262_400_000_000);
    let line = parse(text, &|word| word.len() == 4);
    for finding in &line.findings {
        assert!(text.get(finding.span.start as usize..finding.span.end as usize).is_some(), "{finding:?}");
    }
    let happened = line.time.and_then(|time| time.instant(now, directory.zone()).ok());
    assert!(!echo(&line, &directory, happened, now).is_empty());
    complete(text, text.len() / 2, &directory, &[], now);
});
