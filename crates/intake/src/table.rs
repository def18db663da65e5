//! Rows of one table, typed as its schema says.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use hashbrown::HashMap;
use kernel::{ScalarType, TableSchema, Timestamp};

use crate::request::TableRows;
use crate::time::{self, SourceZone};

/// A column under construction. Rows that nobody sets are null and cost nothing until the next value.
enum Column {
    Text(StringBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal128Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

/// A value that does not have the column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) column: String,
    pub(crate) wanted: ScalarType,
}

macro_rules! each {
    ($column:expr, $builder:ident => $body:expr) => {
        match $column {
            Column::Text($builder) => $body,
            Column::Int($builder) => $body,
            Column::Long($builder) => $body,
            Column::Real($builder) => $body,
            Column::Decimal($builder) => $body,
            Column::Bool($builder) => $body,
            Column::Time($builder) => $body,
        }
    };
}

impl Column {
    /// `bytes`: about how much text the column will hold.
    fn new(scalar: ScalarType, bytes: usize) -> Column {
        match scalar {
            ScalarType::Bool => Column::Bool(BooleanBuilder::new()),
            ScalarType::Int => Column::Int(Int32Builder::new()),
            ScalarType::Long | ScalarType::TimeSpan => Column::Long(Int64Builder::new()),
            ScalarType::Real => Column::Real(Float64Builder::new()),
            ScalarType::Decimal => {
                Column::Decimal(Decimal128Builder::new().with_data_type(kernel::schema::stored_type(scalar)))
            }
            ScalarType::DateTime => Column::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => {
                Column::Text(StringBuilder::with_capacity(0, bytes))
            }
        }
    }

    fn finish(mut self, filled: usize, rows: usize) -> ArrayRef {
        each!(&mut self, builder => {
            builder.append_nulls(rows - filled);
            Arc::new(builder.finish())
        })
    }
}

/// Rows of one table under construction.
pub(crate) struct TableBuilder {
    schema: TableSchema,
    columns: Vec<Column>,
    /// Rows that each column has, nulls included.
    filled: Vec<usize>,
    rows: usize,
    by_name: HashMap<String, usize>,
}

impl TableBuilder {
    /// `large` columns hold about `bytes` of text each; room is made for them at once.
    pub(crate) fn new(schema: TableSchema, large: &[&str], bytes: usize) -> TableBuilder {
        let room = |name: &str| if large.contains(&name) { bytes } else { 0 };
        let columns: Vec<Column> =
            schema.columns.iter().map(|column| Column::new(column.scalar, room(&column.name))).collect();
        let by_name = schema.columns.iter().enumerate().map(|(at, column)| (column.name.clone(), at)).collect();
        TableBuilder { filled: vec![0; columns.len()], columns, schema, rows: 0, by_name }
    }

    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The column called `name`, added with type `scalar` when the table has none.
    pub(crate) fn column_or_new(&mut self, name: &str, scalar: ScalarType) -> usize {
        if let Some(column) = self.column(name) {
            return column;
        }
        let at = self.columns.len();
        self.schema.columns.push(kernel::ColumnSchema { name: name.to_owned(), scalar });
        self.columns.push(Column::new(scalar, 0));
        self.filled.push(0);
        self.by_name.insert(name.to_owned(), at);
        at
    }

    pub(crate) fn scalar(&self, column: usize) -> ScalarType {
        self.schema.columns[column].scalar
    }

    pub(crate) fn name(&self, column: usize) -> &str {
        &self.schema.columns[column].name
    }

    pub(crate) fn has(&self, column: usize) -> bool {
        self.filled[column] > self.rows
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Brings a column up to the row under construction; false when that row has a value already.
    #[inline]
    fn reach(&mut self, column: usize) -> bool {
        let missing = self.rows as isize - self.filled[column] as isize;
        if missing < 0 {
            return false;
        }
        if missing > 0 {
            each!(&mut self.columns[column], builder => builder.append_nulls(missing as usize));
        }
        self.filled[column] = self.rows + 1;
        true
    }

    /// Sets a column of the row under construction from text, read as the column's type. The first value wins.
    pub(crate) fn set(&mut self, column: usize, text: &str, zone: &SourceZone) -> Result<(), Misfit> {
        if let Column::Text(_) = self.columns[column] {
            if self.reach(column)
                && let Column::Text(builder) = &mut self.columns[column]
            {
                builder.append_value(text);
            }
            return Ok(());
        }
        match text.trim() {
            "" | "-" => Ok(()),
            text => self.set_typed(column, text, zone),
        }
    }

    fn set_typed(&mut self, column: usize, text: &str, zone: &SourceZone) -> Result<(), Misfit> {
        if self.has(column) {
            return Ok(());
        }
        let misfit =
            || Misfit { column: self.schema.columns[column].name.clone(), wanted: self.schema.columns[column].scalar };
        macro_rules! put {
            ($kind:ident, $value:expr) => {{
                let value = $value.ok_or_else(misfit)?;
                self.reach(column);
                if let Column::$kind(builder) = &mut self.columns[column] {
                    builder.append_value(value);
                }
            }};
        }
        match &self.columns[column] {
            Column::Int(_) => put!(Int, integer(text).and_then(narrow)),
            Column::Long(_) => put!(Long, integer(text)),
            Column::Real(_) => put!(Real, text.parse::<f64>().ok().filter(|value| value.is_finite())),
            Column::Decimal(_) => put!(Decimal, decimal(text)),
            Column::Bool(_) => put!(Bool, boolean(text)),
            Column::Time(_) => put!(Time, time::parse(text, zone).instant().map(Timestamp::micros)),
            Column::Text(_) => {}
        }
        Ok(())
    }

    /// Sets an instant.
    pub(crate) fn set_time(&mut self, column: usize, at: Timestamp) {
        if self.reach(column)
            && let Column::Time(builder) = &mut self.columns[column]
        {
            builder.append_value(at.micros());
        }
    }

    /// Ends the row under construction.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn finish(self) -> TableRows {
        let schema = self.schema.arrow();
        let rows = self.rows;
        let arrays =
            self.columns.into_iter().zip(self.filled).map(|(column, filled)| column.finish(filled, rows)).collect();
        let batch = RecordBatch::try_new(schema, arrays).expect("builders were made from this schema");
        TableRows { table: self.schema.name, batch }
    }
}

/// Decimal, or hexadecimal with `0x`; a fraction of zero is allowed, as JSON writers add it.
pub(crate) fn integer(text: &str) -> Option<i64> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
    }
    text.parse::<i64>()
        .ok()
        .or_else(|| text.parse::<u64>().ok().map(u64::cast_signed))
        .or_else(|| text.strip_suffix(".0").and_then(|whole| whole.parse().ok()))
}

/// Windows writes status codes as unsigned 32 bit and the tables have signed ones: the bits are kept.
fn narrow(value: i64) -> Option<i32> {
    i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" => Some(true),
        "false" | "False" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

/// A decimal of 18 places as Arrow holds it.
fn decimal(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || places.len() > 18 || !whole.bytes().chain(places.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scaled: i128 = format!("{whole}{places:0<18}").parse().ok()?;
    (scaled < 10_i128.pow(38)).then_some(if negative { -scaled } else { scaled })
}
