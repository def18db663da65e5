//! Attributes: names without case, values as sets.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The name of an attribute as the target's schema spells it. Compared without ASCII case, as LDAP (RFC 4512 §2.5), SCIM
/// (RFC 7643 §2.1) and SQL do.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttributeName(String);

impl AttributeName {
    /// As it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AttributeName {
    fn from(name: &str) -> AttributeName {
        AttributeName(name.to_owned())
    }
}

impl From<String> for AttributeName {
    fn from(name: String) -> AttributeName {
        AttributeName(name)
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A name to look for, without a copy of it.
struct Folded<'a>(&'a str);

impl Folded<'_> {
    fn compare(&self, other: &Folded<'_>) -> Ordering {
        let left = self.0.bytes().map(|byte| byte.to_ascii_lowercase());
        left.cmp(other.0.bytes().map(|byte| byte.to_ascii_lowercase()))
    }
}

impl PartialEq for AttributeName {
    fn eq(&self, other: &AttributeName) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for AttributeName {}
impl PartialOrd for AttributeName {
    fn partial_cmp(&self, other: &AttributeName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for AttributeName {
    fn cmp(&self, other: &AttributeName) -> Ordering {
        Folded(&self.0).compare(&Folded(&other.0))
    }
}
impl Hash for AttributeName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

/// One value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    Bool(bool),
    Integer(i64),
    Text(String),
    /// Bytes that are no text: an objectSid, a certificate, a photo. In JSON `{"base64": "…"}`.
    Binary(#[serde(with = "binary")] Vec<u8>),
}

impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttributeValue::Bool(value) => write!(f, "{value}"),
            AttributeValue::Integer(value) => write!(f, "{value}"),
            AttributeValue::Text(value) => write!(f, "{value:?}"),
            AttributeValue::Binary(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// The value for people to read; bytes as base64.
impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttributeValue::Bool(value) => write!(f, "{value}"),
            AttributeValue::Integer(value) => write!(f, "{value}"),
            AttributeValue::Text(value) => f.write_str(value),
            AttributeValue::Binary(bytes) => f.write_str(&STANDARD.encode(bytes)),
        }
    }
}

impl AttributeValue {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Bool(_) | AttributeValue::Integer(_) | AttributeValue::Binary(_) => None,
        }
    }
}

impl AttributeValue {
    /// A single value of JSON; `None`: nothing, a list or an object.
    pub fn of_json(value: &Json) -> Option<AttributeValue> {
        match value {
            Json::Bool(flag) => Some(AttributeValue::Bool(*flag)),
            Json::String(text) => Some(AttributeValue::Text(text.clone())),
            Json::Number(number) => {
                let whole = number.as_i64().map(AttributeValue::Integer);
                Some(whole.unwrap_or_else(|| AttributeValue::Text(number.to_string())))
            }
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// As services that speak JSON take it; bytes as base64.
    pub fn to_json(&self) -> Json {
        match self {
            AttributeValue::Bool(flag) => Json::from(*flag),
            AttributeValue::Integer(number) => Json::from(*number),
            AttributeValue::Text(_) | AttributeValue::Binary(_) => Json::from(self.to_string()),
        }
    }
}

impl From<&str> for AttributeValue {
    fn from(value: &str) -> AttributeValue {
        AttributeValue::Text(value.to_owned())
    }
}
impl From<String> for AttributeValue {
    fn from(value: String) -> AttributeValue {
        AttributeValue::Text(value)
    }
}
impl From<bool> for AttributeValue {
    fn from(value: bool) -> AttributeValue {
        AttributeValue::Bool(value)
    }
}
impl From<i64> for AttributeValue {
    fn from(value: i64) -> AttributeValue {
        AttributeValue::Integer(value)
    }
}

mod binary {
    //! Bytes in JSON.
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        base64: String,
    }

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        Wire { base64: STANDARD.encode(bytes) }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        STANDARD.decode(wire.base64).map_err(serde::de::Error::custom)
    }
}

/// The attributes of an object. No values and no entry mean the same when reading; when writing, an entry without values
/// means "none shall be there", no entry means "leave it".
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<AttributeName, Vec<AttributeValue>>);

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Attributes {
    /// None.
    pub fn new() -> Attributes {
        Attributes::default()
    }

    /// The same with one value for `name`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<AttributeValue>) -> Attributes {
        self.set(name, vec![value.into()]);
        self
    }

    /// Puts values in place of what was there.
    pub fn set(&mut self, name: impl Into<AttributeName>, values: Vec<AttributeValue>) {
        self.0.insert(name.into(), values);
    }

    /// Adds one value.
    pub fn push(&mut self, name: impl Into<AttributeName>, value: AttributeValue) {
        self.0.entry(name.into()).or_default().push(value);
    }

    /// All values of `name`.
    pub fn values(&self, name: &str) -> &[AttributeValue] {
        self.0.get(&AttributeName::from(name)).map_or(&[], Vec::as_slice)
    }

    /// The first value of `name`.
    pub fn first(&self, name: &str) -> Option<&AttributeValue> {
        self.values(name).first()
    }

    /// The first value of `name`, when it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.first(name)?.as_text()
    }

    /// Whether there is an entry, even without values.
    pub fn mentions(&self, name: &str) -> bool {
        self.0.contains_key(&AttributeName::from(name))
    }

    /// Takes the entry out.
    pub fn remove(&mut self, name: &str) -> Option<Vec<AttributeValue>> {
        self.0.remove(&AttributeName::from(name))
    }

    /// Entries by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &[AttributeValue])> {
        self.0.iter().map(|(name, values)| (name, values.as_slice()))
    }

    /// No entries at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<N: Into<AttributeName>> FromIterator<(N, Vec<AttributeValue>)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, Vec<AttributeValue>)>>(entries: I) -> Attributes {
        Attributes(entries.into_iter().map(|(name, values)| (name.into(), values)).collect())
    }
}
