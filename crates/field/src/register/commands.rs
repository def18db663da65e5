//! Changing records of the register.

use std::collections::BTreeMap;

use kernel::Actor;
use serde_json::{Value as Json, json};
use store::{Entry, Tx};

use super::in_use;
use super::noun::{Need, Noun};
use super::nouns::noun_named;
use super::records::{self, Record};
use super::value::{self, Form, Value};
use crate::error::{Error, Refusal};
use crate::retention;
use crate::room::Field;
use crate::speech::{Sentence, say};

/// A record as somebody wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct SaveRecord {
    pub noun: String,
    pub key: String,
    /// The version that was read; 0 for a new one.
    pub version: i64,
    /// Columns by name, each as it is written in CSV.
    pub fields: BTreeMap<String, String>,
    pub actor: Actor,
    pub reason: String,
}

impl Field {
    /// Adds or replaces a record.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown noun, [`Error::Refused`] with the field that is wrong, [`Error::Conflict`]
    /// when somebody else changed it.
    pub async fn save_record(&self, order: &SaveRecord) -> Result<Record, Error> {
        let noun = noun_of(&order.noun)?;
        let key = value::key(&order.key).map_err(|problem| Refusal::bad("key", problem))?;
        let mut tx = self.store.begin().await?;
        let before = records::find(&mut tx, noun, &key).await?;
        let version = before.as_ref().map_or(0, |before| before.version);
        if version != order.version {
            return Err(Error::conflict(json!(order.fields), state(noun, before.as_ref()), version));
        }
        let values = read_fields(noun, &order.fields)?;
        check_references(&mut tx, noun, &key, &values).await?;
        check_rules(&mut tx, noun, &key, &values).await?;
        let id = before.as_ref().map_or_else(|| tx.id(), |before| before.id);
        let record = Record { id, key, version: version + 1, retired: None, updated: tx.now(), values };
        write(tx, noun, before.as_ref(), record, "save", &order.actor, &order.reason).await
    }

    /// Takes a record out of use; what names it stays readable.
    ///
    /// # Errors
    /// As [`Field::save_record`].
    pub async fn retire_record(
        &self,
        noun: &str,
        key: &str,
        version: i64,
        actor: &Actor,
        reason: &str,
    ) -> Result<Record, Error> {
        let noun = noun_of(noun)?;
        let mut tx = self.store.begin().await?;
        let found = records::find(&mut tx, noun, &key.to_uppercase()).await?;
        let before = found.ok_or_else(|| Error::missing(noun.name, key))?;
        if before.version != version {
            return Err(Error::conflict(json!("retired"), state(noun, Some(&before)), before.version));
        }
        if before.retired.is_some() {
            return Err(Refusal::rule(say!("{key} is retired already", key)).into());
        }
        in_use::check_free(&mut tx, noun, &before.key).await?;
        let record = Record { version: version + 1, retired: Some(tx.now()), updated: tx.now(), ..before.clone() };
        write(tx, noun, Some(&before), record, "retire", actor, reason).await
    }

    /// All records of a noun, by key.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown noun.
    pub async fn records(&self, noun: &str) -> Result<(&'static Noun, Vec<Record>), Error> {
        let noun = noun_of(noun)?;
        Ok((noun, records::all(&self.store, noun).await?))
    }
}

pub(crate) fn noun_of(name: &str) -> Result<&'static Noun, Error> {
    noun_named(name).ok_or_else(|| Error::missing("noun of the register", name))
}

async fn write(
    mut tx: Tx,
    noun: &Noun,
    before: Option<&Record>,
    record: Record,
    verb: &str,
    actor: &Actor,
    reason: &str,
) -> Result<Record, Error> {
    records::save(&mut tx, noun, &record).await?;
    if noun.name == "person" {
        retention::watch(&mut tx, &record).await?;
    }
    records::touch(&mut tx).await?;
    tx.commit(entry(noun, before, &record, verb, actor).reason(reason)).await?;
    Ok(record)
}

