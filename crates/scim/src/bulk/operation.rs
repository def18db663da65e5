//! One operation of a bulk request, and what it names by `bulkId`. Pure.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use crate::error::Error;
use crate::filter::shorten;
use crate::resource::get;
use crate::room::{Kind, Precondition};

const REFERENCE: &str = "bulkId:";

kernel::words! {
    /// What is done.
    Method {
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
    }
}

/// An operation that makes sense by itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) kind: Kind,
    /// The id in its path, or a reference.
    pub(super) id: Option<String>,
    pub(super) bulk_id: Option<String>,
    version: Option<String>,
    pub(super) data: Json,
}

impl Operation {
    /// # Errors
    /// 400 with what is missing.
    pub(super) fn read(raw: &Json) -> Result<Operation, Error> {
        let fields = raw.as_object().ok_or_else(|| Error::syntax("an operation is no object"))?;
        let text = |name: &str| get(fields, name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
        let method = text("method").ok_or_else(|| Error::syntax("an operation without `method`"))?;
        let method: Method = method
            .to_ascii_uppercase()
            .parse()
            .map_err(|_| Error::syntax(format!("`{}` is none of POST, PUT, PATCH and DELETE", shorten(method))))?;
        let path = text("path").ok_or_else(|| Error::syntax("an operation without `path`"))?;
        let (kind, id) = place(path)?;
        let bulk_id = text("bulkId").map(str::to_owned);
        match (method, &id, &bulk_id) {
            (Method::Post, None, None) => return Err(Error::syntax("a POST needs a `bulkId`")),
            (Method::Post, Some(_), _) => return Err(Error::syntax("the path of a POST is /Users or /Groups")),
            (Method::Put | Method::Patch | Method::Delete, None, _) => {
                return Err(Error::syntax(format!("the path of a {method} names a resource: {path}/ID")));
            }
            _ => {}
        }
        let data = get(fields, "data").cloned().unwrap_or(Json::Null);
        if method != Method::Delete && !data.is_object() {
            return Err(Error::syntax(format!("a {method} needs `data`, an object")));
        }
        Ok(Operation { method, kind, id, bulk_id, version: text("version").map(str::to_owned), data })
    }

    /// The id of the resource that it is about.
    ///
    /// # Errors
    /// 409 when it names one that was not made.
    pub(super) fn target(&self, ids: &HashMap<String, String>) -> Result<String, Error> {
        let id = self.id.as_deref().unwrap_or_default();
        match id.strip_prefix(REFERENCE) {
            None => Ok(id.to_owned()),
            Some(name) => {
                let unresolved = || Error::Unresolved { detail: format!("`{}` was not made", shorten(id)) };
                ids.get(name).cloned().ok_or_else(unresolved)
            }
        }
    }

    pub(super) fn precondition(&self) -> Precondition {
        match self.version.as_deref() {
            None | Some("*") => Precondition::None,
            Some(tag) => {
                let number = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse();
                Precondition::Versions(number.into_iter().collect())
            }
        }
    }
}

/// `/Users`, `/Users/ID`, `/Groups`, `/Groups/ID`
fn place(path: &str) -> Result<(Kind, Option<String>), Error> {
    let bad = || Error::path(format!("`{}` is none of /Users, /Users/ID, /Groups, /Groups/ID", shorten(path)));
    let path = path.strip_prefix('/').ok_or_else(bad)?;
    let (endpoint, id) = path.split_once('/').map_or((path, None), |(endpoint, id)| (endpoint, Some(id)));
    let kind = Kind::ALL.iter().copied().find(|kind| kind.endpoint() == endpoint).ok_or_else(bad)?;
    match id {
        Some(id) if id.is_empty() || id.contains(['/', '?', '#']) => Err(bad()),
        id => Ok((kind, id.map(str::to_owned))),
    }
}

/// The names by which it asks for what other operations make.
pub(super) fn references(operation: &Operation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(&operation.data, &mut found);
    found.extend(operation.id.as_deref().and_then(|id| id.strip_prefix(REFERENCE)).map(str::to_owned));
    found
}

fn collect(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => found.extend(text.strip_prefix(REFERENCE).map(str::to_owned)),
        Json::Array(values) => values.iter().for_each(|one| collect(one, found)),
        Json::Object(fields) => fields.values().for_each(|one| collect(one, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// With ids in the place of references.
pub(super) fn resolve(value: &Json, ids: &HashMap<String, String>) -> Json {
    match value {
        Json::String(text) => {
            let id = text.strip_prefix(REFERENCE).and_then(|name| ids.get(name));
            Json::String(id.unwrap_or(text).clone())
        }
        Json::Array(values) => values.iter().map(|one| resolve(one, ids)).collect(),
        Json::Object(fields) => {
            let resolved = fields.iter().map(|(name, one)| (name.clone(), resolve(one, ids)));
            Json::Object(resolved.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Without the values that name what is not there.
pub(super) fn without(value: &Json, missing: &[String]) -> Json {
    let names_one = |value: &Json| {
        let text = match value {
            Json::Object(fields) => get(fields, "value").and_then(Json::as_str),
            other => other.as_str(),
        };
        let name = text.and_then(|text| text.strip_prefix(REFERENCE));
        name.is_some_and(|name| missing.iter().any(|one| one == name))
    };
    match value {
        Json::Array(values) => values.iter().filter(|one| !names_one(one)).map(|one| without(one, missing)).collect(),
        Json::Object(fields) => {
            let kept = fields.iter().filter(|(_, one)| !names_one(one));
            Json::Object(kept.map(|(name, one)| (name.clone(), without(one, missing))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
