//! Many operations in one request (RFC 7644 §3.7). Each is carried out whole or not at all, one after the other, each with its
//! entry in the ledger; what one makes, others may name by its `bulkId`, wherever they stand and also in a circle.

mod operation;
mod order;

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::error::Error;
use crate::resource::get;
use crate::room::{Client, Precondition, Scim, Stored};
use operation::{Method, Operation, references, resolve, without};

/// Operations of one request, at most.
pub const MOST_OPERATIONS: usize = 1_000;
/// Bytes of one request, at most.
pub const LARGEST_BYTES: usize = 4 << 20;
const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What is known of what a `bulkId` names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Made {
    Waits,
    As(String),
    Failed,
}

/// One request on its way.
struct Run<'a> {
    scim: &'a Scim,
    by: &'a Client,
    base: &'a str,
    operations: Vec<Result<Operation, Error>>,
    made: HashMap<String, Made>,
    results: Vec<Option<Json>>,
    /// Made without what was not there yet.
    unfinished: Vec<usize>,
    errors: usize,
}

impl Scim {
    /// Carries out a request; `base` is the address of the service. The answer has a result for each operation that was tried.
    ///
    /// # Errors
    /// 413 for too many operations, 400 for a request that is none. What is wrong with one operation is its result.
    pub async fn bulk(&self, by: &Client, request: &Json, base: &str) -> Result<Json, Error> {
        let (raw, most_errors) = read(request)?;
        let operations: Vec<Result<Operation, Error>> = raw.iter().map(Operation::read).collect();
        let (made, order) = plan(&operations)?;
        let results = vec![None; operations.len()];
        let mut run = Run { scim: self, by, base, operations, made, results, unfinished: Vec::new(), errors: 0 };
        for at in order {
            if run.errors >= most_errors {
                break;
            }
            run.one(at, &raw[at]).await;
        }
        run.finish(raw).await;
        let results: Vec<Json> = run.results.into_iter().flatten().collect();
        Ok(json!({ "schemas": [RESPONSE], "Operations": results }))
    }
}

/// The operations, and after how many errors it ends.
fn read(request: &Json) -> Result<(&[Json], usize), Error> {
    let fields = request.as_object().ok_or_else(|| Error::syntax("the body is no object of JSON"))?;
    let schemas = get(fields, "schemas").and_then(Json::as_array);
    let named =
        |list: &Vec<Json>| list.iter().any(|one| one.as_str().is_some_and(|id| id.eq_ignore_ascii_case(REQUEST)));
    if !schemas.is_some_and(named) {
        return Err(Error::syntax(format!("`schemas` does not name {REQUEST}")));
    }
    let most_errors = match get(fields, "failOnErrors") {
        None | Some(Json::Null) => usize::MAX,
        Some(limit) => {
            let limit = limit.as_u64().and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
            limit.ok_or_else(|| Error::value("`failOnErrors` is a whole number from 1"))?
        }
    };
    let operations = get(fields, "Operations").and_then(Json::as_array);
    let operations = operations.ok_or_else(|| Error::syntax("`Operations` is no list"))?;
    if operations.len() > MOST_OPERATIONS {
        let detail = format!("{} operations; maxOperations is {MOST_OPERATIONS}", operations.len());
        return Err(Error::TooLarge { detail });
    }
    Ok((operations, most_errors))
}

/// What `bulkId` names are given, and in which order the operations are carried out.
fn plan(operations: &[Result<Operation, Error>]) -> Result<(HashMap<String, Made>, Vec<usize>), Error> {
    let mut places = HashMap::new();
    for (at, operation) in operations.iter().enumerate() {
        let Ok(Operation { method: Method::Post, bulk_id: Some(id), .. }) = operation else { continue };
        if places.insert(id.clone(), at).is_some() {
            return Err(Error::value(format!("the bulkId `{id}` is given twice")));
        }
    }
    let needs = |operation: &Result<Operation, Error>| {
        let named = operation.as_ref().map(references).unwrap_or_default();
        named.iter().filter_map(|id| places.get(id).copied()).collect()
    };
    let needs: Vec<Vec<usize>> = operations.iter().map(needs).collect();
    let order = order::order(&needs);
    Ok((places.into_keys().map(|id| (id, Made::Waits)).collect(), order))
}

