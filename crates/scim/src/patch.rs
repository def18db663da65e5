//! What a PATCH does to a resource (RFC 7644 §3.5.2), in the dialect that Entra speaks as well. Pure.
//!
//! Entra writes `Add`, `Replace` and `Remove` with a capital, sends truth values as texts, names parts with a dot in a value
//! without a path (`{"name.familyName": "…"}`), and removes members by a list of values. An operation that is not understood is
//! refused, and then the whole request is: nothing is left out silently.

use serde_json::{Map, Value as Json};

use crate::error::{Error, ScimType};
use crate::filter::{Comparison, Filter, shorten};
use crate::path::{AttributePath, Path};
use crate::resource::{self, get};
use crate::schema::{self, Attribute, Schema};

/// Operations of one request.
const MOST_OPERATIONS: usize = 10_000;
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// The operations of a request.
///
/// # Errors
/// `invalidSyntax`, `invalidPath`, `invalidFilter`, `noTarget`, `mutability`, `invalidValue`.
pub fn apply(core: &'static Schema, resource: &Map<String, Json>, request: &Json) -> Result<Map<String, Json>, Error> {
    let fields = request.as_object().ok_or_else(|| Error::syntax("the body is no object of JSON"))?;
    let schemas = get(fields, "schemas").and_then(Json::as_array);
    let named = schemas.is_some_and(|list| {
        list.iter().any(|one| one.as_str().is_some_and(|text| text.eq_ignore_ascii_case(PATCH_OP)))
    });
    if !named {
        return Err(Error::syntax(format!("`schemas` does not name {PATCH_OP}")));
    }
    let operations = get(fields, "Operations").and_then(Json::as_array);
    let operations = operations.ok_or_else(|| Error::syntax("`Operations` is no list"))?;
    if operations.is_empty() || operations.len() > MOST_OPERATIONS {
        return Err(Error::syntax(format!("{} operations; 1 to {MOST_OPERATIONS} may be", operations.len())));
    }
    let mut patched = resource.clone();
    for operation in operations {
        one(core, &mut patched, operation)?;
    }
    Ok(patched)
}

fn one(core: &'static Schema, resource: &mut Map<String, Json>, operation: &Json) -> Result<(), Error> {
    let fields = operation.as_object().ok_or_else(|| Error::syntax("an operation is no object"))?;
    let word = get(fields, "op").and_then(Json::as_str).ok_or_else(|| Error::syntax("an operation without `op`"))?;
    let verb = match word.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => return Err(Error::syntax(format!("`{}` is no operation; add, replace and remove are", shorten(word)))),
    };
    let value = get(fields, "value").filter(|value| !value.is_null());
    let path = match get(fields, "path") {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) if text.trim().is_empty() => None,
        Some(Json::String(text)) => Some(Path::parse(text)?),
        Some(_) => return Err(Error::path("`path` is no text")),
    };
    match (verb, path, value) {
        (Verb::Remove, None, _) => Err(no_target("a removal needs a path")),
        (Verb::Remove, Some(path), value) => remove(core, resource, &path, value),
        // Entra clears an attribute by replacing it with nothing.
        (Verb::Replace, Some(path), None) => remove(core, resource, &path, None),
        (_, _, None) => Err(Error::value(format!("`{word}` needs a value"))),
        (verb, Some(path), Some(value)) => write(core, resource, verb, &path, value),
        (verb, None, Some(value)) => write_all(core, resource, verb, value),
    }
}

fn no_target(detail: impl Into<String>) -> Error {
    Error::Bad { kind: ScimType::NoTarget, detail: detail.into() }
}

fn read_only(name: &str) -> Error {
    Error::Bad { kind: ScimType::Mutability, detail: format!("`{name}` is not for clients to change") }
}

