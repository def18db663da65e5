//! `buildschema`: the least schema that admits all values.
//!
//! A shape is kept in the form of the answer: the name of a type, a bag of members (those of an array under
//! `` `indexer` ``), or an array of these where values differ.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

/// Where the elements of an array are described.
const INDEXER: &str = "`indexer`";

/// What a group has shown so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    primitives: BTreeSet<String>,
    members: Option<Map<String, Json>>,
}

impl Shape {
    /// Widens it to admit `value`; null is admitted everywhere.
    pub(super) fn admit(&mut self, value: &Json) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.primitive("bool"),
            Json::Number(number) if number.is_f64() => self.primitive("double"),
            Json::Number(_) => self.primitive("long"),
            Json::String(_) => self.primitive("string"),
            Json::Array(elements) => elements.iter().for_each(|element| self.member(INDEXER, |of| of.admit(element))),
            Json::Object(members) => {
                members.iter().for_each(|(key, value)| self.member(key, |of| of.admit(value)));
            }
        }
        if value.is_array() || value.is_object() {
            self.members.get_or_insert_default();
        }
    }

    fn primitive(&mut self, name: &str) {
        self.primitives.insert(name.to_owned());
    }

    fn member(&mut self, key: &str, widen: impl FnOnce(&mut Shape)) {
        let members = self.members.get_or_insert_default();
        let mut shape = members.get(key).map(Shape::read).unwrap_or_default();
        widen(&mut shape);
        members.insert(key.to_owned(), shape.write().unwrap_or(Json::Null));
    }

    /// Widens it to admit all that a written shape does.
    pub(super) fn merge(&mut self, written: &Json) {
        match written {
            Json::String(name) => self.primitive(name),
            Json::Array(shapes) => shapes.iter().for_each(|shape| self.merge(shape)),
            Json::Object(members) => {
                self.members.get_or_insert_default();
                members.iter().for_each(|(key, shape)| self.member(key, |of| of.merge(shape)));
            }
            _ => {}
        }
    }

    fn read(written: &Json) -> Shape {
        let mut shape = Shape::default();
        shape.merge(written);
        shape
    }

    /// In the form of the answer; `None` where nothing but null was seen.
    pub(super) fn write(&self) -> Option<Json> {
        let names = self.primitives.iter().cloned().map(Json::String);
        let mut shapes: Vec<Json> = names.chain(self.members.clone().map(Json::Object)).collect();
        match shapes.len() {
            0 | 1 => shapes.pop(),
            _ => Some(Json::Array(shapes)),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.primitives.len() * 32 + self.members.as_ref().map_or(0, |members| members.len() * 96)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_merge_in_any_order() {
        let values = [
            json!({"x": 1, "y": 3.5}),
            json!({"x": "somevalue", "z": [1, 2, 3]}),
            json!({"y": {"w": "zzz"}, "t": ["aa", "bb"], "z": ["foo"]}),
        ];
        let expected = json!({
            "x": ["long", "string"],
            "y": ["double", {"w": "string"}],
            "z": {"`indexer`": ["long", "string"]},
            "t": {"`indexer`": "string"},
        });
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut left = Shape::default();
            left.admit(&values[order[0]]);
            let mut right = Shape::default();
            order[1..].iter().for_each(|at| right.admit(&values[*at]));
            left.merge(&right.write().unwrap());
            assert_eq!(left.write(), Some(expected.clone()));
        }
    }
}
