//! `vigie query`: ask the lake in KQL.

mod batch;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use detect::Detect;
use field::Field;
use kernel::port::{Answer, QueryError, QueryLimits, QueryRequest, TimeRange};
use kernel::{Clock, ColumnSchema, Diagnostic, TableSchema, Timestamp};
use kql::catalog::Catalog;
use lake::query::batch::Asking;
use lake::query::{DeclaredTables, EmptyLibrary};
use lake::{EngineConfig, Lake, QueryEngine};
use library::Library;
use respond::{Policy, Respond};

use super::serve;
use crate::cli::{AnswerFormat, Query};
use crate::platform::Ground;
use crate::terminal;

/// Exit code when the query is not valid.
const INVALID: u8 = 2;
/// Bytes that a query over declared tables may put into the system's folder for temporary files.
const SPILL_BYTES: u64 = 1 << 30;

/// Asks and prints. Exit code 2 when the query is at fault, with its place. A batch that was read to its end is a
/// success, whatever became of its queries: each line says it.
pub async fn run(arguments: &Query, ground: Ground) -> Result<ExitCode> {
    let asking = asking(arguments, &ground);
    if let Some(file) = &arguments.schemas {
        let engine = engine_over(declared(file)?, ground.clock.clone())?;
        return ask(&engine, arguments, &asking).await;
    }
    let house = Asked::open(&ground).await?;
    let outcome = ask(&house.engine, arguments, &asking).await;
    house.close().await?;
    outcome
}

/// Everything that a query can name: the lake, the tables of every room, and what people keep for their queries.
struct Asked {
    lake: Lake,
    library: Library,
    engine: QueryEngine,
}

impl Asked {
    async fn open(ground: &Ground) -> Result<Asked> {
        let (lake, replay) = ground.lake().await?;
        // What the last server left for detection stays for the next server.
        drop(replay);
        let store = ground.store().await?;
        // Each room makes its tables known.
        drop(Detect::new(store.clone()));
        drop(Respond::new(store.clone(), Policy::default()));
        drop(Field::new(store.clone()));
        drop(courier::Courier::new(store.clone()));
        let library = Library::new(store.clone());
        let engine = serve::engine(&lake, &store, &library, ground.clock.clone(), &ground.config)?;
        Ok(Asked { lake, library, engine })
    }

    async fn close(self) -> Result<()> {
        drop(self.engine);
        Ok(self.lake.close().await?)
    }
}

/// The tables of a file of schemas; what of it cannot be used is told.
pub fn declared(file: &Path) -> Result<Vec<TableSchema>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let declared = kernel::schema::declared_tables(&text).with_context(|| file.display().to_string())?;
    for problem in &declared.problems {
        eprintln!("{}: {problem}", file.display());
    }
    Ok(declared.tables)
}

/// Everything that a query to the lake can name.
pub async fn kept_catalog(ground: &Ground) -> Result<Catalog> {
    let house = Asked::open(ground).await?;
    let catalog = Catalog::new(house.engine.tables()).with_kept(&*house.library.current().await?);
    house.close().await?;
    Ok(catalog)
}

/// An engine over typed, empty tables, to which any address of `externaldata` is an empty file. It
/// needs no data folder.
fn engine_over(mut tables: Vec<TableSchema>, clock: Arc<dyn Clock>) -> Result<QueryEngine> {
    let config =
        EngineConfig { threads: threads(), spill: std::env::temp_dir(), spill_bytes: SPILL_BYTES, prune: true };
    let library = EmptyLibrary::out_of(&mut tables);
    let engine = QueryEngine::start(Arc::new(DeclaredTables::new(tables)), None, clock, config);
    Ok(engine.context("starting the query engine")?.with_library(Arc::new(library)))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn asking(arguments: &Query, ground: &Ground) -> Asking {
    let config = &ground.config;
    let range = (arguments.from.is_some() || arguments.to.is_some()).then(|| TimeRange {
        from: arguments.from.unwrap_or(Timestamp::MIN),
        to: arguments.to.unwrap_or(Timestamp::MAX),
    });
    let limits =
        QueryLimits { time_ms: config.query_time_ms, memory_bytes: config.query_memory_bytes, rows: config.query_rows };
    Asking { now: ground.clock.now(), range, limits }
}

async fn ask(engine: &QueryEngine, arguments: &Query, asking: &Asking) -> Result<ExitCode> {
    if let Some(file) = &arguments.batch {
        return batch::run(engine, file, asking, threads()).await.map(|()| ExitCode::SUCCESS);
    }
    let text = match arguments.text.as_deref().unwrap_or("-") {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading the query from the standard input")?;
            text
        }
        text => text.to_owned(),
    };
    let request =
        QueryRequest { range: asking.range, limits: asking.limits, ..QueryRequest::new(text.clone(), asking.now) };
    match engine.query(request).await {
        Ok(answer) => print(arguments.format, &answer).map(|()| ExitCode::SUCCESS),
        Err(QueryError::Invalid(diagnostics)) => {
            for diagnostic in &diagnostics {
                eprintln!("{}", place_and_message(&text, diagnostic));
            }
            Ok(ExitCode::from(INVALID))
        }
        Err(error) => Err(error.into()),
    }
}