/// Without a path, each field of the value is one; fields that only we write are left out as in a whole resource.
fn write_all(core: &'static Schema, resource: &mut Map<String, Json>, verb: Verb, value: &Json) -> Result<(), Error> {
    let fields = value.as_object().ok_or_else(|| Error::value("without a path the value is an object"))?;
    for (name, value) in fields {
        let ours = ["schemas", "id", "meta"].iter().any(|ours| ours.eq_ignore_ascii_case(name));
        if ours {
            continue;
        }
        let path = Path::parse(name)?;
        if value.is_null() {
            remove(core, resource, &path, None)?;
        } else {
            write(core, resource, verb, &path, value)?;
        }
    }
    Ok(())
}

/// The attribute that a path names, and the object that holds it.
fn target<'a>(
    core: &'static Schema,
    resource: &'a mut Map<String, Json>,
    path: &AttributePath,
) -> Result<(&'static Attribute, &'a mut Map<String, Json>), Error> {
    let unknown = || Error::path(format!("`{path}` is no attribute of {}", core.name));
    let holder = match &path.schema {
        None => resource,
        Some(id) => {
            let known = resource::schemas_of(core).into_iter().any(|schema| schema.id == id);
            if !known {
                return Err(unknown());
            }
            let entry = resource.entry(id.clone()).or_insert_with(|| Json::Object(Map::new()));
            entry.as_object_mut().ok_or_else(unknown)?
        }
    };
    let schema =
        path.schema.as_ref().and_then(|id| schema::ALL.into_iter().find(|schema| schema.id == id)).unwrap_or(core);
    if path.schema.is_none() && ["id", "meta", "schemas"].iter().any(|ours| path.name.eq_ignore_ascii_case(ours)) {
        return Err(read_only(&path.name));
    }
    let attribute = schema.attribute(&path.name).ok_or_else(unknown)?;
    if attribute.read_only {
        return Err(read_only(attribute.name));
    }
    Ok((attribute, holder))
}

fn part_of(attribute: &'static Attribute, sub: &str) -> Result<&'static Attribute, Error> {
    let part = attribute.part(sub).ok_or_else(|| Error::path(format!("`{}` has no part `{sub}`", attribute.name)))?;
    if part.read_only { Err(read_only(part.name)) } else { Ok(part) }
}

fn write(
    core: &'static Schema,
    resource: &mut Map<String, Json>,
    verb: Verb,
    path: &Path,
    value: &Json,
) -> Result<(), Error> {
    match path {
        Path::Extension(id) => {
            let fields = value.as_object().ok_or_else(|| Error::value(format!("the value of `{id}` is an object")))?;
            for (name, value) in fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
                let inner = AttributePath::parse(name)?;
                let inner = Path::Attribute(AttributePath { schema: Some(id.clone()), ..inner });
                write(core, resource, verb, &inner, value)?;
            }
            Ok(())
        }
        Path::Attribute(path) if path.schema.is_none() && path.name.eq_ignore_ascii_case("externalId") => {
            let text = value.as_str().ok_or_else(|| Error::value("`externalId` is a text"))?;
            resource.insert("externalId".to_owned(), Json::String(text.to_owned()));
            Ok(())
        }
        Path::Attribute(path) => {
            let (attribute, holder) = target(core, resource, path)?;
            match &path.sub {
                None => write_attribute(attribute, holder, verb, value),
                Some(sub) => write_part(attribute, part_of(attribute, sub)?, holder, value),
            }
        }
        Path::Values { attribute: path, filter, sub } => {
            let (attribute, holder) = target(core, resource, path)?;
            write_values(attribute, holder, verb, filter, sub.as_deref(), value)
        }
    }
}

