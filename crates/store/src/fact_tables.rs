//! State tables as KQL reads them: PascalCase tables over registered SQL.

use async_trait::async_trait;
use kernel::port::{FactTables, TimeRange};
use kernel::{ColumnSchema, ScalarType, TableSchema, Timestamp, Value};
use sqlx::AssertSqlSafe;

use crate::error::Error;
use crate::param::Param;
use crate::params;
use crate::row::Cell;
use crate::store::Store;

/// Rows of one scan; more are an error, never a silent cut.
const MOST_ROWS: usize = 1_000_000;

/// A table that KQL can name.
#[derive(Debug, Clone, Copy)]
pub struct FactTable {
    /// PascalCase: `Incidents`.
    pub name: &'static str,
    pub columns: &'static [FactColumn],
    /// What follows FROM, joins included, without WHERE.
    pub from: &'static str,
    /// The SQL of `TimeGenerated` in microseconds, which a time range narrows.
    pub time: &'static str,
}

/// A column of such a table.
///
/// In SQL, an instant is BIGINT microseconds, a timespan BIGINT microseconds, a truth value BIGINT 0 or 1, dynamic is
/// JSON text.
#[derive(Debug, Clone, Copy)]
pub struct FactColumn {
    /// PascalCase, as Microsoft names it where there is such a column.
    pub name: &'static str,
    pub scalar: ScalarType,
    pub sql: &'static str,
}

impl FactColumn {
    /// Names a column.
    pub const fn new(name: &'static str, scalar: ScalarType, sql: &'static str) -> FactColumn {
        FactColumn { name, scalar, sql }
    }
}

impl FactTable {
    fn schema(&self) -> TableSchema {
        let column = |column: &FactColumn| ColumnSchema { name: column.name.to_owned(), scalar: column.scalar };
        TableSchema { name: self.name.to_owned(), columns: self.columns.iter().map(column).collect() }
    }

    /// The statement for some columns. Every part of it is a constant of a room.
    fn select(&self, columns: &[&FactColumn]) -> String {
        let list: Vec<&str> = columns.iter().map(|column| column.sql).collect();
        let list = if list.is_empty() { "1".to_owned() } else { list.join(", ") };
        format!("SELECT {list} FROM {} WHERE {} >= $1 AND {} < $2 LIMIT $3", self.from, self.time, self.time)
    }
}

/// The tables of the store itself.
pub(crate) fn own_tables() -> Vec<FactTable> {
    vec![LEDGER, DEADLINES]
}

const LEDGER: FactTable = FactTable {
    name: "Ledger",
    columns: &[
        FactColumn::new("TimeGenerated", ScalarType::DateTime, "ledger.time_us"),
        FactColumn::new("Sequence", ScalarType::Long, "ledger.seq"),
        FactColumn::new("Actor", ScalarType::String, "ledger.actor"),
        FactColumn::new("Verb", ScalarType::String, "ledger.verb"),
        FactColumn::new("Entity", ScalarType::String, "ledger.entity"),
        FactColumn::new("Payload", ScalarType::Dynamic, "ledger_payload.payload"),
        FactColumn::new("Hash", ScalarType::String, "ledger.hash"),
    ],
    from: "ledger LEFT JOIN ledger_payload ON ledger_payload.seq = ledger.seq",
    time: "ledger.time_us",
};

const DEADLINES: FactTable = FactTable {
    name: "Deadlines",
    columns: &[
        FactColumn::new("TimeGenerated", ScalarType::DateTime, "set_us"),
        FactColumn::new("DeadlineId", ScalarType::String, "id"),
        FactColumn::new("Kind", ScalarType::String, "kind"),
        FactColumn::new("Subject", ScalarType::String, "subject"),
        FactColumn::new("Owes", ScalarType::String, "owes"),
        FactColumn::new("Due", ScalarType::DateTime, "due_us"),
        FactColumn::new("Otherwise", ScalarType::String, "otherwise"),
        FactColumn::new("State", ScalarType::String, "state"),
        FactColumn::new("Ended", ScalarType::DateTime, "ended_us"),
        FactColumn::new("ExpiredWhileDown", ScalarType::Bool, "expired_while_down"),
    ],
    from: "deadline",
    time: "set_us",
};

