//! Feeds over HTTP: any bytes are read, or said to be unreadable.
#![no_main]

use courier::feed::{Feed, FeedRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let query = String::from_utf8_lossy(bytes);
    for feed in Feed::ALL {
        let reading = feed.read(FeedRequest { query: &query, device: Some("x"), body: bytes });
        assert!(!reading.items.is_empty() || !reading.findings.is_empty(), "dropped in silence by {}", feed.as_str());
    }
});