fn write_attribute(
    attribute: &'static Attribute,
    holder: &mut Map<String, Json>,
    verb: Verb,
    value: &Json,
) -> Result<(), Error> {
    let new = resource::typed(attribute, value)?;
    let merged = match (verb, attribute.multi_valued, holder.get(attribute.name)) {
        (Verb::Add, true, Some(Json::Array(before))) => {
            let added: Vec<Json> = new.as_ref().map(|new| resource::each(new).cloned().collect()).unwrap_or_default();
            let mut all = before.clone();
            if added.iter().any(|one| one["primary"] == Json::Bool(true)) {
                clear_primary(&mut all);
            }
            all.extend(added);
            resource::typed(attribute, &Json::Array(all))?
        }
        // Parts that are not named stay (§3.5.2.1, §3.5.2.3).
        (_, false, Some(Json::Object(before))) if matches!(new, Some(Json::Object(_))) => {
            let mut all = before.clone();
            all.extend(new.and_then(|new| new.as_object().cloned()).unwrap_or_default());
            Some(Json::Object(all))
        }
        _ => new,
    };
    set(holder, attribute.name, merged);
    Ok(())
}

fn set(holder: &mut Map<String, Json>, name: &str, value: Option<Json>) {
    match value {
        Some(value) => holder.insert(name.to_owned(), value),
        None => holder.remove(name),
    };
}

fn clear_primary(values: &mut [Json]) {
    for one in values.iter_mut().filter_map(Json::as_object_mut) {
        if one.get("primary") == Some(&Json::Bool(true)) {
            one.insert("primary".to_owned(), Json::Bool(false));
        }
    }
}

/// `name.familyName`; of an attribute with several values the part of each.
fn write_part(
    attribute: &'static Attribute,
    part: &'static Attribute,
    holder: &mut Map<String, Json>,
    value: &Json,
) -> Result<(), Error> {
    let new = resource::typed(part, value)?;
    if attribute.multi_valued {
        let Some(Json::Array(values)) = holder.get_mut(attribute.name) else {
            return Err(no_target(format!("`{}` has no values", attribute.name)));
        };
        for one in values.iter_mut().filter_map(Json::as_object_mut) {
            set(one, part.name, new.clone());
        }
        return Ok(());
    }
    let entry = holder.entry(attribute.name).or_insert_with(|| Json::Object(Map::new()));
    if let Some(fields) = entry.as_object_mut() {
        set(fields, part.name, new);
    }
    Ok(())
}

fn write_values(
    attribute: &'static Attribute,
    holder: &mut Map<String, Json>,
    verb: Verb,
    filter: &Filter,
    sub: Option<&str>,
    value: &Json,
) -> Result<(), Error> {
    if !attribute.multi_valued {
        return Err(Error::path(format!("`{}` has one value; brackets choose among several", attribute.name)));
    }
    let part = sub.map(|sub| part_of(attribute, sub)).transpose()?;
    let new = match part {
        Some(part) => resource::typed(part, value)?,
        None => resource::typed(attribute, value)?.and_then(|all| resource::each(&all).next().cloned()),
    };
    let mut values: Vec<Json> =
        holder.get(attribute.name).map(|all| resource::each(all).cloned().collect()).unwrap_or_default();
    let chosen: Vec<usize> = (0..values.len()).filter(|at| filter.fits(&values[*at])).collect();
    if chosen.is_empty() {
        if verb == Verb::Replace {
            return Err(no_target(format!("no value of `{}` fits `{filter}`", attribute.name)));
        }
        // Entra adds `emails[type eq "work"].value` when there is none: one that fits is made.
        values.push(Json::Object(seed(attribute, filter)?));
    }
    let chosen = if chosen.is_empty() { vec![values.len() - 1] } else { chosen };
    let makes_primary = match part {
        Some(part) => part.name == "primary" && new == Some(Json::Bool(true)),
        None => new.as_ref().is_some_and(|new| new["primary"] == Json::Bool(true)),
    };
    if makes_primary {
        clear_primary(&mut values);
    }
    for at in chosen {
        let Some(fields) = values[at].as_object_mut() else { continue };
        match (part, &new) {
            (Some(part), _) => set(fields, part.name, new.clone()),
            (None, Some(Json::Object(new))) => fields.extend(new.clone()),
            (None, _) => fields.clear(),
        }
    }
    let after = resource::typed(attribute, &Json::Array(values))?;
    set(holder, attribute.name, after);
    Ok(())
}

