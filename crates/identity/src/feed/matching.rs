//! Whether somebody in a feed may be somebody who is known. Never decided on a name alone.

use std::collections::{BTreeSet, HashMap};

use kernel::id::PersonId;

use crate::person::{Person, PersonSheet, PersonState};

/// People by what could tell that two records are one human being.
pub(super) struct Index {
    by_birth: HashMap<(String, String), Vec<PersonId>>,
    by_mail: HashMap<String, Vec<PersonId>>,
    by_name: HashMap<String, Vec<PersonId>>,
    births: HashMap<PersonId, Option<String>>,
}

impl Index {
    pub(super) fn new<'a>(people: impl Iterator<Item = &'a Person>) -> Index {
        let mut index = Index {
            by_birth: HashMap::new(),
            by_mail: HashMap::new(),
            by_name: HashMap::new(),
            births: HashMap::new(),
        };
        for person in people.filter(|person| person.state == PersonState::Active) {
            let sheet = &person.sheet;
            if let Some(birth) = sheet.birth_date {
                index.by_birth.entry((birth.to_string(), fold(&sheet.family_name))).or_default().push(person.id);
                index.by_birth.entry((birth.to_string(), fold(&sheet.given_name))).or_default().push(person.id);
            }
            if let Some(mail) = &sheet.mail {
                index.by_mail.entry(mail.to_lowercase()).or_default().push(person.id);
            }
            index.by_name.entry(full_name(sheet)).or_default().push(person.id);
            index.births.insert(person.id, sheet.birth_date.map(|date| date.to_string()));
        }
        index
    }

    /// Who it may be: same day of birth with one of the names, same address, or same name where a day of birth is missing.
    pub(super) fn candidates(&self, sheet: &PersonSheet) -> BTreeSet<PersonId> {
        let mut found = BTreeSet::new();
        let birth = sheet.birth_date.map(|date| date.to_string());
        if let Some(birth) = &birth {
            for name in [&sheet.family_name, &sheet.given_name] {
                found.extend(self.by_birth.get(&(birth.clone(), fold(name))).into_iter().flatten());
            }
        }
        if let Some(mail) = &sheet.mail {
            found.extend(self.by_mail.get(&mail.to_lowercase()).into_iter().flatten());
        }
        for id in self.by_name.get(&full_name(sheet)).into_iter().flatten() {
            let known = self.births.get(id).and_then(Option::as_ref);
            if birth.is_none() || known.is_none() {
                found.insert(*id);
            }
        }
        found
    }
}

/// Two of three that tell people apart differ: this is another human being under the same number.
pub(super) fn is_another(known: &PersonSheet, told: &PersonSheet) -> bool {
    let birth = matches!((known.birth_date, told.birth_date), (Some(known), Some(told)) if known != told);
    let given = fold(&known.given_name) != fold(&told.given_name);
    let family = fold(&known.family_name) != fold(&told.family_name);
    [birth, given, family].into_iter().filter(|differs| *differs).count() >= 2
}

fn full_name(sheet: &PersonSheet) -> String {
    format!("{} {}", fold(&sheet.given_name), fold(&sheet.family_name))
}

/// Without case, marks and script.
fn fold(name: &str) -> String {
    any_ascii::any_ascii(name).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
