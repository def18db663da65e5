//! Resources read by whoever takes people from them: one value by a path, and all values under the names that SCIM has for
//! them. Pure; a service of somebody else may have extensions that we do not know.

use serde_json::{Map, Value as Json};

use crate::error::Error;
use crate::filter::shorten;
use crate::path::{AttributePath, Path};
use crate::resource::{self, get};
use crate::schema::{self, Attribute, COMMON, ENTERPRISE, USER};

/// Parts of a manager that [`name_managers`] adds.
const OF_MANAGER: [&str; 3] = ["externalId", "userName", "employeeNumber"];
const META: [&str; 5] = ["resourceType", "created", "lastModified", "location", "version"];

/// Where a value is: `userName`, `name.familyName`, `emails[type eq "work"].value`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuePath {
    /// An extension that we do not know.
    foreign: Option<String>,
    path: Path,
}

impl ValuePath {
    /// From text. What belongs to a schema that we know is looked up in it.
    ///
    /// # Errors
    /// `invalidPath` and `invalidFilter`, with what there is instead.
    pub fn parse(text: &str) -> Result<ValuePath, Error> {
        let head = text.split('[').next().unwrap_or_default();
        let known = schema::ALL
            .iter()
            .any(|schema| head.get(..schema.id.len()).is_some_and(|head| head.eq_ignore_ascii_case(schema.id)));
        let is_urn = head.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:"));
        if is_urn && !known {
            let Some((urn, _)) = head.rsplit_once(':') else {
                return Err(Error::path(format!("`{}` names no attribute", shorten(text))));
            };
            let path = Path::parse(&text[urn.len() + 1..])?;
            return Ok(ValuePath { foreign: Some(urn.to_owned()), path });
        }
        let path = Path::parse(text)?;
        check(&path)?;
        Ok(ValuePath { foreign: None, path })
    }

    /// The value in a resource. Of several that fit, the primary one or the first; of one that is complex, its `value`.
    pub fn text(&self, resource: &Json) -> String {
        let holder = match &self.foreign {
            Some(urn) => resource.as_object().and_then(|fields| get(fields, urn)),
            None => Some(resource),
        };
        let Some(holder) = holder else { return String::new() };
        match &self.path {
            Path::Extension(_) => String::new(),
            Path::Attribute(path) => {
                let whole = AttributePath { sub: None, ..path.clone() };
                resource::at(holder, &whole).first().map_or_else(String::new, |value| {
                    one_of(resource::each(value)).map_or_else(String::new, |value| simple(value, path.sub.as_deref()))
                })
            }
            Path::Values { attribute, filter, sub } => {
                let values = resource::at(holder, attribute).into_iter().flat_map(resource::each);
                one_of(values.filter(|value| filter.fits(value)))
                    .map_or_else(String::new, |value| simple(value, sub.as_deref()))
            }
        }
    }
}

fn one_of<'a>(values: impl Iterator<Item = &'a Json>) -> Option<&'a Json> {
    let values: Vec<&Json> = values.collect();
    values.iter().find(|value| value["primary"] == Json::Bool(true)).or(values.first()).copied()
}

fn simple(value: &Json, sub: Option<&str>) -> String {
    let value = match (value, sub) {
        (Json::Object(fields), sub) => get(fields, sub.unwrap_or("value")).unwrap_or(&Json::Null),
        (_, Some(_)) => &Json::Null,
        (other, None) => other,
    };
    match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => String::new(),
    }
}

/// Whether the schema that a path is of has it.
fn check(path: &Path) -> Result<(), Error> {
    let (attribute, sub) = match path {
        Path::Extension(schema) => {
            return Err(Error::path(format!("{schema} is a whole schema: name an attribute of it")));
        }
        Path::Attribute(attribute) => (attribute, attribute.sub.as_deref()),
        Path::Values { attribute, sub, .. } => (attribute, sub.as_deref()),
    };
    let schema = match &attribute.schema {
        Some(id) => schema::ALL.into_iter().find(|schema| schema.id == id).unwrap_or(&USER),
        None => &USER,
    };
    let is = |wanted: &str| attribute.name.eq_ignore_ascii_case(wanted);
    if attribute.schema.is_none() && is("meta") {
        return match sub {
            Some(sub) if META.iter().any(|part| part.eq_ignore_ascii_case(sub)) => Ok(()),
            _ => Err(Error::path(format!("write meta. and one of {}", META.join(", ")))),
        };
    }
    if attribute.schema.is_none() && COMMON.iter().any(|common| is(common)) {
        return Ok(());
    }
    let names = |all: &[Attribute]| all.iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
    let Some(known) = schema.attribute(&attribute.name) else {
        let (name, all) = (shorten(&attribute.name), names(schema.attributes));
        return Err(Error::path(format!("`{name}` is no attribute of {}; there are {all}", schema.id)));
    };
    match sub {
        None if known.parts.is_empty() || known.part("value").is_some() => Ok(()),
        None => Err(Error::path(format!("`{}` has parts: write one of {}", known.name, names(known.parts)))),
        Some(sub) if known.part(sub).is_some() => Ok(()),
        Some(sub) if known.name == "manager" && OF_MANAGER.iter().any(|part| part.eq_ignore_ascii_case(sub)) => Ok(()),
        Some(sub) => {
            let (sub, all) = (shorten(sub), names(known.parts));
            Err(Error::path(format!("`{sub}` is no part of `{}`; there are {all}", known.name)))
        }
    }
}

