//! Which part of a record each column is: by itself, or as `ingestionMapping='[{"Column":…,"Properties":{"Path":"$.a"}}]'`
//! says (Microsoft's "JSON mapping" and "CSV mapping" of Azure Data Explorer; `column` and `path` in older texts).

use kernel::ColumnSchema;
use serde_json::Value as Json;

use crate::query::functions::json_path;

/// What of a record becomes the value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// The field at this place, from 0.
    Field(usize),
    /// What lies at the end of these steps.
    Path(Vec<Json>),
    /// This text in every record.
    Constant(String),
    /// The mapping does not name the column.
    Nothing,
}

/// Without a mapping: fields by their places, members of JSON by the columns' names.
pub(super) fn by_themselves(schema: &[ColumnSchema], json: bool) -> Vec<Part> {
    let part = |(at, column): (usize, &ColumnSchema)| {
        if json { Part::Path(vec![Json::from(column.name.as_str())]) } else { Part::Field(at) }
    };
    schema.iter().enumerate().map(part).collect()
}

/// What `mapping` says of the columns of `schema`; those that it does not name are null.
///
/// # Errors
/// What of the mapping is not understood; its author is to blame.
pub(super) fn parts(mapping: &str, schema: &[ColumnSchema], json: bool) -> Result<Vec<Part>, String> {
    let entries: Vec<Json> =
        serde_json::from_str(mapping).map_err(|error| format!("`ingestionMapping` is no JSON array: {error}"))?;
    let mut parts = vec![Part::Nothing; schema.len()];
    for entry in &entries {
        let Some(name) = text(entry, &["Column", "Name"]) else {
            return Err(format!("`ingestionMapping` has an entry without `Column`: {entry}"));
        };
        let Some(at) = schema.iter().position(|column| column.name == name) else {
            return Err(format!("`ingestionMapping` names the column `{name}`, which is not declared"));
        };
        parts[at] = part(entry, json).map_err(|problem| format!("`ingestionMapping`, column `{name}`: {problem}"))?;
    }
    Ok(parts)
}

fn part(entry: &Json, json: bool) -> Result<Part, String> {
    let properties = member(entry, "Properties").unwrap_or(entry);
    let property = |name: &str| text(properties, &[name]).filter(|value| !value.is_empty());
    if let Some(transform) = property("Transform").filter(|value| !value.eq_ignore_ascii_case("none")) {
        return Err(format!("the transformation `{transform}` is not supported; compute it in the query"));
    }
    if let Some(constant) = property("ConstValue") {
        return Ok(Part::Constant(constant));
    }
    match (property("Path"), property("Ordinal")) {
        (Some(path), _) if json => Ok(Part::Path(json_path(&path))),
        (_, Some(ordinal)) if !json => {
            let at = ordinal.parse();
            at.map(Part::Field).map_err(|_| format!("`Ordinal` is a place from 0, not `{ordinal}`"))
        }
        _ if json => Err("say where it lies: `\"Path\": \"$.name\"`".to_owned()),
        _ => Err("say which field it is: `\"Ordinal\": \"0\"`".to_owned()),
    }
}

/// The member of that name, however its letters are cased.
fn member<'a>(object: &'a Json, name: &str) -> Option<&'a Json> {
    object.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The first of these members that is there, as a text.
fn text(object: &Json, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match member(object, name)? {
        Json::String(text) => Some(text.clone()),
        Json::Null => None,
        other => Some(other.to_string()),
    })
}
