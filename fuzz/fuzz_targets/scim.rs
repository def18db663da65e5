//! Text of anybody as a filter, a path, a PATCH: refused or understood; what was understood is read again the same.
#![no_main]

use scim::path::Path;
use scim::schema::{GROUP, USER};
use scim::{Filter, patch, resource};
use serde_json::{Map, Value};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(filter) = Filter::parse(text) {
        assert_eq!(Filter::parse(&filter.to_string()).ok(), Some(filter.clone()));
        filter.fits(&Value::Object(Map::new()));
    }
    if let Ok(path) = Path::parse(text) {
        assert_eq!(Path::parse(&path.to_string()).ok(), Some(path));
    }
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        for schema in [&USER, &GROUP] {
            let _ = patch::apply(schema, &Map::new(), &json);
            let _ = resource::canonical(schema, &json);
        }
    }
});