/// A value that fits: what the filter says with `eq` and `and`.
fn seed(attribute: &'static Attribute, filter: &Filter) -> Result<Map<String, Json>, Error> {
    match filter {
        Filter::Compare(path, Comparison::Eq, value) if path.sub.is_none() => {
            let part = part_of(attribute, &path.name)?;
            let value = resource::typed(part, value)?.ok_or_else(|| no_target("nothing fits null"))?;
            Ok([(part.name.to_owned(), value)].into_iter().collect())
        }
        Filter::And(left, right) => {
            let mut both = seed(attribute, left)?;
            both.extend(seed(attribute, right)?);
            Ok(both)
        }
        _ => Err(no_target(format!("no value of `{}` fits, and none can be made from `{filter}`", attribute.name))),
    }
}

fn remove(
    core: &'static Schema,
    resource: &mut Map<String, Json>,
    path: &Path,
    value: Option<&Json>,
) -> Result<(), Error> {
    match path {
        Path::Extension(id) => {
            resource.remove(id);
            Ok(())
        }
        Path::Attribute(path) if path.schema.is_none() && path.name.eq_ignore_ascii_case("externalId") => {
            resource.remove("externalId");
            Ok(())
        }
        Path::Attribute(path) => {
            let (attribute, holder) = target(core, resource, path)?;
            if attribute.required && path.sub.is_none() {
                return Err(read_only(attribute.name));
            }
            match (&path.sub, value) {
                (None, Some(value)) if attribute.multi_valued => remove_listed(attribute, holder, value)?,
                (None, _) => drop(holder.remove(attribute.name)),
                (Some(sub), _) => {
                    let part = part_of(attribute, sub)?;
                    for one in holder.get_mut(attribute.name).into_iter().flat_map(each_mut) {
                        one.remove(part.name);
                    }
                }
            }
            tidy(holder, attribute);
            Ok(())
        }
        Path::Values { attribute: path, filter, sub } => {
            let (attribute, holder) = target(core, resource, path)?;
            let part = sub.as_deref().map(|sub| part_of(attribute, sub)).transpose()?;
            if let Some(Json::Array(values)) = holder.get_mut(attribute.name) {
                match part {
                    None => values.retain(|one| !filter.fits(one)),
                    Some(part) => {
                        let fitting = values.iter_mut().filter(|one| filter.fits(one));
                        fitting.filter_map(Json::as_object_mut).for_each(|one| drop(one.remove(part.name)));
                    }
                }
            }
            tidy(holder, attribute);
            Ok(())
        }
    }
}

/// Entra's removal: `path: "members", value: [{"value": "…"}]`. A value that names only its `value` removes whatever has it.
fn remove_listed(attribute: &'static Attribute, holder: &mut Map<String, Json>, value: &Json) -> Result<(), Error> {
    let Some(gone) = resource::typed(attribute, value)? else { return Ok(()) };
    let Some(Json::Array(values)) = holder.get_mut(attribute.name) else { return Ok(()) };
    values.retain(|one| {
        !resource::each(&gone).any(|gone| match (one, gone) {
            (Json::Object(one), Json::Object(gone)) => match gone.get("value") {
                Some(wanted) => one.get("value") == Some(wanted),
                None => gone.iter().all(|(name, value)| one.get(name) == Some(value)),
            },
            (one, gone) => one == gone,
        })
    });
    Ok(())
}

fn each_mut(value: &mut Json) -> Vec<&mut Map<String, Json>> {
    match value {
        Json::Array(values) => values.iter_mut().filter_map(Json::as_object_mut).collect(),
        Json::Object(fields) => vec![fields],
        _ => Vec::new(),
    }
}

/// What has become empty is not there.
fn tidy(holder: &mut Map<String, Json>, attribute: &Attribute) {
    let empty = |value: &Json| match value {
        Json::Array(values) => values.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        _ => false,
    };
    if let Some(Json::Array(values)) = holder.get_mut(attribute.name) {
        values.retain(|one| !empty(one));
    }
    if holder.get(attribute.name).is_some_and(empty) {
        holder.remove(attribute.name);
    }
}
