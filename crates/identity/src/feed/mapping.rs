//! From a source's columns to our fields, as the feed's document says.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Feed;
use super::decode::Decoded;
use crate::engagement::{EngagementSheet, Standing};
use crate::error::Refusal;
use crate::person::{PersonKind, PersonSheet};

/// Fields that a mapping may fill, beside `extra.…` and `person.extra.…`.
const FIELDS: [&str; 18] = [
    "anchor",
    "key",
    "number",
    "given_name",
    "family_name",
    "birth_date",
    "mail",
    "kind",
    "sponsor",
    "begins",
    "ends",
    "standing",
    "station",
    "org_unit",
    "job",
    "grade",
    "manager",
    "effective",
];
const NEEDED: [&str; 5] = ["anchor", "key", "given_name", "family_name", "begins"];
const FUEL: u64 = 20_000;
/// No name, word or number of people is longer.
const LONGEST_CHARACTERS: usize = 1_000;
/// What lies before is a source's way to say that it does not know.
const EARLIEST_YEAR: i16 = 1900;

/// One record in our words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mapped {
    pub line: u64,
    /// What the source calls the person for good.
    pub anchor: String,
    /// What the source calls the contract for good.
    pub key: String,
    pub person: PersonSheet,
    pub engagement: EngagementSheet,
    /// From which day on this holds, when the source says so.
    pub effective: Option<Date>,
    pub digest: String,
}

/// A record that cannot be used, with whatever could be read of whom it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    pub line: u64,
    pub reason: String,
    pub anchor: Option<String>,
    pub key: Option<String>,
}

/// Where a field comes from.
enum Origin {
    Column(String),
    Template(String),
}

/// Whether a mapping is computed, rather than the name of a column.
pub(super) fn is_template(from: &str) -> bool {
    from.contains("{{") || from.contains("{%")
}

/// A feed's mapping, ready.
pub struct Mapper<'a> {
    feed: &'a Feed,
    origins: Vec<(String, Origin)>,
    environment: Environment<'static>,
    has_templates: bool,
}