impl Store {
    /// Makes a room's tables known to KQL. A later registration of the same name replaces the earlier.
    pub fn register_fact_tables(&self, tables: &[FactTable]) {
        let mut known = self.inner.fact_tables.write();
        known.retain(|table| tables.iter().all(|new| new.name != table.name));
        known.extend_from_slice(tables);
    }

    /// Has the engine check the statement of a fact table with all its columns. Tests do this for every table.
    ///
    /// # Errors
    /// What the engine says against it.
    pub async fn prepare_fact_table(&self, table: &FactTable) -> Result<(), Error> {
        let all: Vec<&FactColumn> = table.columns.iter().collect();
        self.inner.database.prepare(table.name, AssertSqlSafe(table.select(&all))).await
    }

    fn fact_table(&self, name: &str) -> Option<FactTable> {
        self.inner.fact_tables.read().iter().find(|table| table.name == name).copied()
    }
}

#[async_trait]
impl FactTables for Store {
    fn tables(&self) -> Vec<TableSchema> {
        self.inner.fact_tables.read().iter().map(FactTable::schema).collect()
    }

    async fn scan(&self, table: &str, columns: &[String], range: Option<TimeRange>) -> Result<Vec<Vec<Value>>, String> {
        let known = self.fact_table(table).ok_or_else(|| format!("no table of facts is called {table}"))?;
        let columns = columns
            .iter()
            .map(|name| {
                known
                    .columns
                    .iter()
                    .find(|column| column.name == name)
                    .ok_or_else(|| format!("{table} has no column {name}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (from, to) = range.map_or((i64::MIN, i64::MAX), |range| (range.from.micros(), range.to.micros()));
        let select = known.select(&columns);
        let bound: Vec<Param> = params![from, to, MOST_ROWS + 1];
        let rows = self.inner.database.fetch(known.name, AssertSqlSafe(select), bound).await;
        let rows = rows.map_err(|error| error.to_string())?;
        if rows.len() > MOST_ROWS {
            return Err(format!("{table} has more than {MOST_ROWS} rows in this range; narrow TimeGenerated"));
        }
        rows.into_iter()
            .map(|row| {
                let cells = row.into_cells().into_iter().zip(&columns);
                cells
                    .map(|(cell, column)| value(cell, column).map_err(|problem| format!("{table}: {problem}")))
                    .collect()
            })
            .collect()
    }
}

fn value(cell: Cell, column: &FactColumn) -> Result<Value, String> {
    Ok(match (column.scalar, cell) {
        (_, Cell::Null) => Value::Null,
        (ScalarType::Bool, Cell::Int(value)) => Value::Bool(value != 0),
        (ScalarType::Int, Cell::Int(value)) => i32::try_from(value).map_or(Value::Null, Value::Int),
        (ScalarType::Long, Cell::Int(value)) => Value::Long(value),
        (ScalarType::DateTime, Cell::Int(value)) => Value::DateTime(Timestamp(value).ticks()),
        (ScalarType::TimeSpan, Cell::Int(value)) => Value::TimeSpan(value.saturating_mul(10)),
        (ScalarType::Real, Cell::Real(value)) => Value::Real(value),
        #[expect(clippy::cast_precision_loss, reason = "a real that happens to be whole")]
        (ScalarType::Real, Cell::Int(value)) => Value::Real(value as f64),
        (ScalarType::String, Cell::Text(text)) => Value::String(text),
        (ScalarType::Guid, Cell::Text(text)) => Value::Guid(text.to_lowercase()),
        (ScalarType::Decimal, Cell::Text(text)) => Value::Decimal(text),
        (ScalarType::Dynamic, Cell::Text(text)) => {
            Value::Dynamic(serde_json::from_str(&text).map_err(|error| format!("column {}: {error}", column.name))?)
        }
        (scalar, cell) => {
            return Err(format!("column {} should be {scalar}, the database holds {cell:?}", column.name));
        }
    })
}
