//! Normalisation as data: which records become rows of which table, and which field goes to which column.
//!
//! The files of `content/sources/` are compiled into the program and read once; a test reads all of them, so that a
//! broken file cannot be shipped. Their form:
//!
//! ```toml
//! [maps.logon_type]
//! 2 = "Interactive"
//!
//! [columns.device]                       # a group that rows can use
//! DeviceName = "Computer"
//!
//! [[row]]
//! table = "DeviceProcessEvents"
//! channel = "Security"                   # absent: any
//! id = [4688]                            # absent: any
//! where = { ObjectType = ["Key"] }       # absent: any; field values compared exactly
//! use = ["device"]
//! additional = ["TokenElevationType"]    # fields collected in AdditionalFields as JSON
//! columns = { FileName = "NewProcessName | file_name ?? Image | file_name", ActionType = "'ProcessCreated'" }
//!
//! [[device]]                             # what Sigma calls the log of a CEF device
//! vendor = "Fortinet"
//! product = "FortiProxy"                 # how its product's name begins; absent: any
//! category = "proxy"
//! ```
//!
//! An expression is alternatives separated by `??`; each is a field, a `'literal'` or `account(Domain, User)`,
//! followed by steps (see [`Step`]). `-` and the empty text count as absent.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use hashbrown::HashMap;
use kernel::TableSchema;
use serde::Deserialize;

use crate::record::{Record, Slot};
use crate::transform::Step;

/// One file of `content/sources/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    #[serde(default)]
    maps: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    columns: BTreeMap<String, BTreeMap<String, String>>,
    /// Source names of fields -> the names they go by.
    #[serde(default)]
    rename: BTreeMap<String, String>,
    /// Fields that the collector adds.
    #[serde(default)]
    envelope: Vec<String>,
    /// Fields that every record of the source has.
    #[serde(default)]
    header: Vec<String>,
    #[serde(default)]
    row: Vec<RowText>,
    /// What Sigma calls the log of a CEF device.
    #[serde(default)]
    device: Vec<Device>,
}

/// A CEF device by its vendor and, where one vendor has several kinds, the beginning of its product's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    vendor: String,
    #[serde(default)]
    product: String,
    pub(crate) category: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowText {
    table: String,
    channel: Option<String>,
    #[serde(default)]
    id: Vec<i64>,
    #[serde(default, rename = "where")]
    conditions: BTreeMap<String, Vec<String>>,
    #[serde(default, rename = "use")]
    groups: Vec<String>,
    #[serde(default)]
    additional: Vec<String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    by_name: bool,
    #[serde(default)]
    data: Option<DataAs>,
}

/// How a row keeps all fields of [`Part::Data`](crate::record::Part::Data) in its column `EventData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DataAs {
    Json,
    Xml,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Field(Slot),
    Literal(String),
    Account(Slot, Slot),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    origin: Origin,
    steps: Vec<Step>,
}

/// A column's expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression(Vec<Term>);

/// A row that a record can become.
#[derive(Debug)]
pub(crate) struct RowRule {
    /// Index into [`Source::tables`].
    pub(crate) table: usize,
    conditions: Vec<(Slot, Vec<String>)>,
    /// Column index in the shipped schema, and its expression.
    pub(crate) columns: Vec<(usize, Expression)>,
    /// Names and slots of the fields that go to the dynamic column.
    pub(crate) additional: Vec<(String, Slot)>,
    /// Every field whose name is a column goes there.
    pub(crate) by_name: bool,
    pub(crate) data: Option<DataAs>,
}

/// A compiled file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Field names that expressions use: the first slots of every delivery.
    pub(crate) names: Vec<Box<str>>,
    pub(crate) tables: Vec<TableSchema>,
    pub(crate) rules: Vec<RowRule>,
    pub(crate) rename: HashMap<String, String>,
    pub(crate) envelope: Vec<String>,
    pub(crate) header: Vec<String>,
    devices: Vec<Device>,
    maps: Vec<Vec<(String, String)>>,
    /// Rules by channel (`""`: any) and id (`None`: any), in order of the file.
    index: HashMap<String, HashMap<Option<i64>, Vec<usize>>>,
}

