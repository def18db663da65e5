//! The fast JSON reader against its slow twin: `serde_json` and a recursive walk.

use std::collections::BTreeMap;

use intake::{DecodeRequest, Decoded, Format, decode};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{request, values};

/// What the field columns of generic JSON must be: every leaf under its path, in order of appearance.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => found.entry(path.to_owned()).or_default().push(value.to_string()),
        Value::String(text) => found.entry(path.to_owned()).or_default().push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, path, found)),
        Value::Object(map) => {
            for (key, item) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(item, &path, found);
            }
        }
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[a\"\\\\/\\n\\t\\u{1}é😀]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\]{1,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-zA-Z_]{1,6}", json(), 0..8).prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every leaf of every record is in the field columns, whatever the framing, and nothing else is.
    #[test]
    fn fields_are_the_leaves(records in prop::collection::vec(object(), 1..5), framing in 0..4_u8) {
        let text = match framing {
            0 => records.iter().map(|record| format!("{record}\n")).collect(),
            1 => records.iter().map(|record| format!("{record:#}\n")).collect(),
            2 => Value::from(records.clone()).to_string(),
            _ => records.iter().map(ToString::to_string).collect::<String>(),
        };
        let found = decode(&request(Format::Json, text.as_bytes()));
        prop_assert_eq!((found.accepted, found.unparsed), (records.len() as u64, 0), "{:?}", found.problems);
        for (row, record) in records.iter().enumerate() {
            let mut expected = BTreeMap::new();
            leaves(record, "", &mut expected);
            let mut seen = 0;
            for (path, texts) in &expected {
                let text = if texts.len() == 1 { texts[0].clone() } else { format!("{texts:?}") };
                prop_assert_eq!(values(&found.events.columns, path, row), Some(text), "{} in {}", path, record);
                seen += 1;
            }
            let columns = found.events.columns.schema();
            let present = columns.fields().iter().filter(|field| values(&found.events.columns, field.name(), row).is_some());
            prop_assert_eq!(present.count(), seen);
        }
    }

    /// A damaged record is accepted by both or refused by both.
    #[test]
    fn both_accept_the_same_texts(record in object(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = record.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assume!(byte != b'\n' && byte != b'\r' && std::str::from_utf8(&bytes).is_ok());
        // Duplicate keys and surrounding framing aside, one line must be exactly one object.
        let found = decode(&request(Format::Json, &bytes));
        let outcome = serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes);
        // A number that no float can hold is still a number; only the slow twin must hold it.
        prop_assume!(!outcome.as_ref().is_err_and(|error| error.to_string().contains("out of range")));
        let whole = outcome.is_ok();
        if whole {
            prop_assert_eq!((found.accepted, found.unparsed), (1, 0), "{}", String::from_utf8_lossy(&bytes));
        } else {
            let blank = bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0 || *byte == 0x1E);
            let framing = matches!(bytes.first(), Some(0 | 0x1E | b'['));
            prop_assert!(found.unparsed > 0 || blank || framing, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    /// No bytes make any decoder panic, and what it counts is what it keeps.
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        for format in Format::ALL {
            for payload in [bytes.as_slice(), text.as_bytes()] {
                let found = decode(&request(format, payload));
                let events = found.events.columns.num_rows() as u64;
                prop_assert_eq!(found.accepted, events + found.unparsed, "{}", format);
                // Without rows for tables the events are the same.
                let bare = decode(&DecodeRequest { rows: false, ..request(format, payload) });
                prop_assert!(bare.tables.is_empty());
                prop_assert_eq!(&bare.events.columns, &found.events.columns);
                prop_assert_eq!(&bare.events.raw, &found.events.raw);
                let counts = |of: &Decoded| (of.accepted, of.unparsed, of.newest_event);
                prop_assert_eq!(counts(&bare), counts(&found));
            }
        }
    }
}
