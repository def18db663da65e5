//! A table as it was found, and the SQL for it.

use std::collections::BTreeMap;

use kernel::Timestamp;

use super::config::{ColumnType, LinkMapping, TableMapping, quote};
use super::connection::{Database, Text};
use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::protection::ProtectionRules;
use crate::schema::{AttributeSchema, ClassSchema, Matching};
use crate::value::{AttributeName, AttributeValue};

/// A table with the types of its columns.
pub(super) struct Table {
    pub class: ObjectClass,
    pub mapping: TableMapping,
    pub schema: ClassSchema,
    /// Quoted.
    pub name: String,
    /// The type that a text is cast to, by column.
    types: BTreeMap<String, String>,
    /// What is selected, in the order of [`Table::found`].
    selection: String,
}

/// Which rows of a table that only marks what is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Living,
    Deleted,
    Both,
}

/// A row, understood.
pub(super) struct Found {
    pub object: Object,
    /// Who changed it last.
    pub changed_by: Text,
    pub deleted: bool,
}

impl Table {
    pub async fn describe(
        database: &Database,
        class: ObjectClass,
        mapping: &TableMapping,
    ) -> Result<Table, ConnectorError> {
        let types = column_types(database, &mapping.table).await?;
        let mut table = Table {
            class,
            mapping: mapping.clone(),
            schema: schema(mapping, &types),
            name: quote(&mapping.table)?,
            types,
            selection: String::new(),
        };
        let mut selected = Vec::new();
        for column in table.columns() {
            if !table.types.contains_key(column) {
                let known = table.types.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let reason = format!("table `{}` has no column `{column}`; it has {known}", mapping.table);
                return Err(ConnectorError::invalid(reason));
            }
            selected.push(format!("CAST({} AS TEXT)", quote(column)?));
        }
        table.selection = selected.join(", ");
        Ok(table)
    }

    /// Columns in the order in which they are selected.
    fn columns(&self) -> Vec<&str> {
        let TableMapping { id, name, container, enabled, expires, version, changed_by, deleted, attributes, .. } =
            &self.mapping;
        let mut columns = vec![id.as_str(), name.as_str()];
        columns.extend(container.as_deref());
        columns.extend(enabled.as_ref().map(|column| column.column.as_str()));
        columns.extend(expires.as_ref().map(|column| column.column.as_str()));
        columns.extend(version.as_deref());
        columns.extend(changed_by.as_deref());
        columns.extend(deleted.as_ref().map(|column| column.column.as_str()));
        columns.extend(attributes.iter().map(|mapping| mapping.column.as_str()));
        columns
    }

    /// `SELECT … FROM … WHERE …`: living rows, deleted rows, or both.
    pub fn select(&self, condition: &str, rows: Rows, tail: &str) -> Result<String, ConnectorError> {
        let mut conditions = Vec::new();
        if let Some(column) = self.mapping.deleted.as_ref().filter(|_| rows != Rows::Both) {
            let (name, word) = (quote(&column.column)?, if rows == Rows::Deleted { &column.yes } else { &column.no });
            // The word is the operator's; it is quoted as a text.
            conditions.push(format!("{name} = {}", self.literal(&column.column, word)));
        }
        if !condition.is_empty() {
            conditions.push(condition.to_owned());
        }
        let filter = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        Ok(format!("SELECT {} FROM {} {filter} {tail}", self.selection, self.name))
    }

    /// Living rows, each followed by the value of `column`.
    pub fn select_with(&self, column: &str, condition: &str) -> Result<String, ConnectorError> {
        let head = format!("SELECT {}", self.selection);
        let rest = self.select(condition, Rows::Living, "")?.split_off(head.len());
        Ok(format!("{head}, CAST({} AS TEXT){rest}", quote(column)?))
    }

    /// The type of a column as a cast names it.
    pub fn column_type(&self, column: &str) -> &str {
        self.types.get(column).map_or("TEXT", String::as_str)
    }

    fn literal(&self, column: &str, word: &str) -> String {
        self.cast(column, &format!("'{}'", word.replace('\'', "''")))
    }

    /// `CAST($3 AS BIGINT)` for a value of a column.
    pub fn placeholder(&self, column: &str, number: usize) -> String {
        self.cast(column, &format!("${number}"))
    }

    fn cast(&self, column: &str, what: &str) -> String {
        match self.types.get(column) {
            Some(kind) => format!("CAST({what} AS {kind})"),
            None => what.to_owned(),
        }
    }

    /// The column that holds an attribute.
    pub fn column_of(&self, attribute: &AttributeName) -> Result<&str, ConnectorError> {
        let mapping = self.mapping.attributes.iter().find(|mapping| mapping.attribute == *attribute);
        mapping.map(|mapping| mapping.column.as_str()).ok_or_else(|| {
            ConnectorError::invalid(format!("no column of `{}` holds the attribute `{attribute}`", self.mapping.table))
        })
    }

