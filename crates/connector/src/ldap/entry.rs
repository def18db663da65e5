//! Entries as a server sent them. Pure; what does not fit is a fault with a name, never a panic.

use std::collections::BTreeMap;

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};

use crate::value::{AttributeName, AttributeValue};

/// An entry with its values as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    pub name: String,
    /// By name without options; ranges are put apart.
    pub attributes: BTreeMap<AttributeName, Vec<Vec<u8>>>,
    /// Attributes of which only a part came: `member;range=0-1499`.
    pub ranges: Vec<Range>,
    /// Controls of the entry, by OID.
    pub controls: Vec<(String, Vec<u8>)>,
}

/// A part of the values of an attribute (Active Directory, `range` option).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub attribute: AttributeName,
    pub from: u64,
    /// The last place; `None`: the values end here.
    pub to: Option<u64>,
    pub values: Vec<Vec<u8>>,
}

impl Entry {
    /// The values of an attribute.
    pub fn bytes(&self, name: &str) -> &[Vec<u8>] {
        self.attributes.get(&AttributeName::from(name)).map_or(&[], Vec::as_slice)
    }

    /// The first value as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(name).first()?).ok()
    }

    /// The first value as a whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// All values that are texts.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.bytes(name).iter().filter_map(|bytes| std::str::from_utf8(bytes).ok())
    }
}

/// A value as an attribute: text where it is one.
pub fn attribute_value(bytes: &[u8]) -> AttributeValue {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => AttributeValue::Text(text.to_owned()),
        _ => AttributeValue::Binary(bytes.to_vec()),
    }
}

/// The bytes that a value travels as.
pub fn value_bytes(value: &AttributeValue) -> Vec<u8> {
    match value {
        // RFC 4517 §3.3.3.
        AttributeValue::Bool(true) => b"TRUE".to_vec(),
        AttributeValue::Bool(false) => b"FALSE".to_vec(),
        AttributeValue::Integer(number) => number.to_string().into_bytes(),
        AttributeValue::Text(text) => text.clone().into_bytes(),
        AttributeValue::Binary(bytes) => bytes.clone(),
    }
}

/// What came in answer to a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Entry(Entry),
    Referral,
    /// An intermediate response: OID and value.
    Intermediate(String, Vec<u8>),
}

/// Understands one.
///
/// # Errors
/// What is wrong with it.
pub fn item(raw: ResultEntry) -> Result<Item, String> {
    let (tag, controls) = (raw.0, raw.1);
    let controls = controls.into_iter().map(|control| (control.1.ctype, control.1.val.unwrap_or_default())).collect();
    match tag.id {
        4 => entry(tag, controls).map(Item::Entry),
        19 => Ok(Item::Referral),
        25 => intermediate(tag),
        other => Err(format!("an answer with tag {other}")),
    }
}

fn entry(tag: StructureTag, controls: Vec<(String, Vec<u8>)>) -> Result<Entry, String> {
    let mut parts = constructed(tag.payload).ok_or("an entry without parts")?.into_iter();
    let name = parts.next().and_then(|part| primitive(part.payload)).ok_or("an entry without a name")?;
    let name = String::from_utf8(name).map_err(|_| "an entry whose name is no UTF-8")?;
    let list =
        parts.next().and_then(|part| constructed(part.payload)).ok_or_else(|| format!("`{name}`: no attributes"))?;
    let mut entry = Entry { name, controls, ..Entry::default() };
    for attribute in list {
        let bad = || format!("`{}`: an attribute of no form", entry.name);
        let mut pair = constructed(attribute.payload).ok_or_else(bad)?.into_iter();
        let description = pair.next().and_then(|part| primitive(part.payload)).ok_or_else(bad)?;
        let description = String::from_utf8(description).map_err(|_| bad())?;
        let values = pair.next().and_then(|part| constructed(part.payload)).ok_or_else(bad)?;
        let values =
            values.into_iter().map(|value| primitive(value.payload)).collect::<Option<Vec<_>>>().ok_or_else(bad)?;
        place(&mut entry, &description, values)?;
    }
    Ok(entry)
}

fn place(entry: &mut Entry, description: &str, values: Vec<Vec<u8>>) -> Result<(), String> {
    let mut options = description.split(';');
    let name = AttributeName::from(options.next().unwrap_or_default());
    match options.find_map(|option| option.to_ascii_lowercase().strip_prefix("range=").map(str::to_owned)) {
        None => entry.attributes.entry(name).or_default().extend(values),
        Some(range) => {
            let bad = || format!("`{}`: `{description}` is no range", entry.name);
            let (from, to) = range.split_once('-').ok_or_else(bad)?;
            let from: u64 = from.parse().map_err(|_| bad())?;
            let to = if to == "*" { None } else { Some(to.parse::<u64>().map_err(|_| bad())?) };
            entry.ranges.push(Range { attribute: name, from, to, values });
        }
    }
    Ok(())
}

/// IntermediateResponse ::= [APPLICATION 25] SEQUENCE { responseName [0] OPTIONAL, responseValue [1] OPTIONAL }
fn intermediate(tag: StructureTag) -> Result<Item, String> {
    let (mut oid, mut value) = (String::new(), Vec::new());
    for part in constructed(tag.payload).ok_or("an intermediate answer without parts")? {
        let (id, bytes) = (part.id, primitive(part.payload).ok_or("an intermediate answer of no form")?);
        match id {
            0 => oid = String::from_utf8_lossy(&bytes).into_owned(),
            1 => value = bytes,
            _ => {}
        }
    }
    Ok(Item::Intermediate(oid, value))
}

fn constructed(payload: PL) -> Option<Vec<StructureTag>> {
    match payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(payload: PL) -> Option<Vec<u8>> {
    match payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}