/// The sources that ship.
pub(crate) fn windows() -> &'static Source {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    SOURCE.get_or_init(|| shipped(include_str!("../../../content/sources/windows.toml")))
}

pub(crate) fn entra() -> &'static Source {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    SOURCE.get_or_init(|| shipped(include_str!("../../../content/sources/entra.toml")))
}

pub(crate) fn cloudtrail() -> &'static Source {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    SOURCE.get_or_init(|| shipped(include_str!("../../../content/sources/cloudtrail.toml")))
}

pub(crate) fn syslog() -> &'static Source {
    static SOURCE: OnceLock<Source> = OnceLock::new();
    SOURCE.get_or_init(|| shipped(include_str!("../../../content/sources/syslog.toml")))
}

/// The tables that ship, by name.
pub(crate) fn shipped_table(name: &str) -> Option<&'static TableSchema> {
    static TABLES: OnceLock<HashMap<String, TableSchema>> = OnceLock::new();
    let tables = TABLES.get_or_init(|| {
        kernel::schema::shipped_tables().into_iter().map(|table| (table.name.clone(), table)).collect()
    });
    tables.get(name)
}

fn shipped(text: &str) -> Source {
    match Source::parse(text) {
        Ok(source) => source,
        Err(reason) => panic!("a file of content/sources is broken, which its test should have shown: {reason}"),
    }
}

impl Source {
    fn parse(text: &str) -> Result<Source, String> {
        let file: SourceFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let map_names: Vec<String> = file.maps.keys().cloned().collect();
        let mut source = Source {
            names: Vec::new(),
            tables: Vec::new(),
            rules: Vec::new(),
            rename: file.rename.into_iter().collect(),
            envelope: file.envelope,
            header: file.header,
            devices: file.device,
            maps: file.maps.into_values().map(|map| map.into_iter().collect()).collect(),
            index: HashMap::new(),
        };
        for row in &file.row {
            source.row(row, &file.columns, &map_names).map_err(|reason| format!("row of {}: {reason}", row.table))?;
        }
        Ok(source)
    }

    /// What Sigma calls the log of a CEF device: the first that fits.
    pub(crate) fn category_of(&self, vendor: &str, product: &str) -> Option<&str> {
        let begins =
            |text: &str, with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        let fits = |device: &&Device| begins(vendor, &device.vendor) && begins(product, &device.product);
        self.devices.iter().find(fits).map(|device| device.category.as_str())
    }

    fn row(
        &mut self,
        row: &RowText,
        groups: &BTreeMap<String, BTreeMap<String, String>>,
        maps: &[String],
    ) -> Result<(), String> {
        let table = self.table(&row.table)?;
        let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
        for name in &row.groups {
            let group = groups.get(name).ok_or_else(|| format!("no group is called {name}"))?;
            // Groups serve several tables, not all of which have every column.
            let known = group.iter().filter(|(column, _)| self.tables[table].column(column).is_some());
            texts.extend(known.map(|(column, text)| (column.as_str(), text.as_str())));
        }
        texts.extend(row.columns.iter().map(|(column, text)| (column.as_str(), text.as_str())));
        let mut columns = Vec::new();
        for (column, text) in texts {
            let position = self.tables[table].columns.iter().position(|known| known.name == column);
            let position = position.ok_or_else(|| format!("the table has no column {column}"))?;
            columns.push((position, self.expression(text, maps)?));
        }
        let conditions = row.conditions.iter().map(|(field, values)| (self.slot(field), values.clone())).collect();
        let additional = row.additional.iter().map(|field| (field.clone(), self.slot(field))).collect();
        let rule = self.rules.len();
        self.rules.push(RowRule { table, conditions, columns, additional, by_name: row.by_name, data: row.data });
        let ids = self.index.entry(row.channel.clone().unwrap_or_default()).or_default();
        if row.id.is_empty() {
            ids.entry(None).or_default().push(rule);
        }
        for id in &row.id {
            ids.entry(Some(*id)).or_default().push(rule);
        }
        Ok(())
    }

    fn table(&mut self, name: &str) -> Result<usize, String> {
        if let Some(table) = self.tables.iter().position(|table| table.name == name) {
            return Ok(table);
        }
        self.tables.push(shipped_table(name).ok_or("no table of that name ships")?.clone());
        Ok(self.tables.len() - 1)
    }