    /// What a row holds. The fault names the row.
    pub fn found(&self, row: Vec<Text>, rules: &ProtectionRules) -> Result<Found, String> {
        let mut cells = row.into_iter();
        let mut next = || cells.next().flatten();
        let id = next().ok_or("a row without a primary key")?;
        let name = next().unwrap_or_default();
        let fault = |what: &str| format!("{} `{id}`: {what}", self.class);
        let mut object = Object::new(self.class, id.clone(), name);
        let mapping = &self.mapping;
        object.container = mapping.container.as_ref().and_then(|_| next());
        if let Some(column) = &mapping.enabled {
            let word = next().unwrap_or_default();
            let meaning = column.read(&word);
            object.enabled = Some(meaning.ok_or_else(|| {
                fault(&format!("`{}` is `{}`, neither `{}` nor `{}`", column.column, word, column.yes, column.no))
            })?);
        }
        if let Some(column) = &mapping.expires
            && let Some(text) = next()
        {
            let instant = instant(&text, column.kind);
            object.expires = Some(instant.ok_or_else(|| fault(&format!("`{text}` is no end of an account")))?);
        }
        object.version = mapping.version.as_ref().and_then(|_| next());
        let changed_by = mapping.changed_by.as_ref().and_then(|_| next());
        let mark = mapping.deleted.as_ref().map(|column| column.read(&next().unwrap_or_default()));
        let deleted = mark.flatten().unwrap_or(false);
        for column in &mapping.attributes {
            if let Some(text) = next() {
                let value =
                    value(&text, column.kind).ok_or_else(|| fault(&format!("`{}` is `{text}`", column.column)))?;
                object.attributes.set(column.attribute.clone(), vec![value]);
            }
        }
        object.protection = rules.of(&object);
        Ok(Found { object, changed_by, deleted })
    }

    /// The end of an account as its column holds it.
    pub fn expires_text(&self, at: Timestamp) -> Result<String, ConnectorError> {
        match &self.mapping.expires {
            Some(column) if column.kind == ColumnType::Integer => Ok(at.micros().div_euclid(1_000_000).to_string()),
            Some(_) => Ok(at.to_string()),
            None => Err(ConnectorError::unsupported("end an account by itself: no column is mapped for it")),
        }
    }

    /// The id in a row of this table.
    pub fn id_of(row: &[Text]) -> ObjectId {
        ObjectId::new(row.first().cloned().flatten().unwrap_or_default())
    }
}

fn value(text: &str, kind: ColumnType) -> Option<AttributeValue> {
    match kind {
        ColumnType::Text => Some(text.into()),
        ColumnType::Integer => text.parse::<i64>().ok().map(AttributeValue::Integer),
        ColumnType::Boolean => match text {
            "1" | "true" | "t" => Some(true.into()),
            "0" | "false" | "f" => Some(false.into()),
            _ => None,
        },
    }
}

fn instant(text: &str, kind: ColumnType) -> Option<Timestamp> {
    match kind {
        ColumnType::Integer => Some(Timestamp(text.parse::<i64>().ok()?.checked_mul(1_000_000)?)),
        ColumnType::Boolean => None,
        ColumnType::Text => {
            // PostgreSQL writes `2027-01-31 00:00:00+00`.
            let mut iso = text.trim().replacen(' ', "T", 1);
            if iso.len() > 3 && iso[..iso.len() - 2].ends_with(['+', '-']) {
                iso.push_str(":00");
            }
            iso.parse().ok().or_else(|| format!("{iso}Z").parse().ok())
        }
    }
}

/// A value as it travels.
pub(super) fn text_of(values: &[AttributeValue], attribute: &AttributeName) -> Result<Text, ConnectorError> {
    match values {
        [] => Ok(None),
        [AttributeValue::Bool(value)] => Ok(Some(if *value { "1" } else { "0" }.to_owned())),
        [AttributeValue::Binary(_)] => Err(ConnectorError::invalid(format!("`{attribute}`: a column holds no bytes"))),
        [value] => Ok(Some(value.to_string())),
        several => {
            Err(ConnectorError::invalid(format!("`{attribute}` has {} values; a column holds one", several.len())))
        }
    }
}

fn schema(mapping: &TableMapping, types: &BTreeMap<String, String>) -> ClassSchema {
    ClassSchema::of(mapping.attributes.iter().map(|column| AttributeSchema {
        name: column.attribute.clone(),
        syntax: types.get(&column.column).cloned().unwrap_or_default(),
        multi_valued: false,
        required: false,
        read_only: column.read_only,
        matching: Matching::Exact,
    }))
}

async fn column_types(database: &Database, table: &str) -> Result<BTreeMap<String, String>, ConnectorError> {
    quote(table)?;
    let rows = if database.is_postgres() {
        let sql = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)::text FROM pg_attribute a \
                   WHERE a.attrelid = to_regclass($1)::oid AND a.attnum > 0 AND NOT a.attisdropped";
        database.fetch(sql.to_owned(), vec![Some(quote(table)?)]).await?
    } else {
        let bare = table.rsplit('.').next().unwrap_or(table).to_owned();
        database.fetch("SELECT name, type FROM pragma_table_info($1)".to_owned(), vec![Some(bare)]).await?
    };
    if rows.is_empty() {
        return Err(ConnectorError::invalid(format!("there is no table `{table}`, or our account may not see it")));
    }
    let postgres = database.is_postgres();
    let pair = |row: Vec<Text>| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let (name, kind) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        (name, if postgres { kind } else { affinity(&kind).to_owned() })
    };
    Ok(rows.into_iter().map(pair).collect())
}

/// What SQLite makes of a declared type (its documentation, "Determination Of Column Affinity").
fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        "INTEGER"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "TEXT"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "REAL"
    } else {
        // NUMERIC turns texts that are no numbers into 0; dates and booleans declared so must stay as they are.
        if has(&["BOOL", "NUMERIC", "DECIMAL"]) { "NUMERIC" } else { "TEXT" }
    }
}

/// The table of memberships is there with its columns.
pub(super) async fn check_link(database: &Database, link: &LinkMapping) -> Result<(), ConnectorError> {
    let types = column_types(database, &link.table).await?;
    for column in [Some(&link.group), Some(&link.member), link.until.as_ref()].into_iter().flatten() {
        if !types.contains_key(column) {
            return Err(ConnectorError::invalid(format!("table `{}` has no column `{column}`", link.table)));
        }
    }
    Ok(())
}
