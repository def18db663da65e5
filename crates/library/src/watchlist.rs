//! Watchlists: named lists that somebody uploaded as CSV.

use std::collections::HashMap;

use kernel::schema::WATCHLIST_COLUMNS;
use kernel::{Actor, ColumnSchema, ScalarType, TableSchema, Timestamp, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Entry, Row, params};

use crate::error::{Error, What};
use crate::{Basis, Library, Put, Record, name, sql};

/// Items of one list.
const MOST_ITEMS: usize = 100_000;
/// Columns of one list.
const MOST_COLUMNS: usize = 100;

/// A list to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWatchlist {
    pub name: String,
    pub description: String,
    /// The column by which the list is searched; `None`: the first one.
    pub search_key: Option<String>,
    /// CSV (RFC 4180) whose first record names the columns.
    pub csv: String,
}

/// A list as it is kept, without its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watchlist {
    pub name: String,
    pub search_key: String,
    /// Those of the file.
    pub columns: Vec<String>,
    pub items: i64,
    #[serde(flatten)]
    pub record: Record,
}

/// One item with what stays of it over changes of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    id: String,
    updated_us: i64,
    cells: Vec<String>,
}

impl Watchlist {
    fn read(row: &Row) -> Result<Watchlist, store::Error> {
        Ok(Watchlist {
            name: row.text("name")?.to_owned(),
            search_key: row.text("search_key")?.to_owned(),
            columns: row.json("columns")?,
            items: row.int("item_count")?,
            record: Record::read(row)?,
        })
    }

    /// As `_GetWatchlist` gives it.
    pub fn schema(&self) -> TableSchema {
        let own = WATCHLIST_COLUMNS.map(|(name, scalar)| ColumnSchema { name: name.to_owned(), scalar });
        let texts = self.columns.iter().map(|name| ColumnSchema { name: name.clone(), scalar: ScalarType::String });
        TableSchema { name: self.name.clone(), columns: own.into_iter().chain(texts).collect() }
    }

    fn key_at(&self) -> usize {
        self.columns.iter().position(|column| *column == self.search_key).unwrap_or(0)
    }
}

impl Library {
    /// All lists, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn watchlists(&self) -> Result<Vec<Watchlist>, Error> {
        let rows = self.store.fetch_all(&sql::WATCHLISTS, params![]).await?;
        Ok(rows.iter().map(Watchlist::read).collect::<Result<_, _>>()?)
    }

    /// One list, and its items as CSV.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn watchlist_csv(&self, name: &str) -> Result<(Watchlist, String), Error> {
        let row = self.store.fetch_optional(&sql::WATCHLIST, params![name]).await?;
        let row = row.ok_or_else(|| Error::not_found(What::Watchlist, name))?;
        let (list, items) = (Watchlist::read(&row)?, row.json::<Vec<Item>>("items")?);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let broken =
            |error: &dyn std::fmt::Display| Error::Refused(format!("`{name}` cannot be written as CSV: {error}"));
        writer.write_record(&list.columns).map_err(|error| broken(&error))?;
        for item in &items {
            writer.write_record(&item.cells).map_err(|error| broken(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| broken(&error))?;
        Ok((list, String::from_utf8(bytes).map_err(|error| broken(&error))?))
    }

    /// Keeps a list. Items whose cells stay the same keep their ids and times.
    ///
    /// # Errors
    /// [`Error::Refused`] says what of name or file does not do; [`Error::Conflict`] when `basis` is not what is there.
    pub async fn put_watchlist(
        &self,
        actor: &Actor,
        new: &NewWatchlist,
        basis: Basis,
    ) -> Result<Put<Watchlist>, Error> {
        name::check(What::Watchlist, &new.name)?;
        let (columns, cells) = read_csv(&new.csv)?;
        let search_key = new.search_key.clone().unwrap_or_else(|| columns[0].clone());
        if !columns.contains(&search_key) {
            let message = format!("the file has no column `{search_key}` to search by; it has {}", columns.join(", "));
            return Err(Error::Refused(message));
        }
        let description = new.description.trim();
        let mut tx = self.store.begin().await?;
        tx.execute(&sql::NEXT_REVISION, params![]).await?;
        let row = tx.fetch_optional(&sql::WATCHLIST, params![&new.name]).await?;
        let before = row.as_ref().map(Watchlist::read).transpose()?;
        let version = before.as_ref().map(|before| before.record.version);
        if !basis.allows(version) {
            return Err(Error::conflict(json!({ "name": new.name }), json!(before), version.unwrap_or(0)));
        }
        let old: Vec<Item> = row.as_ref().map(|row| row.json("items")).transpose()?.unwrap_or_default();
        let key = columns.iter().position(|column| *column == search_key).unwrap_or(0);
        let items = items(&new.name, key, cells, before.as_ref(), &columns, &old, tx.now());
        if let Some(before) = &before
            && (&before.columns, &before.search_key, before.record.description.as_str())
                == (&columns, &search_key, description)
            && old == items
        {
            return Ok(Put::Unchanged(before.clone()));
        }
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let texts = (json!(columns).to_string(), json!(items).to_string());
        let digest = hex::encode(Sha256::digest(&texts.1));
        let row = params![&new.name, description, &search_key, texts.0, count, texts.1, actor.to_string(), tx.now()];
        tx.execute(&sql::PUT_WATCHLIST, row).await?;
        let after = tx.fetch_optional(&sql::WATCHLIST, params![&new.name]).await?;
        let after = Watchlist::read(&after.ok_or_else(|| Error::not_found(What::Watchlist, &new.name))?)?;
        let verb = if before.is_some() { "watchlist.change" } else { "watchlist.make" };
        let entry = Entry::new(actor, verb, entity(&new.name)).after(json!({ "watchlist": after, "sha256": digest }));
        let entry = match &before {
            Some(before) => entry.before(json!({ "watchlist": before })),
            None => entry,
        };
        tx.commit(entry).await?;
        Ok(if before.is_some() { Put::Changed(after) } else { Put::Made(after) })
    }

    /// Drops a list.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`], [`Error::Store`].
    pub async fn delete_watchlist(&self, actor: &Actor, name: &str, basis: Basis) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        tx.execute(&sql::NEXT_REVISION, params![]).await?;
        let row = tx.fetch_optional(&sql::WATCHLIST, params![name]).await?;
        let before = Watchlist::read(&row.ok_or_else(|| Error::not_found(What::Watchlist, name))?)?;
        if !basis.allows(Some(before.record.version)) {
            return Err(Error::conflict(json!(null), json!(before), before.record.version));
        }
        tx.execute_one(&sql::DELETE_WATCHLIST, params![name]).await?;
        tx.commit(Entry::new(actor, "watchlist.delete", entity(name)).before(json!({ "watchlist": before }))).await?;
        Ok(())
    }

    /// The rows of a list in the order of its columns.
    pub(crate) async fn watchlist_rows(&self, name: &str) -> Result<Option<Vec<Vec<Value>>>, Error> {
        let Some(row) = self.store.fetch_optional(&sql::WATCHLIST, params![name]).await? else { return Ok(None) };
        let (list, items) = (Watchlist::read(&row)?, row.json::<Vec<Item>>("items")?);
        let key = list.key_at();
        let values = |item: Item| {
            let searched = item.cells.get(key).cloned().unwrap_or_default();
            let own =
                [Value::String(item.id), Value::DateTime(Timestamp(item.updated_us).ticks()), Value::String(searched)];
            own.into_iter().chain(item.cells.into_iter().map(Value::String)).collect()
        };
        Ok(Some(items.into_iter().map(values).collect()))
    }
}