    fn slot(&mut self, name: &str) -> Slot {
        let at = self.names.iter().position(|known| **known == *name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        at as Slot
    }

    fn expression(&mut self, text: &str, maps: &[String]) -> Result<Expression, String> {
        text.split("??").map(|term| self.term(term, maps)).collect::<Result<_, _>>().map(Expression)
    }

    fn term(&mut self, text: &str, maps: &[String]) -> Result<Term, String> {
        let mut parts = text.split('|').map(str::trim);
        let head = parts.next().filter(|head| !head.is_empty()).ok_or_else(|| format!("`{text}` names no field"))?;
        let origin = if let Some(literal) = head.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Origin::Literal(literal.to_owned())
        } else if let Some(pair) = head.strip_prefix("account(").and_then(|rest| rest.strip_suffix(')')) {
            let (domain, user) = pair.split_once(',').ok_or_else(|| format!("`{head}` needs two fields"))?;
            Origin::Account(self.slot(domain.trim()), self.slot(user.trim()))
        } else {
            Origin::Field(self.slot(head))
        };
        let steps = parts
            .map(|step| Step::parse(step, maps).ok_or_else(|| format!("`{step}` is no step, or names no map")))
            .collect::<Result<_, _>>()?;
        Ok(Term { origin, steps })
    }

    /// The rules that apply to a channel and an id: for the channel first, then for any.
    pub(crate) fn rules_for(&self, channel: &str, id: Option<i64>, found: &mut Vec<usize>) {
        found.clear();
        for ids in [self.index.get(channel).filter(|_| !channel.is_empty()), self.index.get("")].into_iter().flatten() {
            found.extend(ids.get(&None).into_iter().flatten());
            if id.is_some() {
                found.extend(ids.get(&id).into_iter().flatten());
            }
        }
    }

    /// The value of an expression.
    pub(crate) fn evaluate<'a>(&'a self, expression: &'a Expression, record: Record<'a>) -> Option<Cow<'a, str>> {
        expression.0.iter().find_map(|term| self.term_value(term, record))
    }

    fn term_value<'a>(&'a self, term: &'a Term, record: Record<'a>) -> Option<Cow<'a, str>> {
        let mut value: Cow<'a, str> = match &term.origin {
            Origin::Field(slot) => {
                let field = record.whole(*slot).or_else(|| record.field(*slot))?;
                Some(record.text(field)).filter(|text| present(text))?.into()
            }
            Origin::Literal(text) => text.as_str().into(),
            Origin::Account(domain, user) => {
                let user = record.get(*user).filter(|text| present(text))?;
                match record.get(*domain).filter(|text| present(text)) {
                    Some(domain) => format!("{domain}\\{user}").into(),
                    None => user.into(),
                }
            }
        };
        for step in &term.steps {
            value = match value {
                Cow::Borrowed(text) => step.apply(text, &self.maps)?,
                Cow::Owned(text) => step.apply(&text, &self.maps)?.into_owned().into(),
            };
        }
        Some(value)
    }
}

impl RowRule {
    /// Whether the record has the values that the rule asks for.
    pub(crate) fn accepts(&self, record: Record<'_>) -> bool {
        self.conditions
            .iter()
            .all(|(slot, values)| record.get(*slot).is_some_and(|text| values.iter().any(|value| value == text)))
    }
}

fn present(text: &str) -> bool {
    !text.is_empty() && text != "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_source_compiles() {
        for source in [windows(), entra(), cloudtrail(), syslog()] {
            assert!(!source.rules.is_empty());
        }
    }

    #[test]
    fn a_broken_source_names_the_place() {
        let check = |text: &str, expected: &str| {
            let reason = Source::parse(text).expect_err("must be refused");
            assert!(reason.contains(expected), "{reason}");
        };
        check("[[row]]\ntable = \"Nowhere\"", "no table of that name");
        check("[[row]]\ntable = \"Syslog\"\ncolumns = { Nothing = \"A\" }", "no column Nothing");
        check("[[row]]\ntable = \"Syslog\"\ncolumns = { Computer = \"A | shout\" }", "`shout` is no step");
        check("[[row]]\ntable = \"Syslog\"\nuse = [\"x\"]", "no group is called x");
        check("rows = 1", "unknown field");
    }
}
