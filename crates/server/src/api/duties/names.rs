//! Records say who and what by id; the answer brings the names along, so that whoever decides reads names without the
//! right to look through everybody.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use kernel::id::{EntitlementId, PersonId};
use serde_json::Value;

use super::own;
use super::separation::{DutyRecord, DutyRecords};
use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::problem::Problem;

/// One record with its names.
pub async fn named_record(app: &App, caller: &Caller, record: Value) -> Result<Json<DutyRecord>, Problem> {
    let names = names(app, caller, std::slice::from_ref(&record)).await?;
    Ok(Json(DutyRecord { record, names }))
}

/// Records with their names.
pub async fn named_records(app: &App, caller: &Caller, records: Vec<Value>) -> Result<Json<DutyRecords>, Problem> {
    let names = names(app, caller, &records).await?;
    Ok(Json(DutyRecords { records, names }))
}

/// Names for the ids in some records. Of a person whose record is restricted it is told to themselves and to who manages
/// the desk; others read the id.
pub async fn names(app: &App, caller: &Caller, records: &[Value]) -> Result<BTreeMap<String, String>, Problem> {
    let mut ids = Ids::default();
    records.iter().for_each(|record| ids.take(record));
    let sees_all = app.authority.permits(caller.asker(), Action::ManageIdentity, None);
    let people = app.identity.people_named(&ids.people).await?;
    let asks = !sees_all && people.iter().any(|one| one.restricted);
    let oneself = if asks { own(app, caller).await } else { None };
    let visible = people.into_iter().filter(|one| !one.restricted || sees_all || Some(one.id) == oneself);
    let mut names: BTreeMap<String, String> =
        visible.map(|one| (one.id.to_string(), one.sheet.display_name())).collect();
    if !ids.entitlements.is_empty() {
        let catalog = app.identity.catalog().await?;
        let known = ids.entitlements.iter().filter_map(|id| catalog.entitlement(*id));
        names.extend(known.map(|one| (one.id.to_string(), one.grant().to_string())));
    }
    Ok(names)
}

#[derive(Default)]
struct Ids {
    people: BTreeSet<PersonId>,
    entitlements: BTreeSet<EntitlementId>,
}

impl Ids {
    fn take(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.starts_with("person-") => self.people.extend(text.parse::<PersonId>()),
            Value::String(text) if text.starts_with("entitlement-") => {
                self.entitlements.extend(text.parse::<EntitlementId>());
            }
            Value::Array(all) => all.iter().for_each(|one| self.take(one)),
            Value::Object(fields) => fields.values().for_each(|one| self.take(one)),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_found_wherever_a_record_holds_them_and_nothing_else_is() {
        let mut ids = Ids::default();
        let person = "person-0197c2f0-0000-7000-8000-000000000000";
        ids.take(&json!({ "by": person, "seats": [{ "asked": [person, "person-x", "a person"] }], "target": ["role", "payer"],
            "entitlement": "entitlement-0197c2f0-0000-7000-8000-000000000001", "version": 3 }));
        assert_eq!(ids.people.iter().map(ToString::to_string).collect::<Vec<_>>(), [person]);
        assert_eq!(ids.entitlements.len(), 1);
    }
}
