//! What changed, by a column that grows with every change.
//!
//! A transaction that took its version early and committed late can be missed by a reader that passed by in between; the
//! cursor therefore looks back by [`LOOK_BACK`] rows that it has seen. What it tells twice has no effect twice.

use serde::{Deserialize, Serialize};

use super::SqlTable;
use super::config::quote;
use super::connection::Text;
use super::statement::{Found, Rows, Table};
use crate::error::ConnectorError;
use crate::object::Attribution;
use crate::reading::{Cursor, Delta, DeltaPage, NativeChange, WhatChanged};

const PAGE: usize = 1_000;
/// Rows before the cursor that are told again.
const LOOK_BACK: usize = 50;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The newest version of the table of accounts that was told, and the id of its row.
    version: Option<String>,
    id: Option<String>,
}

impl SqlTable {
    pub(super) async fn cursor_now(&self) -> Result<Cursor, ConnectorError> {
        let table = &self.accounts;
        let version = self.version_column()?;
        let sql = format!(
            "SELECT CAST({version} AS TEXT), CAST({id} AS TEXT) FROM {name} WHERE {version} IS NOT NULL \
             ORDER BY {version} DESC, {id} DESC LIMIT 1",
            id = quote(&table.mapping.id)?,
            name = table.name
        );
        let row = self.database.fetch(sql, vec![]).await?.into_iter().next().unwrap_or_default();
        let mut cells = row.into_iter();
        Ok(cursor(&Place { version: cells.next().flatten(), id: cells.next().flatten() }))
    }

    pub(super) async fn changes(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        let place: Place = serde_json::from_str(&since.0)
            .map_err(|_| ConnectorError::invalid("the cursor is not one of this connector"))?;
        if let Some(reason) = self.lost(&place).await? {
            return Ok(Delta::CursorLost { reason });
        }
        let mut changes = Vec::new();
        let mut faults = Vec::new();
        let table = &self.accounts;
        for row in self.look_back(&place).await? {
            self.tell(table, row, &mut changes, &mut faults);
        }
        let fresh = self.fresh(&place).await?;
        let more = fresh.len() >= PAGE;
        let last = fresh.last().map(|row| Place { version: self.version_of(row), id: Some(Table::id_of(row).0) });
        let next = last.unwrap_or(place);
        for row in fresh {
            self.tell(table, row, &mut changes, &mut faults);
        }
        Ok(Delta::Changes(DeltaPage { changes, next: cursor(&next), more, still_there: Vec::new(), faults }))
    }

    fn version_column(&self) -> Result<String, ConnectorError> {
        let column = self.accounts.mapping.version.as_ref();
        quote(column.ok_or_else(|| ConnectorError::unsupported("tell changes: no column is mapped as `version`"))?)
    }

    /// Versions that went back mean a table that was restored.
    async fn lost(&self, place: &Place) -> Result<Option<String>, ConnectorError> {
        let Some(version) = &place.version else { return Ok(None) };
        let column = self.accounts.mapping.version.as_deref().unwrap_or_default();
        let sql = format!(
            "SELECT CAST(COUNT(*) AS TEXT) FROM {} WHERE {} >= {}",
            self.accounts.name,
            self.version_column()?,
            self.accounts.placeholder(column, 1)
        );
        let rows = self.database.fetch(sql, vec![Some(version.clone())]).await?;
        let none = rows.first().and_then(|row| row.first().cloned().flatten()).as_deref() == Some("0");
        Ok(none.then(|| format!("no row has version {version} or a later one: the table was restored or emptied")))
    }

    async fn look_back(&self, place: &Place) -> Result<Vec<Vec<Text>>, ConnectorError> {
        let Some(version) = &place.version else { return Ok(Vec::new()) };
        let column = self.accounts.mapping.version.as_deref().unwrap_or_default();
        let quoted = self.version_column()?;
        let condition = format!("{quoted} <= {}", self.accounts.placeholder(column, 1));
        let tail = format!("ORDER BY {quoted} DESC LIMIT {LOOK_BACK}");
        self.database.fetch(self.accounts.select(&condition, Rows::Both, &tail)?, vec![Some(version.clone())]).await
    }

    /// Rows after the place in the order of their versions.
    async fn fresh(&self, place: &Place) -> Result<Vec<Vec<Text>>, ConnectorError> {
        let table = &self.accounts;
        let column = table.mapping.version.as_deref().unwrap_or_default();
        let (version, id) = (self.version_column()?, quote(&table.mapping.id)?);
        let (condition, values) = match (&place.version, &place.id) {
            (Some(at), Some(row)) => {
                let (at_sql, id_sql) = (table.placeholder(column, 1), table.placeholder(&table.mapping.id, 2));
                let later = format!("({version} > {at_sql} OR ({version} = {at_sql} AND {id} > {id_sql}))");
                (later, vec![Some(at.clone()), Some(row.clone())])
            }
            _ => (format!("{version} IS NOT NULL"), vec![]),
        };
        let tail = format!("ORDER BY {version}, {id} LIMIT {PAGE}");
        self.database.fetch(table.select(&condition, Rows::Both, &tail)?, values).await
    }

    fn version_of(&self, row: &[Text]) -> Text {
        let mapping = &self.accounts.mapping;
        let before = 2
            + usize::from(mapping.container.is_some())
            + usize::from(mapping.enabled.is_some())
            + usize::from(mapping.expires.is_some());
        row.get(before).cloned().flatten()
    }

    fn tell(&self, table: &Table, row: Vec<Text>, changes: &mut Vec<NativeChange>, faults: &mut Vec<String>) {
        match table.found(row, &self.rules) {
            Err(fault) => faults.push(fault),
            Ok(Found { object, changed_by, deleted }) => {
                let column = table.mapping.changed_by.clone().unwrap_or_default();
                let attribution =
                    changed_by.map(|actor| Attribution { actor: Some(actor), at: None, evidence: column });
                let (class, id) = (object.class, object.id.clone());
                let what = if deleted {
                    WhatChanged::Deleted { name: Some(object.name) }
                } else {
                    WhatChanged::Upserted(object)
                };
                changes.push(NativeChange { class, id, what, attribution });
            }
        }
    }
}

fn cursor(place: &Place) -> Cursor {
    Cursor(serde_json::json!({ "version": place.version, "id": place.id }).to_string())
}