/// The ledger entry of a change of a record.
pub(crate) fn entry(noun: &Noun, before: Option<&Record>, record: &Record, verb: &str, actor: &Actor) -> Entry {
    let entry = Entry::new(actor, &format!("{}.{verb}", noun.name), record.id);
    entry.before(state(noun, before)).after(state(noun, Some(record)))
}

/// What the ledger and a conflict say of a record.
fn state(noun: &Noun, record: Option<&Record>) -> Json {
    let Some(record) = record else { return Json::Null };
    let fields: BTreeMap<_, _> = record.shown(noun).into_iter().collect();
    json!({ "key": record.key, "version": record.version, "retired": record.retired.is_some(), "fields": fields })
}

/// Reads every column; unknown ones are refused.
pub(crate) fn read_fields(
    noun: &Noun,
    fields: &BTreeMap<String, String>,
) -> Result<BTreeMap<&'static str, Value>, Refusal> {
    if let Some(unknown) = fields.keys().find(|name| noun.column(name).is_none()) {
        let known: Vec<&str> = noun.columns.iter().map(|column| column.name).collect();
        return Err(Refusal::bad(unknown, say!("there is no such column; there are {known}", known)));
    }
    let mut values = BTreeMap::new();
    for column in noun.columns {
        let written = fields.get(column.name).map_or("", String::as_str);
        match column.form.parse(written).map_err(|problem| Refusal::bad(column.name, problem))? {
            Some(value) => drop(values.insert(column.name, value)),
            None if column.need == Need::Needed => return Err(Refusal::bad(column.name, say!("it must be filled"))),
            None => {}
        }
    }
    Ok(values)
}

/// Keys that a record names must be in the register and in use.
async fn check_references(
    tx: &mut Tx,
    noun: &Noun,
    key: &str,
    values: &BTreeMap<&'static str, Value>,
) -> Result<(), Error> {
    for column in noun.columns {
        let (Form::Key(of), Some(Value::Text(named))) = (column.form, values.get(column.name)) else { continue };
        if of == noun.name && named == key {
            return Err(Refusal::bad(column.name, say!("it names the record itself")).into());
        }
        let found = records::find(tx, noun_of(of)?, named).await?;
        if found.is_none_or(|record| record.retired.is_some()) {
            return Err(Refusal::bad(column.name, not_in_register(of, named)).into());
        }
    }
    Ok(())
}

/// A key that something names, of nobody and nothing.
pub(crate) fn not_in_register(noun: &str, named: &str) -> Sentence {
    say!("there is no {what} `{named}` in the register", what = Sentence::word(noun), named)
}

/// Rules that need more than one column.
async fn check_rules(tx: &mut Tx, noun: &Noun, key: &str, values: &BTreeMap<&'static str, Value>) -> Result<(), Error> {
    let station = |value: Option<&Value>| value == Some(&Value::Text("duty-station".to_owned()));
    if noun.name == "contact" && !values.contains_key("person") && !values.contains_key("name") {
        let problem = say!("a contact names a person of the register, or somebody in `name`");
        return Err(Refusal::bad("person", problem).into());
    }
    if noun.name == "premises" && station(values.get("kind")) {
        if !values.contains_key("time_zone") {
            return Err(Refusal::bad("time_zone", say!("a duty station needs its time zone")).into());
        }
        let others = records::all_in(tx, noun).await?;
        let other = others
            .iter()
            .find(|other| other.key != key && other.retired.is_none() && station(other.values.get("kind")));
        if let Some(other) = other {
            let problem = say!("{station} is the duty station; there is one", station = other.key);
            return Err(Refusal::bad("kind", problem).into());
        }
    }
    Ok(())
}

/// The same checks for a record that is being imported, against what is known by then.
pub(crate) async fn check(
    tx: &mut Tx,
    noun: &Noun,
    key: &str,
    values: &BTreeMap<&'static str, Value>,
) -> Result<(), Error> {
    check_references(tx, noun, key, values).await?;
    check_rules(tx, noun, key, values).await
}
