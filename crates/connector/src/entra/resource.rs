//! What the service says, as objects, and attributes as it wants to read them. Pure.

use serde_json::{Map, Value as Json, json};

use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::protection::{Protection, ProtectionRules};
use crate::reading::Member;
use crate::value::{AttributeValue, Attributes};

/// Fields that an object has a place of its own for.
const APART: [&str; 2] = ["id", "accountEnabled"];

/// The object that a resource is.
pub fn object(class: ObjectClass, resource: &Json, rules: &ProtectionRules) -> Result<Object, String> {
    let field = |name: &str| resource[name].as_str();
    let (id, name) = match class {
        ObjectClass::Licence => (field("skuId"), field("skuPartNumber")),
        ObjectClass::Account => (field("id"), field("userPrincipalName")),
        _ => (field("id"), field("displayName")),
    };
    let id = id.ok_or_else(|| format!("a {class} without an id"))?;
    let mut object = Object::new(class, id, name.unwrap_or_default());
    object.attributes = flatten(resource);
    object.version = field("@odata.etag").map(str::to_owned);
    object.enabled = match class {
        ObjectClass::Account | ObjectClass::Application => resource["accountEnabled"].as_bool(),
        ObjectClass::ConditionalAccessPolicy => Some(field("state") == Some("enabled")),
        _ => None,
    };
    if class == ObjectClass::ConditionalAccessPolicy {
        // Whole, for comparison and export: its conditions are a structure, not attributes.
        object.attributes.set("policy", vec![AttributeValue::Text(resource.to_string())]);
    }
    object.protection = rules.of(&object);
    let privileged = match class {
        ObjectClass::Group => resource["isAssignableToRole"] == Json::Bool(true),
        ObjectClass::Role => resource["isPrivileged"] == Json::Bool(true),
        _ => false,
    };
    if privileged && object.protection.is_none() {
        object.protection = Some(Protection::PrivilegedMark);
    }
    Ok(object)
}

/// Marks an account that holds roles of the directory.
pub fn mark_roles(object: &mut Object, roles: &[String]) {
    if roles.is_empty() {
        return;
    }
    object.attributes.set("assignedRoles", roles.iter().map(|role| AttributeValue::from(role.as_str())).collect());
    if object.protection.is_none() {
        object.protection = Some(Protection::PrivilegedMark);
    }
}

/// Properties as attributes; of structures each part, by `outer.inner`.
fn flatten(resource: &Json) -> Attributes {
    let mut out = Attributes::new();
    for (name, value) in resource.as_object().into_iter().flatten() {
        if APART.contains(&name.as_str()) || name.starts_with("@odata") {
            continue;
        }
        match (name.as_str(), value.as_array()) {
            ("assignedLicenses", Some(all)) => {
                all.iter().filter_map(|one| one["skuId"].as_str()).for_each(|id| out.push(name.as_str(), id.into()));
            }
            ("onPremisesProvisioningErrors", Some(all)) => {
                for one in all {
                    let part = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                    let code = format!("{}: {}", part("category"), part("propertyCausingError"));
                    out.push(name.as_str(), AttributeValue::Text(format!("{code} {}", part("value"))));
                }
            }
            _ => put(&mut out, name, value),
        }
    }
    out
}

fn put(out: &mut Attributes, name: &str, value: &Json) {
    match value {
        Json::Array(values) => values.iter().for_each(|one| match one {
            Json::Object(_) | Json::Array(_) => out.push(name, AttributeValue::Text(one.to_string())),
            plain => put(out, name, plain),
        }),
        Json::Object(fields) => fields.iter().for_each(|(part, value)| put(out, &format!("{name}.{part}"), value)),
        single => AttributeValue::of_json(single).into_iter().for_each(|one| out.push(name, one)),
    }
}

/// Properties that are lists at the service, however many values they have.
const LISTS: [&str; 4] = ["businessPhones", "otherMails", "groupTypes", "tags"];

/// Attributes as a body to send; without values: `null`.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) for what is no property of the object itself.
pub fn body<'a>(
    attributes: impl Iterator<Item = (&'a str, &'a [AttributeValue])>,
) -> Result<Map<String, Json>, ConnectorError> {
    let mut out = Map::new();
    for (name, values) in attributes {
        if name.eq_ignore_ascii_case("manager") || name.starts_with('@') {
            return Err(ConnectorError::invalid(format!("`{name}` is a link at the service, not a property")));
        }
        let list = LISTS.iter().any(|list| list.eq_ignore_ascii_case(name));
        let value = match values {
            all if list => all.iter().map(AttributeValue::to_json).collect(),
            [] => Json::Null,
            [single] => single.to_json(),
            several => several.iter().map(AttributeValue::to_json).collect(),
        };
        match name.split_once('.') {
            None => drop(out.insert(name.to_owned(), value)),
            Some((outer, inner)) => {
                let holder = out.entry(outer).or_insert_with(|| json!({}));
                let fields = holder.as_object_mut();
                let fields = fields.ok_or_else(|| {
                    ConnectorError::invalid(format!("`{outer}` is named as a value and as a structure"))
                })?;
                fields.insert(inner.to_owned(), value);
            }
        }
    }
    Ok(out)
}

/// A member as a list of members shows it.
pub fn member(resource: &Json) -> Option<Member> {
    let class = match resource["@odata.type"].as_str()? {
        "#microsoft.graph.user" => Some(ObjectClass::Account),
        "#microsoft.graph.group" => Some(ObjectClass::Group),
        "#microsoft.graph.servicePrincipal" => Some(ObjectClass::Application),
        "#microsoft.graph.administrativeUnit" => Some(ObjectClass::AdministrativeUnit),
        _ => None,
    };
    let name = resource["displayName"].as_str().unwrap_or_default().to_owned();
    Some(Member { id: ObjectId::new(resource["id"].as_str()?), name, class })
}

/// A text as a literal of OData (Part 2, §5.1.1.6.1).
pub fn literal(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Bool(flag) => flag.to_string(),
        AttributeValue::Integer(number) => number.to_string(),
        other => format!("'{}'", other.to_string().replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_can_be_sent_back() {
        let resource = json!({
            "id": "7", "@odata.etag": "W/\"1\"", "accountEnabled": false, "userPrincipalName": "amina@vigie.test",
            "businessPhones": ["+41 1"], "onPremisesExtensionAttributes": { "extensionAttribute1": "x" },
            "assignedLicenses": [{ "skuId": "s1", "disabledPlans": [] }],
        });
        let read = object(ObjectClass::Account, &resource, &ProtectionRules::default()).unwrap();
        assert_eq!((read.enabled, read.version.as_deref()), (Some(false), Some("W/\"1\"")));
        assert_eq!(read.attributes.text("assignedLicenses"), Some("s1"));
        let wanted = Attributes::new()
            .with("onPremisesExtensionAttributes.extensionAttribute1", "y")
            .with("businessPhones", "+41 2");
        let sent = body(wanted.iter().map(|(name, values)| (name.as_str(), values))).unwrap();
        assert_eq!(sent["onPremisesExtensionAttributes"], json!({ "extensionAttribute1": "y" }));
        assert_eq!(sent["businessPhones"], json!(["+41 2"]), "a list stays one");
        assert_eq!(literal(&"O'Brien".into()), "'O''Brien'");
        assert!(object(ObjectClass::Group, &json!({ "displayName": "x" }), &ProtectionRules::default()).is_err());
    }
}
