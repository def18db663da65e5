//! Resources as JSON: attributes without case, values of their type, nothing that the schema does not know. Pure.

use serde_json::{Map, Value as Json};

use crate::error::Error;
use crate::filter::shorten;
use crate::path::AttributePath;
use crate::schema::{self, Attribute, COMMON, ENGAGEMENT, ENTERPRISE, Schema, Type};

/// Characters of the longest text.
const LONGEST_TEXT: usize = 65_536;
/// Values of one attribute; members of a group are stored apart and may be more.
const MOST_VALUES: usize = 500_000;

/// A field, without case.
pub fn get<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The values of an array, or the one value.
pub fn each(value: &Json) -> std::slice::Iter<'_, Json> {
    match value {
        Json::Array(values) => values.iter(),
        other => std::slice::from_ref(other).iter(),
    }
}

/// What is at a path: of an attribute with several values, the part of each.
pub fn at<'a>(value: &'a Json, path: &AttributePath) -> Vec<&'a Json> {
    let holder = match &path.schema {
        Some(schema) => value.as_object().and_then(|fields| get(fields, schema)),
        None => Some(value),
    };
    let Some(found) = holder.and_then(Json::as_object).and_then(|fields| get(fields, &path.name)) else {
        return Vec::new();
    };
    match &path.sub {
        None => vec![found],
        Some(sub) => each(found).filter_map(|one| get(one.as_object()?, sub)).collect(),
    }
}

/// Whether case matters for texts of an attribute.
pub fn is_exact(path: &AttributePath) -> bool {
    let name = |wanted: &str| path.name.eq_ignore_ascii_case(wanted);
    name("id") || name("externalId") || name("meta") || name("members") || name("groups")
}

/// The schemas that a resource of a kind may have.
pub fn schemas_of(core: &'static Schema) -> Vec<&'static Schema> {
    if core.name == "User" { vec![core, &ENTERPRISE, &ENGAGEMENT] } else { vec![core] }
}

/// A resource as it is stored: names in the schema's spelling, values of their type, without what only we write and
/// without what is empty.
///
/// # Errors
/// `invalidSyntax` for what the schema does not know, `invalidValue` for values of another type or what is missing.
pub fn canonical(core: &'static Schema, body: &Json) -> Result<Map<String, Json>, Error> {
    let fields = body.as_object().ok_or_else(|| Error::syntax("the body is no object of JSON"))?;
    check_schemas(core, fields)?;
    let mut out = Map::new();
    for (name, value) in fields {
        if let Some(extension) =
            schemas_of(core).into_iter().find(|one| one.extension && one.id.eq_ignore_ascii_case(name))
        {
            let inner = canonical_extension(extension, value)?;
            if !inner.is_empty() {
                out.insert(extension.id.to_owned(), Json::Object(inner));
            }
        } else if let Some(common) = COMMON.iter().find(|common| common.eq_ignore_ascii_case(name)) {
            // Only `externalId` is the client's; the others are ours and left out (RFC 7643 §3.1).
            if *common == "externalId" && !value.is_null() {
                out.insert((*common).to_owned(), Json::String(text(common, value)?));
            }
        } else {
            let attribute = core.attribute(name).ok_or_else(|| {
                Error::syntax(format!(
                    "`{}` is no attribute of {}; /Schemas shows those that are",
                    shorten(name),
                    core.name
                ))
            })?;
            put(&mut out, attribute, value)?;
        }
    }
    for attribute in core.attributes.iter().filter(|attribute| attribute.required) {
        let there = out.get(attribute.name).and_then(Json::as_str).is_some_and(|text| !text.trim().is_empty());
        if !there {
            return Err(Error::value(format!("`{}` is missing or empty", attribute.name)));
        }
    }
    Ok(out)
}

fn check_schemas(core: &'static Schema, fields: &Map<String, Json>) -> Result<(), Error> {
    let given = get(fields, "schemas").ok_or_else(|| Error::syntax("`schemas` is missing"))?;
    let given = given.as_array().filter(|list| !list.is_empty());
    let given = given.ok_or_else(|| Error::syntax("`schemas` is no list of schemas"))?;
    let known = schemas_of(core);
    for one in given {
        let text = one.as_str().unwrap_or_default();
        if !known.iter().any(|schema| schema.id.eq_ignore_ascii_case(text)) {
            return Err(Error::value(format!("`{}` is no schema of {}", shorten(text), core.name)));
        }
    }
    if given.iter().any(|one| one.as_str().is_some_and(|text| text.eq_ignore_ascii_case(core.id))) {
        return Ok(());
    }
    Err(Error::value(format!("`schemas` does not name {}", core.id)))
}

fn canonical_extension(extension: &'static Schema, value: &Json) -> Result<Map<String, Json>, Error> {
    let mut out = Map::new();
    if value.is_null() {
        return Ok(out);
    }
    let fields = value.as_object().ok_or_else(|| Error::value(format!("`{}` is no object", extension.id)))?;
    // Some clients repeat `schemas` inside an extension; it says nothing that is not said outside.
    for (name, value) in fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
        let attribute = extension.attribute(name);
        let unknown = || Error::syntax(format!("`{}` is no attribute of {}", shorten(name), extension.id));
        put(&mut out, attribute.ok_or_else(unknown)?, value)?;
    }
    Ok(out)
}