impl Run<'_> {
    async fn one(&mut self, at: usize, raw: &Json) {
        let done = match &self.operations[at] {
            Ok(operation) => self.carry_out(operation).await,
            Err(refused) => Err(again(refused)),
        };
        if let Ok((_, false)) = &done {
            self.unfinished.push(at);
        }
        self.note(at, raw, done.map(|(stored, _)| stored));
    }

    /// What there is afterwards, and whether all that it names was there.
    async fn carry_out(&self, operation: &Operation) -> Result<(Option<Stored>, bool), Error> {
        let Operation { method, kind, data, .. } = operation;
        let mut waits = Vec::new();
        for id in references(operation) {
            match self.made.get(&id) {
                Some(Made::As(_)) => {}
                Some(Made::Waits) => waits.push(id),
                Some(Made::Failed) => return Err(unresolved(&id, "was not made")),
                None => return Err(Error::value(format!("`bulkId:{id}` is made by no operation of this request"))),
            }
        }
        let data = resolve(&without(data, &waits), &self.ids());
        let by = self.by;
        if *method == Method::Post {
            let stored = self.scim.create(by, *kind, &data).await?;
            return Ok((Some(stored), waits.is_empty()));
        }
        let id = operation.target(&self.ids())?;
        let precondition = operation.precondition();
        Ok(match method {
            Method::Put => (Some(self.scim.replace(by, *kind, &id, &data, &precondition).await?), true),
            Method::Patch => (Some(self.scim.patch(by, *kind, &id, &data, &precondition).await?), true),
            Method::Delete | Method::Post => {
                self.scim.delete(by, *kind, &id, &precondition).await?;
                (None, true)
            }
        })
    }

    fn ids(&self) -> HashMap<String, String> {
        let known = |(name, made): (&String, &Made)| match made {
            Made::As(id) => Some((name.clone(), id.clone())),
            Made::Waits | Made::Failed => None,
        };
        self.made.iter().filter_map(known).collect()
    }

    fn note(&mut self, at: usize, raw: &Json, done: Result<Option<Stored>, Error>) {
        let mut result = json!({});
        for name in ["method", "bulkId"] {
            let said = raw.as_object().and_then(|fields| get(fields, name)).and_then(Json::as_str);
            if let Some(said) = said {
                result[name] = json!(said);
            }
        }
        let (made, status) = match done {
            Ok(stored) => {
                let post = raw["method"].as_str().is_some_and(|method| method.eq_ignore_ascii_case("post"));
                let status = if stored.is_none() {
                    204
                } else if post {
                    201
                } else {
                    200
                };
                if let Some(stored) = &stored {
                    result["location"] = json!(format!("{}/{}/{}", self.base, stored.kind.endpoint(), stored.id));
                    result["version"] = json!(stored.entity_tag());
                } else if let Some(path) = raw["path"].as_str() {
                    result["location"] = json!(format!("{}{path}", self.base));
                }
                (stored.map(|stored| Made::As(stored.id)), status)
            }
            Err(error) => {
                self.errors += 1;
                result["response"] = error.body();
                (Some(Made::Failed), error.status())
            }
        };
        result["status"] = json!(status.to_string());
        if let Ok(Operation { method: Method::Post, bulk_id: Some(id), .. }) = &self.operations[at]
            && let Some(made) = made
        {
            self.made.insert(id.clone(), made);
        }
        self.results[at] = Some(result);
    }

    /// What was made without what it names is given it now, or goes again.
    async fn finish(&mut self, raw: &[Json]) {
        for at in std::mem::take(&mut self.unfinished) {
            let done = match &self.operations[at] {
                Ok(operation) => self.complete(operation).await,
                Err(_) => continue,
            };
            self.note(at, &raw[at], done.map(Some));
        }
    }

    async fn complete(&self, operation: &Operation) -> Result<Stored, Error> {
        let ids = self.ids();
        let own = operation.bulk_id.as_ref().and_then(|id| ids.get(id)).cloned().unwrap_or_default();
        let missing = references(operation).into_iter().find(|id| !ids.contains_key(id));
        let whole = match missing {
            Some(missing) => Err(unresolved(&missing, "was not made, and so this is not either")),
            None => {
                let data = resolve(&operation.data, &ids);
                self.scim.replace(self.by, operation.kind, &own, &data, &Precondition::None).await
            }
        };
        if whole.is_err() {
            self.scim.delete(self.by, operation.kind, &own, &Precondition::None).await?;
        }
        whole
    }
}

/// The refusal of an operation that was read before.
fn again(refused: &Error) -> Error {
    match refused {
        Error::Bad { kind, detail } => Error::Bad { kind: *kind, detail: detail.clone() },
        other => Error::syntax(other.to_string()),
    }
}

fn unresolved(id: &str, what: &str) -> Error {
    Error::Unresolved { detail: format!("`bulkId:{id}` {what}") }
}
