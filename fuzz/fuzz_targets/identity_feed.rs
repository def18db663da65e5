//! A delivery of a human-resources system, in each form: every record is understood or told, none is lost, and what was cut
//! is never whole.
#![no_main]

use identity::feed::{Feed, FeedFormat, Manifest, Mapper, decode};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for format in FeedFormat::ALL {
        let feed: Feed = serde_json::from_value(json!({
            "title": "HR", "owner": "P-1", "format": format, "trailer": "END",
            "map": { "anchor": "person", "key": "contract", "given_name": "given", "family_name": "{{ row.family | upper }}",
                "begins": "begins", "ends": "ends", "station": "station" },
        }))
        .expect("a feed");
        let Ok(decoded) = decode(&feed, bytes, &Manifest::default()) else { continue };
        assert!(*format != FeedFormat::Csv || decoded.is_whole, "without its last line nothing says that it is whole");
        if let Ok((mapped, bad)) = Mapper::new("hr", &feed).expect("a mapping").map(&decoded) {
            assert_eq!(mapped.len() + bad.len(), decoded.records.len());
        }
    }
});