fn put(out: &mut Map<String, Json>, attribute: &'static Attribute, value: &Json) -> Result<(), Error> {
    if attribute.read_only {
        return Ok(());
    }
    if out.contains_key(attribute.name) {
        return Err(Error::syntax(format!("`{}` is given twice", attribute.name)));
    }
    if let Some(value) = typed(attribute, value)? {
        out.insert(attribute.name.to_owned(), value);
    }
    Ok(())
}

/// The value of an attribute in its type; `None`: it is empty.
///
/// # Errors
/// `invalidValue`, `invalidSyntax`
pub fn typed(attribute: &'static Attribute, value: &Json) -> Result<Option<Json>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return single(attribute, value);
    }
    // One value where several may be: some clients leave the brackets out.
    let values: Vec<Json> = match value {
        Json::Array(values) if values.len() > MOST_VALUES => {
            return Err(Error::value(format!("`{}` has more than {MOST_VALUES} values", attribute.name)));
        }
        Json::Array(values) => {
            values.iter().filter_map(|one| single(attribute, one).transpose()).collect::<Result<_, _>>()?
        }
        one => single(attribute, one)?.into_iter().collect(),
    };
    let primaries = values.iter().filter(|one| one["primary"] == Json::Bool(true)).count();
    if primaries > 1 {
        return Err(Error::value(format!("{primaries} values of `{}` are primary; one may be", attribute.name)));
    }
    let values = without_repeats(attribute, values);
    Ok((!values.is_empty()).then_some(Json::Array(values)))
}

/// The same member twice is one member.
fn without_repeats(attribute: &Attribute, values: Vec<Json>) -> Vec<Json> {
    let mut seen = std::collections::HashSet::new();
    let by_id = attribute.name == "members";
    let key = |one: &Json| if by_id { one["value"].to_string() } else { one.to_string() };
    values.into_iter().filter(|one| seen.insert(key(one))).collect()
}

fn single(attribute: &'static Attribute, value: &Json) -> Result<Option<Json>, Error> {
    let wrong =
        |wanted: &str| Error::value(format!("`{}` is {}, not {wanted}", attribute.name, shorten(&value.to_string())));
    match attribute.kind {
        Type::Text | Type::Reference | Type::Binary => Ok(Some(Json::String(text(attribute.name, value)?))),
        Type::DateTime => {
            let text = text(attribute.name, value)?;
            text.parse::<kernel::Timestamp>().map_err(|_| wrong("an instant"))?;
            Ok(Some(Json::String(text)))
        }
        Type::Boolean => match value {
            Json::Bool(flag) => Ok(Some(Json::Bool(*flag))),
            // Entra sends "True" and "False".
            Json::String(word) if word.eq_ignore_ascii_case("true") => Ok(Some(Json::Bool(true))),
            Json::String(word) if word.eq_ignore_ascii_case("false") => Ok(Some(Json::Bool(false))),
            _ => Err(wrong("true or false")),
        },
        Type::Integer => match value {
            Json::Number(number) if number.is_i64() => Ok(Some(value.clone())),
            _ => Err(wrong("a whole number")),
        },
        Type::Complex => complex(attribute, value),
    }
}

fn complex(attribute: &'static Attribute, value: &Json) -> Result<Option<Json>, Error> {
    let fields = match value {
        Json::Object(fields) => fields.clone(),
        // A value alone stands for its `value`: `"manager": "26118915-…"`, `"members": ["2819c223-…"]`.
        Json::String(_) if attribute.part("value").is_some() => {
            [("value".to_owned(), value.clone())].into_iter().collect()
        }
        _ => return Err(Error::value(format!("`{}` has values that are objects", attribute.name))),
    };
    let mut out = Map::new();
    for (name, value) in &fields {
        let part = attribute
            .part(name)
            .ok_or_else(|| Error::syntax(format!("`{}` is no part of `{}`", shorten(name), attribute.name)))?;
        put(&mut out, part, value)?;
    }
    if attribute.name == "members" && !out.contains_key("value") {
        return Err(Error::value("a member without `value`"));
    }
    Ok((!out.is_empty()).then_some(Json::Object(out)))
}