impl<'a> Mapper<'a> {
    /// Checks and prepares the mapping of a feed.
    ///
    /// # Errors
    /// The field that there is not or that is missing, or the template that cannot be read.
    pub fn new(key: &str, feed: &'a Feed) -> Result<Mapper<'a>, Refusal> {
        let place = |field: &str| format!("feed {key}: {field}");
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        let mut origins = Vec::new();
        for (field, from) in &feed.map {
            let known = FIELDS.contains(&field.as_str())
                || field
                    .strip_prefix("extra.")
                    .or(field.strip_prefix("person.extra."))
                    .is_some_and(|name| !name.is_empty());
            if !known {
                let fields = FIELDS.join(", ");
                return Err(Refusal::bad(
                    place(field),
                    format!("there is no such field; there are {fields}, extra.…, person.extra.…"),
                ));
            }
            let origin = if is_template(from) {
                let added = environment.add_template_owned(field.clone(), from.clone());
                added.map_err(|error| Refusal::bad(place(field), error.to_string()))?;
                Origin::Template(field.clone())
            } else {
                if feed.format == super::FeedFormat::Scim {
                    let parsed = scim::reading::ValuePath::parse(from);
                    parsed.map_err(|error| Refusal::bad(place(&format!("map.{field}")), error.to_string()))?;
                }
                Origin::Column(from.clone())
            };
            origins.push((field.clone(), origin));
        }
        if let Some(missing) = NEEDED.iter().find(|needed| !feed.map.contains_key(**needed)) {
            return Err(Refusal::bad(place("map"), format!("`{missing}` is not mapped")));
        }
        for (at, check) in feed.checks.iter().enumerate() {
            let source = format!("{{% if {} %}}1{{% endif %}}", check.holds);
            let added = environment.add_template_owned(format!("check {at}"), source);
            added.map_err(|error| Refusal::bad(place(&format!("checks[{at}]")), error.to_string()))?;
        }
        let has_templates =
            !feed.checks.is_empty() || origins.iter().any(|(_, origin)| matches!(origin, Origin::Template(_)));
        Ok(Mapper { feed, origins, environment, has_templates })
    }

    /// Maps every record. Those that cannot be used are told with their line.
    ///
    /// # Errors
    /// A column that the mapping names and the delivery does not have: nothing of it can be used.
    pub fn map(&self, decoded: &Decoded) -> Result<MappedRecords, String> {
        let columns: HashMap<&str, usize> =
            decoded.header.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let named = |(_, origin): &(String, Origin)| match origin {
            Origin::Column(column) => Some(column.clone()),
            Origin::Template(_) => None,
        };
        let optional_in_json = self.feed.format != super::FeedFormat::Csv;
        let missing: Vec<String> =
            self.origins.iter().filter_map(named).filter(|column| !columns.contains_key(column.as_str())).collect();
        let bearable = optional_in_json && !decoded.records.is_empty() && missing.len() < self.origins.len();
        if !missing.is_empty() && !bearable {
            return Err(format!(
                "the columns {} are missing; there are {}",
                missing.join(", "),
                decoded.header.join(", ")
            ));
        }
        let (mut mapped, mut bad) = (Vec::with_capacity(decoded.records.len()), Vec::new());
        for (line, record) in &decoded.records {
            match self.record(*line, &columns, record) {
                Ok(one) => mapped.push(one),
                Err(one) => bad.push(one),
            }
        }
        Ok((mapped, bad))
    }

    /// Everything is read before anything is judged, so that a record which cannot be used still says whose it is.
    fn record(&self, line: u64, columns: &HashMap<&str, usize>, record: &[String]) -> Result<Mapped, BadRecord> {
        let row = if self.has_templates { row(columns, record) } else { Value::UNDEFINED };
        let mut problem = self.checked(&row).err();
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        for (field, origin) in &self.origins {
            match self.value(field, origin, columns, record, &row) {
                Ok(value) if value.is_empty() => {}
                Ok(value) => drop(fields.insert(field, value)),
                Err(fault) => drop(problem.get_or_insert(fault)),
            }
        }
        let built = problem.map_or_else(|| self.build(line, &fields), Err);
        built.map_err(|reason| BadRecord { line, reason, anchor: fields.remove("anchor"), key: fields.remove("key") })
    }

    fn value(
        &self,
        field: &str,
        origin: &Origin,
        columns: &HashMap<&str, usize>,
        record: &[String],
        row: &Value,
    ) -> Result<String, String> {
        let value = match origin {
            Origin::Column(column) => {
                columns.get(column.as_str()).and_then(|at| record.get(*at)).cloned().unwrap_or_default()
            }
            Origin::Template(name) => self.render(name, row)?.trim().to_owned(),
        };
        writable(field, &value)?;
        match self.feed.values.get(field).map(|words| words.get(&value).or_else(|| words.get("*"))) {
            Some(Some(word)) => Ok(word.clone()),
            Some(None) if !value.is_empty() => {
                Err(format!("{field}: `{value}` is a word that the feed's `values` do not have"))
            }
            _ => Ok(value),
        }
    }

    fn checked(&self, row: &Value) -> Result<(), String> {
        for (at, check) in self.feed.checks.iter().enumerate() {
            if self.render(&format!("check {at}"), row)?.is_empty() {
                return Err(check.otherwise.clone());
            }
        }
        Ok(())
    }

    fn render(&self, name: &str, row: &Value) -> Result<String, String> {
        let rendered = self.environment.get_template(name).and_then(|template| template.render(row.clone()));
        rendered.map_err(|error| format!("{name}: {error}"))
    }

    fn build(&self, line: u64, fields: &BTreeMap<&str, String>) -> Result<Mapped, String> {
        let text = |name: &str| fields.get(name).cloned();
        let needed = |name: &str| text(name).ok_or_else(|| format!("{name} is empty"));
        let extra = |prefix: &str| -> BTreeMap<String, String> {
            let named =
                |(field, value): (&&str, &String)| Some((field.strip_prefix(prefix)?.to_owned(), value.clone()));
            fields.iter().filter_map(named).collect()
        };
        let word = |name: &str| text(name).map(|word| word.to_lowercase());
        let kind = word("kind")
            .map_or(Ok(PersonKind::Staff), |word| word.parse().map_err(|error| format!("kind: {error}")))?;
        let standing = word("standing")
            .map_or(Ok(Standing::Active), |word| word.parse().map_err(|error| format!("standing: {error}")))?;
        let person = PersonSheet {
            kind,
            number: text("number"),
            given_name: needed("given_name")?,
            family_name: needed("family_name")?,
            birth_date: self.date(fields, "birth_date")?,
            mail: text("mail").map(|mail| mail.to_lowercase()),
            sponsor: text("sponsor"),
            extra: extra("person.extra."),
        };
        if kind.needs_sponsor() && person.sponsor.is_none() {
            return Err(format!("a {kind} needs a sponsor"));
        }
        if person.sponsor.is_some() && person.sponsor == person.number {
            return Err("sponsor: nobody sponsors themselves".to_owned());
        }
        let begins = self.date(fields, "begins")?.ok_or("begins is empty")?;
        let ends = self.date(fields, "ends")?;
        if ends.is_some_and(|ends| ends < begins) && standing != Standing::Cancelled {
            return Err(format!("it ends on {} before it begins on {begins}", ends.unwrap_or(begins)));
        }
        let engagement = EngagementSheet {
            begins,
            ends,
            standing,
            station: word("station"),
            org_unit: text("org_unit"),
            job: text("job"),
            grade: text("grade"),
            manager: text("manager"),
            extra: extra("extra."),
        };
        let (anchor, key) = (needed("anchor")?, needed("key")?);
        let said = json!([anchor, key, person, engagement]).to_string();
        let digest = hex::encode(&Sha256::digest(said)[..16]);
        Ok(Mapped { line, anchor, key, person, engagement, effective: self.date(fields, "effective")?, digest })
    }

    fn date(&self, fields: &BTreeMap<&str, String>, name: &str) -> Result<Option<Date>, String> {
        let Some(text) = fields.get(name) else { return Ok(None) };
        let parsed = match &self.feed.date_format {
            Some(format) => Date::strptime(format, text),
            // An instant is cut to its day.
            None => text.get(..10).unwrap_or(text).parse(),
        };
        let day = parsed.map_err(|_| {
            let form = self.feed.date_format.as_deref().unwrap_or("2026-11-30");
            format!("{name}: `{text}` is no date of the form {form}")
        })?;
        if day.year() < EARLIEST_YEAR && name != "ends" {
            return Err(format!("{name}: {day} lies before {EARLIEST_YEAR}: leave it empty where it is not known"));
        }
        Ok(Some(day))
    }
}

fn row(columns: &HashMap<&str, usize>, record: &[String]) -> Value {
    let named: BTreeMap<&str, &str> =
        columns.iter().filter_map(|(name, at)| Some((*name, record.get(*at)?.as_str()))).collect();
    context! { row => Value::from(Serde(&named)) }
}

/// Whether a value can be shown, stored and sent to a directory as what it looks like.
fn writable(field: &str, value: &str) -> Result<(), String> {
    let characters = value.chars().count();
    if characters > LONGEST_CHARACTERS {
        return Err(format!("{field} has {characters} characters; more than {LONGEST_CHARACTERS} are not believed"));
    }
    match value.chars().enumerate().find(|(_, letter)| is_hidden(*letter)) {
        Some((at, letter)) => Err(format!(
            "{field}: character {} is U+{:04X}, which controls and is not shown: take it out at the source, or map the \
             field with `| replace`",
            at + 1,
            u32::from(letter)
        )),
        None => Ok(()),
    }
}

/// Control characters, and those that turn the direction of what follows (Unicode Standard Annex 9, explicit directional
/// embeddings, overrides and isolates). Marks of direction and joiners belong to the scripts of people's names.
fn is_hidden(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Records as they are meant, and those that cannot be used.
pub type MappedRecords = (Vec<Mapped>, Vec<BadRecord>);
