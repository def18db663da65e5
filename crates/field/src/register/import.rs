//! Records from CSV: all rows or none, and every finding with its place.

use std::collections::BTreeMap;

use kernel::{Actor, Diagnostic, Span};

use super::commands::{check, entry, noun_of, read_fields};
use super::noun::Noun;
use super::records::{self, Record};
use super::value;
use crate::error::{Error, Refusal};
use crate::room::Field;
use crate::speech::say;

/// Most findings of one file.
const MOST_FINDINGS: usize = 200;

/// A file to import.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    pub noun: String,
    /// With a first line that names the columns; `key` is one of them.
    pub csv: String,
    /// Says what would happen and writes nothing.
    pub trial: bool,
    pub actor: Actor,
    pub reason: String,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    pub created: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// It was written.
    pub written: bool,
    /// With their places in the file; an error stops the import.
    pub findings: Vec<Diagnostic>,
}

impl Field {
    /// Imports records. Rows of known keys replace, others are added; columns that the file has not keep their values.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown noun. What is wrong with the file is in the findings.
    pub async fn import(&self, import: &Import) -> Result<Imported, Error> {
        let noun = noun_of(&import.noun)?;
        let mut done = Imported::default();
        let (columns, rows) = read_csv(noun, &import.csv, &mut done.findings);
        let mut tx = self.store.begin().await?;
        let mut last = None;
        let mut seen = BTreeMap::new();
        for row in &rows {
            if done.findings.len() >= MOST_FINDINGS {
                done.findings.push(Diagnostic::error("FLD0206", row.span, "there are more findings; mend these first"));
                break;
            }
            match take_row(&mut tx, noun, &columns, row, &mut seen).await? {
                Err(finding) => done.findings.push(finding),
                Ok((before, record)) if before.as_ref().is_some_and(|before| same(before, &record)) => {
                    done.unchanged += 1;
                }
                Ok((before, record)) => {
                    records::save(&mut tx, noun, &record).await?;
                    if before.is_some() {
                        done.changed += 1
                    } else {
                        done.created += 1
                    }
                    let entry = entry(noun, before.as_ref(), &record, "import", &import.actor).reason(&import.reason);
                    if let Some(entry) = last.replace(entry) {
                        tx.record(entry);
                    }
                }
            }
        }
        if let (Some(last), true, false) = (last, done.findings.is_empty(), import.trial) {
            records::touch(&mut tx).await?;
            tx.commit(last).await?;
            done.written = true;
        }
        Ok(done)
    }
}

fn same(before: &Record, record: &Record) -> bool {
    before.values == record.values && before.retired == record.retired
}

/// One row of the file.
struct CsvRow {
    span: Span,
    cells: Vec<String>,
}

/// The columns that the file has, and its rows. What is wrong goes to the findings.
fn read_csv(noun: &Noun, text: &str, findings: &mut Vec<Diagnostic>) -> (Vec<String>, Vec<CsvRow>) {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).delimiter(delimiter(text));
    let mut reader = reader.from_reader(text.as_bytes());
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    loop {
        let start = offset(reader.position());
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let span = row_span(text, start, offset(reader.position()));
                let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
                if columns.is_empty() {
                    columns = header(noun, &cells, span, findings);
                } else if cells.len() > columns.len() {
                    let problem = format!("the row has {} cells, the first line {}", cells.len(), columns.len());
                    findings.push(
                        Diagnostic::error("FLD0203", span, problem).with_help("put quotes round what parts the cells"),
                    );
                } else if cells.iter().any(|cell| !cell.is_empty()) {
                    rows.push(CsvRow { span, cells });
                }
            }
            Err(error) => {
                let end = row_span(text, start, text.len());
                findings.push(Diagnostic::error("FLD0204", end, format!("the row cannot be read: {error}")));
                break;
            }
        }
    }
    if columns.is_empty() && findings.is_empty() {
        findings.push(Diagnostic::error("FLD0201", Span::default(), "the file is empty").with_help(columns_help(noun)));
    }
    (columns, rows)
}