/// SCIM says who somebody's manager is by a resource's id; what a person knows them by is added, where that resource is one of
/// these: `externalId`, `userName`, `employeeNumber`.
pub fn name_managers(resources: &mut [Json]) {
    let known = |resource: &Json| {
        let extension = resource.get(ENTERPRISE.id).and_then(|extension| extension.get("employeeNumber"));
        let parts = [resource.get("externalId"), resource.get("userName"), extension].map(Option::<&Json>::cloned);
        Some((resource["id"].as_str()?.to_owned(), parts))
    };
    let by_id: std::collections::HashMap<String, [Option<Json>; 3]> = resources.iter().filter_map(known).collect();
    for resource in resources {
        let manager = resource.get_mut(ENTERPRISE.id).and_then(|extension| extension.get_mut("manager"));
        let Some(Json::Object(manager)) = manager else { continue };
        let Some(parts) = manager.get("value").and_then(Json::as_str).and_then(|id| by_id.get(id)) else { continue };
        for (name, value) in OF_MANAGER.iter().zip(parts) {
            if let Some(value) = value {
                manager.entry((*name).to_owned()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// Every simple value of a resource under its path. Of values of one type the first counts.
pub fn flat(resource: &Map<String, Json>) -> Vec<(String, String)> {
    let mut flat = Vec::new();
    for (name, value) in resource.iter().filter(|(name, _)| *name != "schemas") {
        match value {
            Json::Object(fields) if name.to_ascii_lowercase().starts_with("urn:") => {
                fields.iter().for_each(|(inner, value)| attribute(&format!("{name}:{inner}"), value, &mut flat));
            }
            value => attribute(name, value, &mut flat),
        }
    }
    flat
}

fn attribute(name: &str, value: &Json, flat: &mut Vec<(String, String)>) {
    let parts = |prefix: &str, value: &Json, flat: &mut Vec<(String, String)>| {
        for part in value.as_object().into_iter().flatten().map(|(part, _)| part) {
            put(format!("{prefix}.{part}"), simple(value, Some(part)), flat);
        }
    };
    match value {
        Json::Object(_) => parts(name, value, flat),
        Json::Array(values) => {
            if let Some(first) = one_of(values.iter()) {
                parts(name, first, flat);
                put(name.to_owned(), simple(first, None), flat);
            }
            for value in values {
                if let Some(kind) = value["type"].as_str() {
                    parts(&format!("{name}[type eq {}]", Json::from(kind)), value, flat);
                }
            }
        }
        simple_value => put(name.to_owned(), simple(simple_value, None), flat),
    }
}

fn put(name: String, value: String, flat: &mut Vec<(String, String)>) {
    if !value.is_empty() && !flat.iter().any(|(known, _)| *known == name) {
        flat.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource() -> Json {
        json!({
            "schemas": [USER.id], "id": "2", "userName": "amina", "active": true, "name": { "familyName": " Diallo " },
            "emails": [{ "type": "home", "value": "a@home" }, { "type": "work", "value": "a@work", "primary": true }],
            ENTERPRISE.id: { "department": "OPS", "employeeNumber": "P-2", "manager": { "value": "1" } },
            "urn:example:hr:2.0:User": { "hireDate": "2026-01-01", "Parts": [{ "value": "x" }] },
        })
    }

    #[test]
    fn a_value_is_found_by_its_path_and_under_the_same_name_among_all() {
        let mut two =
            [json!({ "id": "1", "userName": "boss", ENTERPRISE.id: { "employeeNumber": "P-1" } }), resource()];
        name_managers(&mut two);
        let resource = &two[1];
        let all: std::collections::BTreeMap<_, _> = flat(resource.as_object().unwrap()).into_iter().collect();
        for (path, value) in [
            ("userName", "amina"),
            ("active", "true"),
            ("name.familyName", "Diallo"),
            ("emails[type eq \"home\"].value", "a@home"),
            ("emails.value", "a@work"),
            ("emails", "a@work"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "OPS"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.employeeNumber", "P-1"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.userName", "boss"),
            ("urn:example:hr:2.0:User:hireDate", "2026-01-01"),
        ] {
            assert_eq!(ValuePath::parse(path).unwrap().text(resource), value, "{path}");
            assert_eq!(all.get(path).map(String::as_str), Some(value), "{path}");
        }
        for (path, value) in [
            ("USERNAME", "amina"),
            ("emails[primary eq true and type eq \"work\"].value", "a@work"),
            ("emails[type eq \"other\"].value", ""),
            ("urn:example:hr:2.0:User:parts[value eq \"x\"].value", "x"),
            ("urn:example:nobody:2.0:User:hireDate", ""),
            ("meta.created", ""),
        ] {
            assert_eq!(ValuePath::parse(path).unwrap().text(resource), value, "{path}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_says_what_there_is() {
        for (path, word) in [
            ("name.famliyName", "no part of `name`; there are formatted, familyName"),
            ("usrName", "no attribute of urn:ietf:params:scim:schemas:core:2.0:User; there are userName"),
            ("name", "has parts: write one of formatted"),
            ("emails[type eq work].value", "filter, byte"),
            ("emails[type eq \"work\"", "`]` is missing"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:unit", "there are employeeNumber"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "name an attribute of it"),
            ("meta", "write meta. and one of"),
            ("a b", "is no name of an attribute"),
            ("", "is no name of an attribute"),
        ] {
            let refused = ValuePath::parse(path).unwrap_err().to_string();
            assert!(refused.contains(word), "{path}: {refused}");
        }
    }
}
