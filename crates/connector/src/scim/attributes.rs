//! Resources as attributes named by SCIM paths, and back. Pure.

use serde_json::{Map, Value as Json, json};

use crate::error::ConnectorError;
use crate::value::{AttributeName, AttributeValue, Attributes};

/// Fields that are no attributes of a person or group.
const APART: [&str; 4] = ["schemas", "groups", "members", "active"];

/// The attributes of a resource.
pub fn flatten(resource: &Json) -> Attributes {
    let mut out = Attributes::new();
    for (name, value) in resource.as_object().into_iter().flatten() {
        if APART.contains(&name.as_str()) {
            continue;
        }
        match value.as_object() {
            Some(fields) if name.starts_with("urn:") => {
                for (inner, value) in fields {
                    put(&mut out, &format!("{name}:{inner}"), value);
                }
            }
            _ => put(&mut out, name, value),
        }
    }
    out
}

fn put(out: &mut Attributes, name: &str, value: &Json) {
    match value {
        Json::Array(values) => values.iter().for_each(|one| match one.as_object() {
            Some(fields) => {
                let kind = fields.get("type").and_then(Json::as_str);
                let prefix = kind.map_or_else(|| name.to_owned(), |kind| format!("{name}[type eq {}]", json!(kind)));
                for (part, value) in fields.iter().filter(|(part, _)| *part != "type") {
                    put(out, &format!("{prefix}.{part}"), value);
                }
            }
            None => put(out, name, one),
        }),
        Json::Object(fields) => fields.iter().for_each(|(part, value)| put(out, &format!("{name}.{part}"), value)),
        single => AttributeValue::of_json(single).into_iter().for_each(|one| out.push(name, one)),
    }
}

/// A name taken apart.
struct Parts<'a> {
    schema: Option<&'a str>,
    name: &'a str,
    kind: Option<String>,
    part: Option<&'a str>,
}

fn parts(name: &AttributeName) -> Result<Parts<'_>, ConnectorError> {
    let text = name.as_str();
    let bad = || ConnectorError::invalid(format!("`{name}` is no path of SCIM"));
    let (schema, rest) = match text.rsplit_once(':') {
        Some((schema, rest)) if text.starts_with("urn:") && !rest.contains('"') => (Some(schema), rest),
        _ => (None, text),
    };
    let (head, part) = match rest.rsplit_once(']') {
        Some((head, part)) => (head, part.strip_prefix('.')),
        None => match rest.split_once('.') {
            Some((head, part)) => (head, Some(part)),
            None => (rest, None),
        },
    };
    let (name, kind) = match head.split_once('[') {
        None => (head, None),
        Some((name, condition)) => {
            let literal = condition.trim().strip_prefix("type eq ").ok_or_else(bad)?;
            (name, Some(serde_json::from_str::<String>(literal.trim()).map_err(|_| bad())?))
        }
    };
    if name.is_empty() { Err(bad()) } else { Ok(Parts { schema, name, kind, part }) }
}

/// Values as SCIM writes them.
pub fn to_json(values: &[AttributeValue]) -> Json {
    match values {
        [single] => single.to_json(),
        several => several.iter().map(AttributeValue::to_json).collect(),
    }
}

/// Attributes as a resource to create.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) when a name is no path.
pub fn unflatten(attributes: &Attributes) -> Result<Map<String, Json>, ConnectorError> {
    let mut out = Map::new();
    for (name, values) in attributes.iter().filter(|(_, values)| !values.is_empty()) {
        let Parts { schema, name, kind, part } = parts(name)?;
        let holder = match schema {
            None => &mut out,
            Some(schema) => object(out.entry(schema).or_insert_with(|| json!({})))?,
        };
        let value = to_json(values);
        match (kind, part) {
            (None, None) => drop(holder.insert(name.to_owned(), value)),
            (None, Some(part)) => {
                object(holder.entry(name).or_insert_with(|| json!({})))?.insert(part.to_owned(), value);
            }
            (Some(kind), part) => {
                let list = holder.entry(name).or_insert_with(|| json!([]));
                let list = list
                    .as_array_mut()
                    .ok_or_else(|| ConnectorError::invalid(format!("`{name}` is named in two ways")))?;
                let at = list.iter().position(|one| one["type"] == kind.as_str()).unwrap_or_else(|| {
                    list.push(json!({ "type": kind }));
                    list.len() - 1
                });
                list[at][part.unwrap_or("value")] = value;
            }
        }
    }
    Ok(out)
}

fn object(value: &mut Json) -> Result<&mut Map<String, Json>, ConnectorError> {
    value.as_object_mut().ok_or_else(|| ConnectorError::invalid("an attribute is named as a value and as a structure"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_survives_its_attributes() {
        let resource = json!({
            "id": "7", "userName": "amina", "name": { "givenName": "Amina" },
            "emails": [{ "type": "work", "value": "a@x", "primary": true }, { "type": "home", "value": "b@x" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "WASH", "manager": { "value": "1" } },
        });
        let flat = flatten(&resource);
        assert_eq!(flat.text("emails[type eq \"home\"].value"), Some("b@x"));
        assert_eq!(flat.text("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"), Some("1"));
        let back = Json::Object(unflatten(&flat).unwrap());
        assert_eq!(flatten(&back), flat);
        assert_eq!(back["emails"].as_array().map(Vec::len), Some(2), "parts of one value come together again");
        assert!(unflatten(&Attributes::new().with("emails[value eq 1].x", "y")).is_err());
    }
}
