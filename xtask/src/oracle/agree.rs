//! Same verdict, same columns?

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use kernel::diagnostic::Level;
use kql::catalog::Catalog;
use serde_json::Value as Json;

/// How often what happened, with some queries that show it.
#[derive(Default)]
struct Tally {
    kinds: BTreeMap<String, (usize, Vec<String>)>,
}

/// Queries shown for each kind.
const SHOWN: usize = 6;

impl Tally {
    fn add(&mut self, kind: String, id: &str) {
        let (count, ids) = self.kinds.entry(kind).or_default();
        *count += 1;
        if ids.len() < SHOWN {
            ids.push(id.to_owned());
        }
    }

    fn print(&self, heading: &str) {
        let total: usize = self.kinds.values().map(|(count, _)| count).sum();
        println!("\n{heading}: {total}");
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (kind, (count, ids)) in kinds.into_iter().take(60) {
            println!("{count:6}  {kind}  [{}]", ids.join(" "));
        }
    }
}

/// Prints shares and every kind of difference, most frequent first.
pub fn run(queries: &[Json], official: &[Json]) -> Result<()> {
    let official = by_id(official);
    let (mut refused, mut accepted, mut columns) = (Tally::default(), Tally::default(), Tally::default());
    let (mut all, mut same, mut both, mut alike) = (0_usize, 0_usize, 0_usize, 0_usize);
    for line in queries {
        let id = line["id"].as_str().context("a line without id")?;
        let text = line["query"].as_str().context("a line without query")?;
        let Some(theirs) = official.get(id) else { continue };
        let bound = kql::compile(text, &catalog(line)?);
        let ours = bound.diagnostics.iter().find(|diagnostic| diagnostic.level == Level::Error);
        let error = theirs["errors"].as_array().and_then(|errors| errors.first());
        all += 1;
        match (ours, error) {
            (None, None) => {
                same += 1;
                if theirs["open"] != Json::Bool(true) && theirs["columns"].is_array() && bound.open.is_none() {
                    both += 1;
                    let (ours, theirs) = (our_columns(&bound), their_columns(theirs));
                    if ours == theirs { alike += 1 } else { columns.add(difference(&ours, &theirs), id) }
                }
            }
            (Some(_), Some(_)) => same += 1,
            (Some(ours), None) => refused.add(format!("{} {}", ours.code, general(&ours.message)), id),
            (None, Some(error)) => {
                let message = error[1].as_str().unwrap_or_default();
                accepted.add(format!("{} {}", error[0].as_str().unwrap_or_default(), general(message)), id);
            }
        }
    }
    refused.print("we refuse, they accept");
    accepted.print("we accept, they refuse");
    columns.print("other columns");
    println!(
        "\n{all} queries: same verdict {:.2} %; of {both} that both accept, same columns {:.2} %",
        share(same, all),
        share(alike, both)
    );
    Ok(())
}

/// Prints what both say of some queries.
pub fn show(queries: &[Json], official: &[Json], ids: &[&str]) -> Result<()> {
    let (queries, official) = (by_id(queries), by_id(official));
    for id in ids {
        let (Some(line), Some(theirs)) = (queries.get(id), official.get(id)) else { continue };
        let text = line["query"].as_str().context("a line without query")?;
        let bound = kql::compile(text, &catalog(line)?);
        println!("== {id}\n{text}\n");
        for diagnostic in &bound.diagnostics {
            let (line, column) = diagnostic.span.line_column(text);
            println!("ours   {line}:{column} {} {}", diagnostic.code, diagnostic.message);
        }
        println!("theirs {}", theirs["errors"]);
        let (ours, theirs) = (our_columns(&bound), their_columns(theirs));
        let only = |some: &Columns, others: &Columns| {
            let only = some.iter().enumerate().filter(|(at, column)| others.get(*at) != Some(column));
            only.map(|(at, (name, scalar))| format!("{at}:{name}:{scalar}")).collect::<Vec<_>>().join(" ")
        };
        println!("ours   {}\ntheirs {}\n", only(&ours, &theirs), only(&theirs, &ours));
    }
    Ok(())
}

fn by_id(lines: &[Json]) -> HashMap<&str, &Json> {
    lines.iter().filter_map(|line| Some((line["id"].as_str()?, line))).collect()
}

fn catalog(line: &Json) -> Result<Catalog> {
    let tables = match &line["tables"] {
        Json::Null => Vec::new(),
        tables => kernel::schema::declared(tables.clone())?.tables,
    };
    Ok(Catalog::new(tables).with_any_address())
}

fn share(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    share
}

/// A message without the names in it, so that like comes to like.
fn general(message: &str) -> String {
    let mut general = String::new();
    let mut quote = None;
    for character in message.chars() {
        match (quote, character) {
            (None, '`' | '\'') => {
                quote = Some(character);
                general.push('…');
            }
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, digit) if digit.is_ascii_digit() => general.push('#'),
            (None, other) => general.push(other),
        }
    }
    general
}

type Columns = Vec<(String, String)>;

fn our_columns(bound: &kql::Bound) -> Columns {
    // Of several queries in one text, the last is the one whose columns the other compiler tells.
    let last = bound.query.iter().map(|query| query.further.last().map_or(&query.plan, |table| &table.plan));
    let schema = last.flat_map(|plan| &plan.schema);
    schema.map(|column| (column.name.clone(), column.scalar.to_string())).collect()
}

fn their_columns(line: &Json) -> Columns {
    let word = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    line["columns"].as_array().into_iter().flatten().map(|column| (word(&column[0]), word(&column[1]))).collect()
}

/// What is different first.
fn difference(ours: &Columns, theirs: &Columns) -> String {
    for (ours, theirs) in ours.iter().zip(theirs) {
        if ours.0 != theirs.0 {
            return format!("name {} for {}", ours.0, theirs.0);
        }
        if ours.1 != theirs.1 {
            return format!("type {} for {} of {}", ours.1, theirs.1, ours.0);
        }
    }
    format!("{} columns for {}", ours.len(), theirs.len())
}
