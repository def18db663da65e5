//! People whose record is restricted, kept out of every answer of the Access desk in one place: who may not manage the desk
//! reads nothing of them but what is their own.
//!
//! An element of a list that carries the id of such a person, or of an account of theirs, is not there; an answer that is
//! about them is not found; their name and sign-in names in other texts are struck out. What an operation needs to leave
//! out of counts and pages it leaves out itself; this is for what it forgets.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use identity::RestrictedRecord;
use serde_json::Value;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::problem::Problem;
use crate::routes::Operation;

/// What stands for a name that is not told.
const STRUCK: &str = "…";

/// The answer as the caller may read it.
pub async fn shown(app: &Arc<App>, caller: &Caller, operation: &Operation, answer: Response) -> Response {
    let of_desk = ["/api/v1/identity/", "/api/v1/access/"].iter().any(|room| operation.path.starts_with(room));
    if !of_desk || !is_json(&answer) || app.authority.permits(caller.asker(), Action::ManageIdentity, None) {
        return answer;
    }
    let records = match app.identity.restricted_records().await {
        Ok(records) => records,
        Err(error) => return Problem::from(error).into_response(),
    };
    if records.is_empty() {
        return answer;
    }
    let oneself = app.identity.person_behind(&caller.actor()).await.ok();
    let records = records.into_iter().filter(|record| Some(record.person) != oneself);
    let hiding = Hiding::new(records);
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Problem::internal(&"an answer broke off").into_response();
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Problem::internal(&"an answer is no JSON").into_response();
    };
    hiding.clean(&mut value);
    // Who changed something knows what they named.
    if operation.method == Method::GET && hiding.tells(&value) {
        return Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", "there is nothing of this id")
            .into_response();
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::ETAG);
    Response::from_parts(parts, Body::from(value.to_string()))
}

fn is_json(answer: &Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    answer.status().is_success() && kind.starts_with("application/json")
}

/// What tells of people who are not shown.
struct Hiding {
    /// Ids of people and accounts.
    ids: Vec<String>,
    names: Vec<String>,
    logins: Vec<String>,
}

impl Hiding {
    fn new(records: impl Iterator<Item = RestrictedRecord>) -> Hiding {
        let mut hiding = Hiding { ids: Vec::new(), names: Vec::new(), logins: Vec::new() };
        for record in records {
            hiding.ids.push(record.person.to_string());
            hiding.ids.extend(record.accounts.iter().map(ToString::to_string));
            hiding.names.push(record.name);
            hiding.logins.extend(record.logins);
        }
        hiding
    }

    fn is_id(&self, text: &str) -> bool {
        self.ids.iter().any(|id| text.contains(id))
    }

    /// Whether a value carries an id outside of lists, which were cleaned before.
    fn tells(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_id(text),
            Value::Object(fields) => fields.values().any(|field| self.tells(field)),
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn clean(&self, value: &mut Value) {
        match value {
            Value::Array(elements) => {
                elements.iter_mut().for_each(|element| self.clean(element));
                elements.retain(|element| !self.tells(element));
            }
            Value::Object(fields) => {
                fields.retain(|name, _| !self.is_id(name));
                fields.values_mut().for_each(|field| self.clean(field));
            }
            Value::String(text) => self.strike(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn strike(&self, text: &mut String) {
        for name in &self.names {
            if text.contains(name.as_str()) {
                *text = text.replace(name.as_str(), STRUCK);
            }
        }
        let is_login = |word: &str| self.logins.iter().any(|login| login.eq_ignore_ascii_case(word));
        let names_login = text.split(|letter: char| letter.is_whitespace() || "@,=:;".contains(letter)).any(is_login);
        if names_login && !self.is_id(text) {
            *text = STRUCK.to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_tells_of_them_goes_and_the_rest_stays() {
        let hiding = Hiding {
            ids: vec!["person-1".to_owned(), "account-9".to_owned()],
            names: vec!["Fatima Zahra".to_owned()],
            logins: vec!["fzahra".to_owned()],
        };
        let check = |before: Value, after: Value| {
            let mut value = before;
            hiding.clean(&mut value);
            assert_eq!(value, after);
        };
        check(
            json!({ "plans": [{ "cause_ref": "person-1" }, { "cause_ref": null, "items": [{ "account": "account-9" }, 1] }] }),
            json!({ "plans": [{ "cause_ref": null, "items": [1] }] }),
        );
        check(
            json!({ "names": { "person-1": "Fatima Zahra", "person-2": "Bo" } }),
            json!({ "names": { "person-2": "Bo" } }),
        );
        check(
            json!([{ "title": "Fatima Zahra under P-3" }, ["fzahra", 2]]),
            json!([{ "title": "… under P-3" }, ["…", 2]]),
        );
        check(json!("disable fzahra"), json!("…"));
        assert!(hiding.tells(&json!({ "person": { "id": "person-1" } })));
    }
}
