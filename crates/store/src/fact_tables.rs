//! State tables as KQL reads them: PascalCase tables over registered SQL.

use async_trait::async_trait;
use kernel::port::{FactCondition, FactScan, FactTables, FactTest};
use kernel::{ColumnSchema, ScalarType, TableSchema, Timestamp, Value};
use sqlx::AssertSqlSafe;

use crate::error::Error;
use crate::param::Param;
use crate::row::Cell;
use crate::store::Store;

/// Rows of one scan; more are an error, never a silent cut.
const MOST_ROWS: usize = 1_000_000;
/// Values that one condition may have in a statement; one with more is left to the reader.
const MOST_VALUES: usize = 1_000;

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

    fn column(&self, name: &str) -> Result<&'static FactColumn, String> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| format!("{} has no column {name}", self.name))
    }

    /// The statement for some columns, narrowed by what of the conditions the database can judge. Every part of its
    /// text is a constant of a room; what an asker wrote is bound.
    fn select(&self, columns: &[&FactColumn], conditions: &[FactCondition], limit: usize) -> Result<Select, String> {
        let list: Vec<&str> = columns.iter().map(|column| column.sql).collect();
        let list = if list.is_empty() { "1".to_owned() } else { list.join(", ") };
        let mut select = Select { text: format!("SELECT {list} FROM {}", self.from), bound: Vec::new() };
        let mut joint = " WHERE ";
        for condition in conditions {
            let column = self.column(&condition.column)?;
            let sql = if column.name == "TimeGenerated" { self.time } else { column.sql };
            let values = match &condition.test {
                FactTest::OneOf(values) => values.as_slice(),
                FactTest::AtLeast(value) | FactTest::AtMost(value) => std::slice::from_ref(value),
            };
            let upwards = matches!(condition.test, FactTest::AtMost(_));
            let params: Option<Vec<Param>> = values.iter().map(|value| param(value, column.scalar, upwards)).collect();
            let Some(params) = params.filter(|params| params.len() <= MOST_VALUES) else { continue };
            let places: Vec<String> = params.into_iter().map(|param| select.place(param)).collect();
            select.text.push_str(std::mem::replace(&mut joint, " AND "));
            select.text.push_str(&match (&condition.test, places.as_slice()) {
                (FactTest::OneOf(_), []) => "1 = 0".to_owned(),
                (FactTest::OneOf(_), places) => format!("{sql} IN ({})", places.join(", ")),
                (FactTest::AtLeast(_), places) => format!("{sql} >= {}", places.concat()),
                (FactTest::AtMost(_), places) => format!("{sql} <= {}", places.concat()),
            });
        }
        let limit = select.place(Param::from(limit));
        select.text.push_str(&format!(" LIMIT {limit}"));
        Ok(select)
    }
}

/// A statement with what is bound to it.
struct Select {
    text: String,
    bound: Vec<Param>,
}

impl Select {
    fn place(&mut self, param: Param) -> String {
        self.bound.push(param);
        format!("${}", self.bound.len())
    }
}

/// A value as the database compares it with a column; none where it would compare otherwise than KQL does. An instant
/// between two microseconds goes down, or `upwards`.
fn param(value: &Value, scalar: ScalarType, upwards: bool) -> Option<Param> {
    Some(match (scalar, value) {
        // What is empty in KQL may be NULL in the database.
        (ScalarType::String, Value::String(text)) if !text.is_empty() => Param::from(text),
        (ScalarType::Bool, Value::Bool(value)) => Param::from(*value),
        (ScalarType::Int | ScalarType::Long, Value::Int(value)) => Param::from(*value),
        (ScalarType::Int | ScalarType::Long, Value::Long(value)) => Param::from(*value),
        (ScalarType::Real, Value::Real(value)) if value.is_finite() => Param::from(*value),
        (ScalarType::DateTime, Value::DateTime(ticks)) => {
            let down = Timestamp::from_ticks(*ticks);
            let between = upwards && down.ticks() != *ticks;
            Param::from(if between { down.plus_micros(1) } else { down })
        }
        _ => return None,
    })
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

    /// Asks a fact table for all its columns under a condition on each. Tests do this for every table.
    ///
    /// # Errors
    /// What the engine says against it.
    pub async fn prepare_fact_table(&self, table: &FactTable) -> Result<(), Error> {
        let all: Vec<&FactColumn> = table.columns.iter().collect();
        let unfit = |problem| Error::Misuse { statement: table.name, problem };
        // Every column under a condition, so that the database's own type of each is seen to fit.
        let conditions: Vec<FactCondition> = table.columns.iter().filter_map(any_condition).collect();
        let select = table.select(&all, &conditions, 1).map_err(unfit)?;
        self.inner.database.fetch(table.name, AssertSqlSafe(select.text), select.bound).await.map(drop)
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

    async fn scan(&self, scan: &FactScan) -> Result<Vec<Vec<Value>>, String> {
        let table = &scan.table;
        let known = self.fact_table(table).ok_or_else(|| format!("no table of facts is called {table}"))?;
        let columns = scan.columns.iter().map(|name| known.column(name)).collect::<Result<Vec<_>, _>>()?;
        let limit = scan.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let select = known.select(&columns, &scan.conditions, limit.min(MOST_ROWS + 1))?;
        let rows = self.inner.database.fetch(known.name, AssertSqlSafe(select.text), select.bound).await;
        let rows = rows.map_err(|error| error.to_string())?;
        if rows.len() > MOST_ROWS {
            return Err(format!("{table} has more than {MOST_ROWS} rows; narrow it by a condition on a column"));
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

/// A condition that the column can be asked for, if any.
fn any_condition(column: &FactColumn) -> Option<FactCondition> {
    let value = match column.scalar {
        ScalarType::String => Value::String("x".to_owned()),
        ScalarType::Bool => Value::Bool(true),
        ScalarType::Int | ScalarType::Long => Value::Long(1),
        ScalarType::Real => Value::Real(1.0),
        ScalarType::DateTime => Value::DateTime(Timestamp(1).ticks()),
        _ => return None,
    };
    Some(FactCondition { column: column.name.to_owned(), test: FactTest::OneOf(vec![value]) })
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