/// What parts the cells: where Excel writes decimals with a comma, it is a semicolon; from a clipboard, a tab.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let names_key = |delimiter: &u8| {
        let cells = first.split(char::from(*delimiter));
        cells.count() > 1 && first.split(char::from(*delimiter)).any(is_key)
    };
    [b',', b';', b'\t'].into_iter().find(names_key).unwrap_or(b',')
}

/// The name of the column that every file has.
fn is_key(cell: &str) -> bool {
    cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\u{feff}')).eq_ignore_ascii_case("key")
}

fn offset(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}

/// Without the line's end.
fn row_span(text: &str, start: usize, end: usize) -> Span {
    let (start, end) = (start.min(text.len()), end.min(text.len()));
    let row = text.get(start..end).unwrap_or_default();
    let lead = row.len() - row.trim_start_matches(['\r', '\n']).len();
    let (from, to) = (start + lead, start + row.trim_end().len());
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(place(from), place(to.max(from)))
}

fn columns_help(noun: &Noun) -> String {
    let names: Vec<&str> = noun.columns.iter().map(|column| column.name).collect();
    format!("the first line names the columns: key,{}", names.join(","))
}

fn header(noun: &Noun, cells: &[String], span: Span, findings: &mut Vec<Diagnostic>) -> Vec<String> {
    // A spreadsheet puts a byte order mark before the first name.
    let names: Vec<String> = cells.iter().map(|cell| cell.trim_start_matches('\u{feff}').to_lowercase()).collect();
    for (at, name) in names.iter().enumerate() {
        let known = name == "key" || noun.column(name).is_some();
        if !known || names[..at].contains(name) {
            let problem = if known { "is there twice" } else { "is no column" };
            let finding = Diagnostic::error("FLD0202", span, format!("`{name}` {problem} of a {}", noun.name));
            findings.push(finding.with_help(columns_help(noun)));
        }
    }
    if !names.iter().any(|name| name == "key") {
        findings.push(Diagnostic::error("FLD0202", span, "there is no column `key`").with_help(columns_help(noun)));
    }
    names
}

type Taken = Result<(Option<Record>, Record), Diagnostic>;

/// The record that a row makes.
async fn take_row(
    tx: &mut store::Tx,
    noun: &Noun,
    columns: &[String],
    row: &CsvRow,
    seen: &mut BTreeMap<String, Span>,
) -> Result<Taken, Error> {
    let wrong = |refusal: Refusal| Diagnostic::error("FLD0205", row.span, refusal.to_string());
    let mut fields: BTreeMap<String, String> = columns.iter().cloned().zip(row.cells.iter().cloned()).collect();
    let key = match value::key(&fields.remove("key").unwrap_or_default()) {
        Ok(key) => key,
        Err(problem) => return Ok(Err(wrong(Refusal::bad("key", problem)))),
    };
    if seen.insert(key.clone(), row.span).is_some() {
        return Ok(Err(wrong(Refusal::bad("key", say!("`{key}` is in the file twice", key)))));
    }
    let before = records::find(tx, noun, &key).await?;
    if let Some(before) = &before {
        for (name, shown) in before.shown(noun) {
            fields.entry(name.to_owned()).or_insert(shown);
        }
    }
    let values = match read_fields(noun, &fields) {
        Ok(values) => values,
        Err(refusal) => return Ok(Err(wrong(refusal))),
    };
    match check(tx, noun, &key, &values).await {
        Ok(()) => {}
        Err(Error::Refused(refusal)) => return Ok(Err(wrong(refusal))),
        Err(error) => return Err(error),
    }
    let id = before.as_ref().map_or_else(|| tx.id(), |before| before.id);
    let version = before.as_ref().map_or(1, |before| before.version + 1);
    let record = Record { id, key, version, retired: None, updated: tx.now(), values };
    Ok(Ok((before, record)))
}
