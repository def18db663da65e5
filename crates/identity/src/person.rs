//! People. The id is the anchor: it never changes, whatever sources call somebody.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kernel::Timestamp;
use kernel::id::PersonId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, Tx, params};

use crate::error::Error;
use crate::sql;

/// Most people of one house.
pub(crate) const MOST_PEOPLE: u32 = 1_000_000;

kernel::words! {
    /// On what ground somebody is here.
    PersonKind {
        Staff = "staff",
        Consultant = "consultant",
        Intern = "intern",
        Vendor = "vendor",
        Volunteer = "volunteer",
        Partner = "partner",
    }
}

impl PersonKind {
    /// Without a human-resources record behind them they need a sponsor and a term.
    pub const fn needs_sponsor(self) -> bool {
        match self {
            PersonKind::Staff => false,
            PersonKind::Consultant
            | PersonKind::Intern
            | PersonKind::Vendor
            | PersonKind::Volunteer
            | PersonKind::Partner => true,
        }
    }
}

kernel::words! {
    /// Where a record of a person is in its life.
    PersonState {
        Active = "active",
        /// Put together with another record of the same human being; see `merged_into`.
        Merged = "merged",
    }
}

/// Somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: PersonId,
    pub state: PersonState,
    pub sheet: PersonSheet,
    /// Seen by few: a dismissal, a death, an inquiry.
    pub restricted: bool,
    /// Locked out everywhere since then.
    pub blocked: Option<Timestamp>,
    pub merged_into: Option<PersonId>,
    pub version: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// What is known of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSheet {
    pub kind: PersonKind,
    /// The number that people use; not the anchor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    pub given_name: String,
    pub family_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Date>,
    /// The address of the source; accounts get theirs by policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// The number of who answers for somebody without a human-resources record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sponsor: Option<String>,
    /// What the organisation keeps beyond that, for templates and rules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl PersonSheet {
    /// `Amina Diallo`.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name).trim().to_owned()
    }
}

impl Person {
    /// A new record at `now`.
    pub fn new(id: PersonId, sheet: PersonSheet, now: Timestamp) -> Person {
        Person {
            id,
            state: PersonState::Active,
            sheet,
            restricted: false,
            blocked: None,
            merged_into: None,
            version: 0,
            created: now,
            updated: now,
        }
    }
}

fn person(row: &Row) -> Result<Person, Error> {
    Ok(Person {
        id: row.id("id")?,
        state: row.parse("state")?,
        sheet: row.json("sheet")?,
        restricted: row.flag("restricted")?,
        blocked: row.time_opt("blocked_us")?,
        merged_into: row.id_opt("merged_into")?,
        version: row.int("version")?,
        created: row.time("created_us")?,
        updated: row.time("updated_us")?,
    })
}

/// Writes a person whose `version` is the one that is stored (0: new), and counts it up.
pub(crate) async fn save(tx: &mut Tx, person: &mut Person) -> Result<(), Error> {
    person.version += 1;
    person.updated = tx.now();
    let sheet = &person.sheet;
    let row = params![
        person.id,
        sheet.kind.as_str(),
        person.state.as_str(),
        sheet.number.clone(),
        &sheet.given_name,
        &sheet.family_name,
        sheet.birth_date.map(|date| date.to_string()),
        sheet.mail.clone(),
        sheet.sponsor.clone(),
        person.restricted,
        person.blocked,
        person.merged_into,
        &json!(sheet),
        person.version,
        person.created,
        person.updated,
    ];
    Ok(tx.execute_one(&sql::SAVE_PERSON, row).await?)
}

/// One person.
pub(crate) async fn find(read: &mut impl Read, id: PersonId) -> Result<Option<Person>, Error> {
    read.rows(&sql::PERSON, params![id]).await?.first().map(person).transpose()
}

/// Somebody by the id of any record of theirs: of records that were put together, the one that stayed.
pub(crate) async fn survivor(read: &mut impl Read, id: PersonId) -> Result<Person, Error> {
    let mut person = must(read, id).await?;
    let mut seen = std::collections::HashSet::from([id]);
    while let Some(into) = person.merged_into.filter(|into| seen.insert(*into)) {
        person = must(read, into).await?;
    }
    Ok(person)
}

/// Whom the id of a record means: the record that stayed, of those that were put together; itself, where nothing is known of it.
pub(crate) async fn meant(read: &mut impl Read, id: PersonId) -> Result<PersonId, Error> {
    match find(read, id).await? {
        Some(_) => Ok(survivor(read, id).await?.id),
        None => Ok(id),
    }
}

/// One person, who must be there.
pub(crate) async fn must(read: &mut impl Read, id: PersonId) -> Result<Person, Error> {
    find(read, id).await?.ok_or_else(|| Error::missing("person", id))
}

/// Everybody.
pub(crate) async fn all(read: &mut impl Read) -> Result<Vec<Person>, Error> {
    read.rows(&sql::PEOPLE, params![MOST_PEOPLE]).await?.iter().map(person).collect()
}

/// People whose name, number or mail contains a text, by name.
pub(crate) async fn search(read: &mut impl Read, text: &str, limit: u32) -> Result<Vec<Person>, Error> {
    let pattern = format!("%{}%", text.trim().to_lowercase());
    read.rows(&sql::SEARCH_PEOPLE, params![pattern, limit]).await?.iter().map(person).collect()
}

/// What a source calls somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anchor {
    pub source: String,
    pub anchor: String,
}

/// Every anchor with its person.
pub(crate) async fn anchors(read: &mut impl Read) -> Result<BTreeMap<Anchor, PersonId>, Error> {
    let rows = read.rows(&sql::ANCHORS, params![MOST_PEOPLE]).await?;
    let one = |row: &Row| {
        let anchor = Anchor { source: row.text("source")?.to_owned(), anchor: row.text("anchor")?.to_owned() };
        Ok((anchor, row.id("person_id")?))
    };
    rows.iter().map(one).collect()
}

/// Lets an anchor mean a person from now on.
pub(crate) async fn save_anchor(tx: &mut Tx, anchor: &Anchor, person: PersonId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(&sql::SAVE_ANCHOR, params![&anchor.source, &anchor.anchor, person, now]).await?;
    Ok(())
}