/// `1:17: there is no column `Acount`; did you mean …`
fn place_and_message(text: &str, diagnostic: &Diagnostic) -> String {
    let (line, column) = diagnostic.span.line_column(text);
    let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    format!("{line}:{column}: {} {}{help}", diagnostic.code, diagnostic.message)
}

/// Tables one after another; where there are several, each under its name.
fn print(format: AnswerFormat, answer: &Answer) -> Result<()> {
    let first = Shown { name: answer.table.as_deref(), columns: &answer.columns, rows: &answer.rows };
    let further = answer.further.iter();
    let further = further.map(|table| Shown { name: Some(&table.name), columns: &table.columns, rows: &table.rows });
    for (at, table) in std::iter::once(first).chain(further).enumerate() {
        match format {
            AnswerFormat::Table => print_table(&table)?,
            AnswerFormat::Json => print_json(&table)?,
            AnswerFormat::Csv => print_csv(&table, at > 0)?,
        }
    }
    if matches!(format, AnswerFormat::Table) {
        eprintln!("{:.1} ms", answer.elapsed_us as f64 / 1_000.0);
    }
    for warning in &answer.warnings {
        eprintln!("warning: {}", warning.message);
    }
    let cut = std::iter::once((answer.truncated, answer.rows.len()))
        .chain(answer.further.iter().map(|table| (table.truncated, table.rows.len())));
    if let Some((_, rows)) = cut.into_iter().find(|(truncated, _)| *truncated) {
        eprintln!(
            "only the first {} rows are shown; narrow the query, or raise query.rows",
            terminal::thousands(rows as u64)
        );
    }
    Ok(())
}

/// A result table on its way to the terminal.
struct Shown<'a> {
    /// Where there are several.
    name: Option<&'a str>,
    columns: &'a [ColumnSchema],
    rows: &'a [Vec<kernel::Value>],
}

fn print_table(shown: &Shown<'_>) -> Result<()> {
    let headings: Vec<&str> = shown.columns.iter().map(|column| column.name.as_str()).collect();
    let mut table = terminal::table(&headings);
    for row in shown.rows {
        table.add_row(row.iter().map(|value| terminal::one_line(&cell(value), 200)));
    }
    let heading = shown.name.map(|name| format!("{name}\n")).unwrap_or_default();
    terminal::print(&format!("{heading}{table}\n"))?;
    eprintln!("{} rows", terminal::thousands(shown.rows.len() as u64));
    Ok(())
}

/// One object a line: what other programs read most easily. Of several tables each begins with `{"$table": "name"}`.
fn print_json(shown: &Shown<'_>) -> Result<()> {
    if let Some(name) = shown.name {
        terminal::print(&format!("{}\n", serde_json::json!({ "$table": name })))?;
    }
    for row in shown.rows {
        let object: serde_json::Map<_, _> =
            shown.columns.iter().zip(row).map(|(column, value)| (column.name.clone(), value.to_json())).collect();
        terminal::print(&format!("{}\n", serde_json::Value::Object(object)))?;
    }
    Ok(())
}

/// Several tables have an empty line between them.
fn print_csv(shown: &Shown<'_>, after_another: bool) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(shown.columns.iter().map(|column| column.name.as_str()))?;
    for row in shown.rows {
        writer.write_record(row.iter().map(cell))?;
    }
    let border = if after_another { "\n" } else { "" };
    terminal::print(&format!("{border}{}", String::from_utf8(writer.into_inner()?)?))
}

fn cell(value: &kernel::Value) -> String {
    match value.to_json() {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}