fn text(name: &str, value: &Json) -> Result<String, Error> {
    match value {
        Json::String(text) if text.chars().count() > LONGEST_TEXT => {
            Err(Error::value(format!("`{name}` is longer than {LONGEST_TEXT} characters")))
        }
        Json::String(text) => Ok(text.clone()),
        other => Err(Error::value(format!("`{name}` is {}, not a text", shorten(&other.to_string())))),
    }
}

/// A resource with some attributes alone, or without some (RFC 7644 §3.9). `schemas` and `id` are always there.
///
/// # Errors
/// `invalidPath` when a name is none.
pub fn project(whole: Json, only: Option<&str>, without: Option<&str>) -> Result<Json, Error> {
    let paths = |list: &str| -> Result<Vec<AttributePath>, Error> {
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(AttributePath::parse).collect()
    };
    let Json::Object(fields) = whole else { return Ok(whole) };
    let always = |name: &str| name == "schemas" || name == "id";
    if let Some(list) = only.filter(|list| !list.trim().is_empty()) {
        let (mut out, paths) = (Map::new(), paths(list)?);
        for path in &paths {
            keep(&fields, &mut out, path);
        }
        without_unasked(&mut out, &paths);
        out.extend(fields.into_iter().filter(|(name, _)| always(name)));
        return Ok(Json::Object(out));
    }
    let mut out = fields;
    without_unasked(&mut out, &[]);
    for path in without.map(paths).transpose()?.unwrap_or_default() {
        let holder = match &path.schema {
            None => Some(&mut out),
            Some(schema) => out.get_mut(schema).and_then(Json::as_object_mut),
        };
        let Some(holder) = holder else { continue };
        let Some(name) = holder.keys().find(|name| name.eq_ignore_ascii_case(&path.name)).cloned() else { continue };
        match &path.sub {
            _ if always(&name) => {}
            None => drop(holder.remove(&name)),
            Some(sub) => without_part(holder.get_mut(&name), sub),
        }
    }
    Ok(Json::Object(out))
}

/// Takes out what is shown only to who asks for it by name.
fn without_unasked(out: &mut Map<String, Json>, asked: &[AttributePath]) {
    for attribute in schema::ALL.into_iter().flat_map(|schema| schema.attributes) {
        for part in attribute.parts.iter().filter(|part| part.when_asked) {
            let named = |path: &AttributePath| {
                let sub = path.sub.as_deref().is_some_and(|sub| sub.eq_ignore_ascii_case(part.name));
                sub && path.name.eq_ignore_ascii_case(attribute.name)
            };
            if !asked.iter().any(named) {
                without_part(out.get_mut(attribute.name), part.name);
            }
        }
    }
}

fn without_part(value: Option<&mut Json>, sub: &str) {
    let drop_from = |one: &mut Json| {
        if let Json::Object(fields) = one {
            fields.retain(|name, _| !name.eq_ignore_ascii_case(sub));
        }
    };
    match value {
        Some(Json::Array(values)) => values.iter_mut().for_each(drop_from),
        Some(one) => drop_from(one),
        None => {}
    }
}

fn keep(fields: &Map<String, Json>, out: &mut Map<String, Json>, path: &AttributePath) {
    let (source, target) = match &path.schema {
        None => (fields, out),
        Some(schema) => {
            let Some(inner) = fields.get(schema).and_then(Json::as_object) else { return };
            let entry = out.entry(schema.clone()).or_insert_with(|| Json::Object(Map::new()));
            let Some(target) = entry.as_object_mut() else { return };
            (inner, target)
        }
    };
    let found = source.iter().find(|(name, _)| name.eq_ignore_ascii_case(&path.name));
    let Some((name, value)) = found else { return };
    let part = |one: &Json, sub: &str| -> Json {
        let fields = one.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case(sub));
        Json::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let kept = match (&path.sub, value) {
        (None, value) => value.clone(),
        (Some(sub), Json::Array(values)) => values.iter().map(|one| part(one, sub)).collect(),
        (Some(sub), value) => part(value, sub),
    };
    match (target.get_mut(name), kept) {
        (Some(Json::Object(before)), Json::Object(more)) => before.extend(more),
        (_, kept) => drop(target.insert(name.clone(), kept)),
    }
}
