//! The one place that knows how a `dynamic` value lies in a column: as compact JSON text.
//!
//! Everything else asks a [`Dynamic`] for a member, an element, its kind or its text, and makes new ones from JSON
//! values, so that the representation can change without touching a function or an operator. A dynamic null is
//! an Arrow null, never the text `null`.

mod scan;
mod tree;

use std::borrow::Cow;

use serde_json::Value as Json;

pub(crate) use tree::PathTree;

/// What a dynamic value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Bag,
}

/// A dynamic value in a column, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dynamic<'a> {
    text: &'a str,
}

/// One step of a path into a dynamic value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// `.name` or `["name"]`.
    Member(String),
    /// `[3]`; negative counts from the end.
    Element(i64),
}

impl<'a> Dynamic<'a> {
    /// Reads the stored form. Text that is not JSON holds itself as a string.
    pub fn new(text: &'a str) -> Dynamic<'a> {
        Dynamic { text: text.trim_ascii() }
    }

    /// The stored form.
    pub fn stored(self) -> &'a str {
        self.text
    }

    /// The stored form of `json`.
    pub fn text_of(json: &Json) -> String {
        json.to_string()
    }

    /// What `parse_json(text)` gives: the JSON value of `text`, or `text` itself as a string value.
    pub fn parse(text: &str) -> Option<Json> {
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() {
            return None;
        }
        match serde_json::from_str(trimmed) {
            Ok(Json::Null) => None,
            Ok(json) => Some(json),
            Err(_) => Some(Json::String(text.to_owned())),
        }
    }

    /// What it holds.
    pub fn kind(self) -> Kind {
        match self.text.as_bytes().first() {
            None => Kind::Null,
            Some(b'n') if self.text == "null" => Kind::Null,
            Some(b't' | b'f') if matches!(self.text, "true" | "false") => Kind::Bool,
            Some(b'{') => Kind::Bag,
            Some(b'[') => Kind::Array,
            Some(b'-' | b'0'..=b'9') if self.text.parse::<f64>().is_ok() => Kind::Number,
            Some(_) => Kind::String,
        }
    }

    /// The member called `name` (case-sensitive); `None` where there is none.
    pub fn member(self, name: &str) -> Option<Dynamic<'a>> {
        scan::member(self.text, name).map(Dynamic::new)
    }

    /// The element at `index`; negative counts from the end.
    pub fn element(self, index: i64) -> Option<Dynamic<'a>> {
        scan::element(self.text, index).map(Dynamic::new)
    }

    /// Follows `path`.
    pub fn path(self, path: &[Step]) -> Option<Dynamic<'a>> {
        path.iter().try_fold(self, |value, step| match step {
            Step::Member(name) => value.member(name),
            Step::Element(index) => value.element(*index),
        })
    }

    /// The elements of an array; nothing for other kinds.
    pub fn elements(self) -> Vec<Dynamic<'a>> {
        scan::elements(self.text).into_iter().map(Dynamic::new).collect()
    }

    /// The members of a bag, in order; nothing for other kinds.
    pub fn members(self) -> Vec<(Cow<'a, str>, Dynamic<'a>)> {
        scan::members(self.text)
            .into_iter()
            .map(|(key, value)| (scan::unquote(key).unwrap_or(Cow::Borrowed(key)), Dynamic::new(value)))
            .collect()
    }

    /// The text that it has in a string context: a string without its quotes, nothing for null, else
    /// its JSON, so `true` (the bool that is no dynamic prints as `True`).
    pub fn to_text(self) -> Cow<'a, str> {
        match self.kind() {
            Kind::Null => Cow::Borrowed(""),
            Kind::String => scan::unquote(self.text).unwrap_or(Cow::Borrowed(self.text)),
            Kind::Bool | Kind::Number | Kind::Array | Kind::Bag => Cow::Borrowed(self.text),
        }
    }

    /// The whole value as JSON.
    pub fn to_json(self) -> Json {
        Dynamic::parse(self.text).unwrap_or(Json::Null)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[a-c\"\\\\{}\\[\\],: é\n]{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                prop::collection::vec(("[a-c\"\\\\é]{0,3}", inner), 0..5)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    fn stored(found: Option<Dynamic<'_>>) -> Option<String> {
        found.map(|value| value.stored().to_owned())
    }

    proptest! {
        #[test]
        fn scanning_agrees_with_a_parsed_tree(json in json(), spaced: bool, key in "[a-c\"\\\\é]{0,3}", index in -6_i64..6) {
            let text = if spaced { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
            let value = Dynamic::new(&text);
            let compact = |json: &Json| serde_json::to_string(json).unwrap();
            let reparse = |text: Option<String>| text.map(|text| compact(&serde_json::from_str(&text).unwrap()));
            prop_assert_eq!(reparse(stored(value.member(&key))), json.get(&key).map(compact));
            let slow = json.as_array().and_then(|array| {
                let at = if index < 0 { index + array.len() as i64 } else { index };
                usize::try_from(at).ok().and_then(|at| array.get(at))
            });
            prop_assert_eq!(reparse(stored(value.element(index))), slow.map(compact));
            prop_assert_eq!(value.elements().len(), json.as_array().map_or(0, Vec::len));
            let keys: Vec<String> = value.members().into_iter().map(|(key, _)| key.into_owned()).collect();
            let expected: Vec<String> = json.as_object().map_or_else(Vec::new, |bag| bag.keys().cloned().collect());
            prop_assert_eq!(keys, expected);
            if let Json::String(string) = &json {
                prop_assert_eq!(value.to_text(), string.as_str());
            }
        }

        #[test]
        fn any_text_is_scanned_without_panic(text in "[a\"\\\\{}\\[\\],:1 é]{0,20}", key in "[a\"]{0,2}", index in -3_i64..3) {
            let value = Dynamic::new(&text);
            value.member(&key);
            value.element(index);
            value.members();
            value.to_text();
        }
    }
}
