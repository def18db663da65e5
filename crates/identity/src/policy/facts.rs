//! What rules and templates may speak of.

use std::collections::BTreeMap;

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::Policy;
use crate::engagement::EngagementSheet;
use crate::person::Person;

/// Fields of `person` that a template may name; `extra` has the others.
pub(super) const PERSON_FIELDS: [&str; 10] =
    ["id", "kind", "number", "given_name", "family_name", "display_name", "birth_date", "mail", "sponsor", "extra"];
/// Fields of `engagement` that a template may name.
pub(super) const ENGAGEMENT_FIELDS: [&str; 11] =
    ["begins", "ends", "standing", "station", "country", "org_unit", "job", "grade", "manager", "key", "extra"];
/// Fields beside those, where they are known.
pub(super) const OTHER_FIELDS: [&str; 4] = ["n", "login", "names", "name"];

/// A person with a contract, as rules and templates see them.
#[derive(Debug, Clone, Serialize)]
pub struct Facts<'a> {
    pub person: PersonFacts<'a>,
    pub engagement: EngagementFacts<'a>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PersonFacts<'a> {
    id: String,
    kind: &'static str,
    number: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    display_name: String,
    birth_date: String,
    mail: &'a str,
    sponsor: &'a str,
    extra: &'a BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EngagementFacts<'a> {
    key: &'a str,
    begins: String,
    ends: String,
    standing: &'static str,
    station: &'a str,
    country: &'a str,
    org_unit: &'a str,
    job: &'a str,
    grade: &'a str,
    manager: &'a str,
    extra: &'a BTreeMap<String, String>,
}

impl<'a> Facts<'a> {
    /// Of a person under a contract.
    pub fn new(policy: &'a Policy, person: &'a Person, key: &'a str, sheet: &'a EngagementSheet) -> Facts<'a> {
        let text = |value: &'a Option<String>| value.as_deref().unwrap_or_default();
        let country = sheet.station.as_deref().and_then(|station| policy.stations.get(station));
        Facts {
            person: PersonFacts {
                id: person.id.uuid().to_string(),
                kind: person.sheet.kind.as_str(),
                number: text(&person.sheet.number),
                given_name: &person.sheet.given_name,
                family_name: &person.sheet.family_name,
                display_name: person.sheet.display_name(),
                birth_date: person.sheet.birth_date.map(|date| date.to_string()).unwrap_or_default(),
                mail: text(&person.sheet.mail),
                sponsor: text(&person.sheet.sponsor),
                extra: &person.sheet.extra,
            },
            engagement: EngagementFacts {
                key,
                begins: sheet.begins.to_string(),
                ends: sheet.ends.map(|date| date.to_string()).unwrap_or_default(),
                standing: sheet.standing.as_str(),
                station: text(&sheet.station),
                country: country.and_then(|station| station.country.as_deref()).unwrap_or_default(),
                org_unit: text(&sheet.org_unit),
                job: text(&sheet.job),
                grade: text(&sheet.grade),
                manager: text(&sheet.manager),
                extra: &sheet.extra,
            },
        }
    }

    /// As the template engine takes it.
    pub fn value(&self) -> Value {
        Value::from(Serde(self))
    }
}

/// Facts with the names that an account has.
#[derive(Debug, Clone, Serialize)]
pub struct NameFacts<'a> {
    pub login: &'a str,
    pub names: &'a BTreeMap<String, String>,
}
