//! What attributes objects of a target have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::ObjectClass;
use crate::value::{AttributeName, AttributeValue};

/// When two values are the same to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    #[default]
    Exact,
    /// Without case and with runs of spaces as one (RFC 4518 in its effect on Latin text).
    IgnoreCase,
    /// Distinguished names: without case, spaces around `,` and `=` do not count.
    DistinguishedName,
}

impl Matching {
    /// The form in which equal values are equal. Numbers and truth values that one side writes as text compare as text.
    pub fn key(self, value: &AttributeValue) -> String {
        let text = match value {
            AttributeValue::Bool(value) => value.to_string(),
            AttributeValue::Binary(_) => return value.to_string(),
            AttributeValue::Integer(_) => value.to_string(),
            AttributeValue::Text(text) => text.clone(),
        };
        match self {
            Matching::Exact => text,
            Matching::IgnoreCase => text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
            Matching::DistinguishedName => distinguished(&text),
        }
    }
}

/// Spaces around unescaped separators go; case goes.
fn distinguished(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut skipping = true;
    let mut escaped = false;
    for character in text.trim().chars().flat_map(char::to_lowercase) {
        let separator = !escaped && matches!(character, ',' | '=' | '+' | ';');
        if separator {
            let kept = out.trim_end_matches(' ').len();
            // A space that is escaped belongs to the value.
            let kept = if out[..kept].ends_with('\\') { (kept + 1).min(out.len()) } else { kept };
            out.truncate(kept);
        }
        if character == ' ' && skipping {
            continue;
        }
        out.push(character);
        skipping = separator;
        escaped = character == '\\' && !escaped;
    }
    out
}

/// One attribute of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeSchema {
    pub name: AttributeName,
    /// The target's word for its type: `1.3.6.1.4.1.1466.115.121.1.15`, `BIGINT`, `string`.
    pub syntax: String,
    pub multi_valued: bool,
    pub required: bool,
    /// The target alone writes it.
    pub read_only: bool,
    pub matching: Matching,
}

impl AttributeSchema {
    /// A text of one value that may be written.
    pub fn text(name: &str) -> AttributeSchema {
        AttributeSchema {
            name: name.into(),
            syntax: "string".to_owned(),
            multi_valued: false,
            required: false,
            read_only: false,
            matching: Matching::Exact,
        }
    }
}

/// The attributes of one class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassSchema {
    pub attributes: BTreeMap<AttributeName, AttributeSchema>,
}

impl ClassSchema {
    /// From a list.
    pub fn of(attributes: impl IntoIterator<Item = AttributeSchema>) -> ClassSchema {
        ClassSchema { attributes: attributes.into_iter().map(|one| (one.name.clone(), one)).collect() }
    }

    /// What is known of an attribute.
    pub fn attribute(&self, name: &AttributeName) -> Option<&AttributeSchema> {
        self.attributes.get(name)
    }
}

/// What a target holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schema {
    pub classes: BTreeMap<ObjectClass, ClassSchema>,
}

impl Schema {
    /// What is known of a class; a class that is not there has no attributes.
    pub fn class(&self, class: ObjectClass) -> ClassSchema {
        self.classes.get(&class).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_directory_takes_for_the_same_have_one_key() {
        let key = |text: &str| Matching::DistinguishedName.key(&text.into());
        assert_eq!(key("CN=Amina Diallo, OU = People,DC=x"), key("cn=amina diallo,ou=People,dc=X"));
        assert_ne!(key("cn=a b,dc=x"), key("cn=ab,dc=x"));
        assert_ne!(key("cn=a\\, b,dc=x"), key("cn=a\\,b,dc=x"), "an escaped comma separates nothing");
        assert_eq!(Matching::IgnoreCase.key(&"Head  of Unit".into()), "head of unit");
    }
}