/// Columns and cells of a file.
fn read_csv(text: &str) -> Result<(Vec<String>, Vec<Vec<String>>), Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let refused = |message: String| Error::Refused(message);
    let bad = |error: csv::Error| Error::Refused(format!("this is no CSV: {error}"));
    let headings = reader.headers().map_err(bad)?;
    let columns: Vec<String> = headings.iter().map(|column| column.trim().to_owned()).collect();
    if columns.is_empty() || columns.iter().all(String::is_empty) {
        return Err(refused("the file is empty; its first line must name the columns".to_owned()));
    }
    if columns.len() > MOST_COLUMNS {
        return Err(refused(format!("the file has {} columns; the limit is {MOST_COLUMNS}", columns.len())));
    }
    for (at, column) in columns.iter().enumerate() {
        let own = WATCHLIST_COLUMNS.iter().any(|(name, _)| name == column);
        if column.is_empty() || own || columns[..at].contains(column) {
            return Err(refused(format!(
                "column {} cannot be called `{column}`: it must be a name of its own",
                at + 1
            )));
        }
    }
    let mut cells = Vec::new();
    for record in reader.records() {
        let record = record.map_err(bad)?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            let message = format!("line {line} has {} cells for {} columns", record.len(), columns.len());
            return Err(refused(message));
        }
        cells.push(record.iter().map(str::to_owned).collect());
        if cells.len() > MOST_ITEMS {
            return Err(refused(format!("the file has more than {MOST_ITEMS} items; ingest it as a table")));
        }
    }
    Ok((columns, cells))
}

/// The items of a list: those that were there keep id and time. An item is known by its key, and among items with one
/// key by its place.
fn items(
    list: &str,
    key: usize,
    cells: Vec<Vec<String>>,
    before: Option<&Watchlist>,
    columns: &[String],
    old: &[Item],
    now: Timestamp,
) -> Vec<Item> {
    let mut occurrences: HashMap<String, usize> = HashMap::new();
    let mut nth = |key: &str| {
        let count = occurrences.entry(key.to_owned()).or_default();
        *count += 1;
        *count
    };
    let comparable = before.is_some_and(|before| before.columns == columns);
    let known: HashMap<&str, &Item> = old.iter().map(|item| (item.id.as_str(), item)).collect();
    let item = |cells: Vec<String>| {
        let value = cells.get(key).map_or("", String::as_str);
        let identity = format!("{list}\n{value}\n{}", nth(value));
        let id = hex::encode(&Sha256::digest(identity)[..16]);
        let same = known.get(id.as_str()).filter(|item| comparable && item.cells == cells);
        let updated_us = same.map_or(now.micros(), |item| item.updated_us);
        Item { id, updated_us, cells }
    };
    cells.into_iter().map(item).collect()
}

fn entity(name: &str) -> String {
    format!("watchlist:{name}")
}
