//! Builds the index of a file while its rows are written.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::Schema;
use kernel::ScalarType;
use kernel::schema::KQL_TYPE_METADATA;
use serde::de::IgnoredAny;

use super::filter::Filling;
use super::{BLOCK_ROWS, file, words};

/// Takes rows in their order and gives the index of them all.
#[derive(Debug)]
pub(crate) struct Builder {
    /// Of each column, whether its texts are JSON.
    json: Vec<bool>,
    filling: Filling,
    /// Rows in the block that is being filled.
    rows: usize,
    blocks: Vec<Vec<u64>>,
    /// A text with the escapes of JSON undone.
    plain: String,
}

impl Builder {
    /// For batches of the columns of `schema`.
    pub fn new(schema: &Schema) -> Builder {
        let dynamic = ScalarType::Dynamic.as_str();
        let is_json = schema.fields().iter().map(|field| field.metadata().get(KQL_TYPE_METADATA));
        let json = is_json.map(|scalar| scalar.is_some_and(|scalar| scalar == dynamic)).collect();
        Builder { json, filling: Filling::new(), rows: 0, blocks: Vec::new(), plain: String::new() }
    }

    /// Adds the rows of `batch`.
    pub fn add(&mut self, batch: &RecordBatch) {
        let mut start = 0;
        while start < batch.num_rows() {
            let length = (BLOCK_ROWS - self.rows).min(batch.num_rows() - start);
            for (at, column) in batch.columns().iter().enumerate() {
                if let Some(texts) = column.as_string_opt::<i32>().filter(|texts| texts.null_count() < texts.len()) {
                    let is_json = self.json.get(at).is_some_and(|json| *json);
                    self.texts(texts, start..start + length, is_json);
                }
            }
            self.rows += length;
            start += length;
            if self.rows == BLOCK_ROWS {
                self.end_block();
            }
        }
    }

    fn texts(&mut self, texts: &StringArray, rows: std::ops::Range<usize>, is_json: bool) {
        let mut before = "";
        for row in rows {
            let text = if texts.is_null(row) { "" } else { texts.value(row) };
            if text == before {
                continue;
            }
            before = text;
            words::each(text, |term| self.filling.add(term));
            if is_json && text.contains('\\') {
                self.escaped(text);
            }
        }
    }

    /// Adds the terms of a JSON text as they are once its escapes are undone.
    fn escaped(&mut self, text: &str) {
        if !text.trim_ascii().starts_with(['{', '[', '"']) {
            // It holds itself as it is.
            return;
        }
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            // Where a string begins in what is no JSON depends on who reads it.
            self.filling.give_up();
            return;
        }
        self.plain.clear();
        unescape(text, &mut self.plain);
        words::each(&self.plain, |term| self.filling.add(term));
    }

    fn end_block(&mut self) {
        self.blocks.push(self.filling.take());
        self.rows = 0;
    }

    /// The index as it lies beside the file.
    pub fn finish(mut self) -> Vec<u8> {
        let rows = self.blocks.len() * BLOCK_ROWS + self.rows;
        if self.rows > 0 {
            self.end_block();
        }
        file::encode(rows, &self.blocks)
    }
}

/// Undoes the escapes of valid JSON, where backslashes occur in strings alone.
fn unescape(text: &str, plain: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied();
        let length = match escape {
            Some(b'u') => {
                let (c, length) = code_point(&rest[at..]);
                plain.push(c);
                length
            }
            Some(b'n' | b't' | b'r' | b'b' | b'f') => {
                plain.push(' ');
                2
            }
            Some(other) if other.is_ascii() => {
                plain.push(char::from(other));
                2
            }
            _ => 1,
        };
        rest = &rest[at + length..];
    }
    plain.push_str(rest);
}

/// The character of `\uXXXX`, or of two of them, at the start of `text`, and how long that is.
fn code_point(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 1) };
    let units = [Some(first), unit(6)];
    let mut decoded = char::decode_utf16(units.into_iter().flatten());
    match decoded.next() {
        Some(Ok(c)) => (c, 6 * c.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn escapes_are_undone() {
        let check = |text: &str, expected: &str| {
            let mut plain = String::new();
            unescape(text, &mut plain);
            assert_eq!(plain, expected, "{text}");
        };
        check(r#"{"a":"C:\\x\nb \"q\" \u0041\u00e9"}"#, "{\"a\":\"C:\\x b \"q\" Aé\"}");
        check(r#""\ud83d\ude00\\ud83d""#, "\"😀\\ud83d\"");
        check(r#""\ud83dx""#, "\"\u{fffd}x\"");
    }

    proptest! {
        #[test]
        fn no_string_of_valid_json_is_missed(inner in "[a-c\\\\\"n\u{8}\u{1f600}é /]{0,12}", ascii: bool) {
            let mut text = Json::from(inner.as_str()).to_string();
            if ascii {
                text = text.chars().map(|c| if c.is_ascii() { c.to_string() } else {
                    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }).collect();
            }
            let mut plain = String::new();
            unescape(&text, &mut plain);
            let mut found = Vec::new();
            words::each(&plain, |term| found.push(term));
            words::each(&inner, |term| assert!(found.contains(&term), "{text}"));
        }
    }
}
