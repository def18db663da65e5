//! `vigie kql`: files of queries, for people who keep detections in git.

mod findings;
mod markdown;
mod sentinel;
mod snippet;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use kernel::StoredFunction;
use kql::catalog::Catalog;
use kql::definition;
use walkdir::WalkDir;

use self::findings::{Finding, Report};
pub use self::snippet::{Kind, Snippet};
use super::query;
use crate::cli::CheckKql;
use crate::platform::Ground;

/// Exit code when a file could not be read.
const UNREADABLE: u8 = 2;

/// Checks every query under the paths.
pub async fn check(arguments: &CheckKql, ground: Ground) -> Result<ExitCode> {
    let gathered = gather(&arguments.paths)?;
    let mut catalog = catalog(arguments.schemas.as_deref(), &ground).await?;
    for function in gathered.functions() {
        catalog = catalog.with_function(function);
    }
    let findings: Vec<Finding> = gathered
        .problems
        .iter()
        .cloned()
        .chain(gathered.snippets.iter().flat_map(|snippet| snippet.check(&catalog)))
        .collect();
    let report = Report {
        findings,
        files: gathered.files,
        queries: gathered.snippets.iter().filter(|snippet| !snippet.repeated).count(),
        ignored: gathered.ignored,
        deny_warnings: arguments.deny_warnings,
    };
    report.print(arguments.format)?;
    Ok(match (gathered.unreadable, report.failed()) {
        (true, _) => ExitCode::from(UNREADABLE),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    })
}

/// The tables that queries may name, and what is kept beside them.
async fn catalog(schemas: Option<&Path>, ground: &Ground) -> Result<Catalog> {
    if let Some(file) = schemas {
        return Ok(Catalog::new(query::declared(file)?).with_shipped_functions());
    }
    let shipped = Catalog::new(kernel::schema::shipped_tables()).with_shipped_functions();
    if !ground.config.data_dir.exists() {
        return Ok(shipped);
    }
    match query::kept_catalog(ground).await {
        Ok(catalog) => Ok(catalog),
        Err(error) => {
            eprintln!("the lake could not be opened, so only tables that come with Vigie are known: {error:#}");
            Ok(shipped)
        }
    }
}

/// What the paths hold.
#[derive(Debug, Default)]
pub struct Gathered {
    pub snippets: Vec<Snippet>,
    /// Files that cannot be used as what they are.
    problems: Vec<Finding>,
    files: usize,
    /// Files of folders that are none of ours.
    ignored: usize,
    unreadable: bool,
}

impl Gathered {
    /// What is wrong with files as a whole, a line each.
    pub fn problems(&self) -> Vec<String> {
        self.problems.iter().map(Finding::one_line).collect()
    }

    /// The functions that the files define.
    pub fn functions(&self) -> impl Iterator<Item = StoredFunction> {
        self.snippets.iter().filter_map(|snippet| match &snippet.kind {
            Kind::Query => None,
            Kind::Function(function) => Some(function.clone()),
        })
    }
}

/// Reads the paths: files by their names, folders with everything below them.
pub fn gather(paths: &[PathBuf]) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    for path in paths {
        anyhow::ensure!(path.exists(), "{} does not exist", path.display());
        if path.is_file() {
            gathered.take(path, true);
            continue;
        }
        let walk = WalkDir::new(path).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
            let entry = entry.with_context(|| format!("reading {}", path.display()))?;
            if entry.file_type().is_file() {
                gathered.take(entry.path(), false);
            }
        }
    }
    Ok(gathered)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with('.')
}

impl Gathered {
    /// Takes in one file; `named`: somebody asked for exactly this one.
    fn take(&mut self, path: &Path, named: bool) {
        let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
        let read = match extension.as_str() {
            "kql" | "csl" => plain,
            "yaml" | "yml" => sentinel::snippets,
            "md" | "markdown" => markdown::snippets,
            // Any other name is a query where somebody says so.
            _ if named => plain,
            _ => {
                self.ignored += 1;
                return;
            }
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                self.unreadable = true;
                self.problems.push(Finding::of_file(path, 1, format!("cannot be read: {error}")));
                return;
            }
        };
        match read(path, &text) {
            Ok(found) if found.is_empty() && !named => self.ignored += 1,
            Ok(found) if found.is_empty() => {
                self.files += 1;
                self.problems.push(Finding::of_file(path, 1, "there is no query in this file".to_owned()));
            }
            Ok(found) => {
                self.files += 1;
                self.snippets.extend(found);
            }
            Err(problem) => {
                self.files += 1;
                self.problems.push(*problem);
            }
        }
    }
}

/// A file that is one query, or definitions of functions.
fn plain(path: &Path, text: &str) -> Result<Vec<Snippet>, Box<Finding>> {
    if !definition::is_definition(text) {
        let snippet = Snippet::of_lines(path, None, Kind::Query, text, 1, 0);
        return Ok(if text.trim().is_empty() { Vec::new() } else { vec![snippet] });
    }
    let definitions = definition::parse_definitions(text)
        .map_err(|problem| Box::new(Snippet::of_lines(path, None, Kind::Query, text, 1, 0).finding(&problem)))?;
    let snippet = |one: definition::Definition| {
        let (line, column) = one.body.line_column(text);
        let body = one.function.body.clone();
        Snippet::of_part(path, Some(one.function.name.clone()), Kind::Function(one.function), &body, line, column - 1)
    };
    Ok(definitions.into_iter().map(snippet).collect())
}
