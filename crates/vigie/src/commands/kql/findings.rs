//! What is wrong with queries in files, written for people, programs and code hosts.

use std::path::{Path, PathBuf};

use anyhow::Result;
use kernel::diagnostic::Level;
use serde_json::{Value as Json, json};

use crate::cli::FindingFormat;
use crate::terminal;

/// Characters of a source line that are shown.
const SHOWN: usize = 200;

/// One thing that is wrong, with its place in a file. Lines and columns are 1-based; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    /// Exclusive.
    pub end_column: usize,
    pub level: Level,
    /// Of the compiler; `None`: the file itself is at fault.
    pub code: Option<String>,
    pub message: String,
    pub help: Option<String>,
    /// The rule or function.
    pub name: Option<String>,
    /// The line in the query, where the file's own line cannot be told.
    pub query_line: Option<usize>,
    /// The line of the query, and which characters of it are meant: from, how many.
    pub source: Option<(String, usize, usize)>,
}

impl Finding {
    /// An error about a file as a whole.
    pub fn of_file(file: &Path, line: usize, message: String) -> Finding {
        Finding {
            file: file.to_owned(),
            line,
            column: 1,
            end_line: line,
            end_column: 1,
            level: Level::Error,
            code: None,
            message,
            help: None,
            name: None,
            query_line: None,
            source: None,
        }
    }

    /// `rules/a.yaml:12:7: error KQL0011: there is no column called `Acount``
    pub fn one_line(&self) -> String {
        let code = self.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let line = self.query_line.map(|line| format!(" (line {line} of the query)")).unwrap_or_default();
        let place = format!("{}:{}:{}", self.file.display(), self.line, self.column);
        format!("{place}: {}{code}: {}{line}", level(self.level), terminal::one_line(&self.message, 600))
    }

    /// As [`Self::one_line`], then the line with a mark below it, then the remedy.
    fn text(&self) -> String {
        let mut text = self.one_line() + "\n";
        if let Some((line, from, count)) = &self.source {
            let shown = terminal::one_line(line, SHOWN);
            if *from < SHOWN {
                let count = (*count).min(SHOWN - from);
                let marked = format!("{}{}", " ".repeat(*from), "^".repeat(count));
                text.push_str(&format!("  {shown}\n  {marked}\n"));
            }
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("  help: {}\n", terminal::one_line(help, 600)));
        }
        text
    }

    fn json(&self) -> Json {
        json!({
            "file": self.file.to_string_lossy(),
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "level": level(self.level),
            "code": self.code,
            "message": self.message,
            "help": self.help,
            "name": self.name,
        })
    }

    fn sarif(&self) -> Json {
        let help = self.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Hint => "note",
        };
        json!({
            "ruleId": self.code.as_deref().unwrap_or(UNREADABLE),
            "level": level,
            "message": { "text": format!("{}{help}", self.message) },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(&self.file) },
                    "region": {
                        "startLine": self.line,
                        "startColumn": self.column,
                        "endLine": self.end_line,
                        "endColumn": self.end_column,
                    },
                },
            }],
        })
    }
}

/// Stands for the code of a finding about a whole file.
const UNREADABLE: &str = "file";

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Hint => "hint",
    }
}

/// A relative path as SARIF wants it: forward slashes, what is not plain as `%20`.
fn uri(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    let text = text.strip_prefix("./").unwrap_or(&text);
    let mut uri = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// Everything that a check found.
#[derive(Debug)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub files: usize,
    pub queries: usize,
    /// Files of folders that hold no query.
    pub ignored: usize,
    pub deny_warnings: bool,
}

impl Report {
    /// Something is wrong that should stop a build.
    pub fn failed(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.level == Level::Error || (self.deny_warnings && finding.level == Level::Warning))
    }

    /// Writes findings to the standard output, and a summary of one line after them or on the error output.
    pub fn print(&self, format: FindingFormat) -> Result<()> {
        match format {
            FindingFormat::Text => {
                let findings: String = self.findings.iter().map(Finding::text).collect();
                return terminal::print(&(findings + &self.summary()));
            }
            FindingFormat::Json => {
                let lines: String = self.findings.iter().map(|finding| finding.json().to_string() + "\n").collect();
                terminal::print(&lines)?;
            }
            FindingFormat::Sarif => terminal::print(&(serde_json::to_string_pretty(&self.sarif())? + "\n"))?,
        }
        eprint!("{}", self.summary());
        Ok(())
    }

    fn summary(&self) -> String {
        let count = |level: Level| self.findings.iter().filter(|finding| finding.level == level).count();
        let number = |count: usize, one: &str, many: &str| {
            format!("{} {}", terminal::thousands(count as u64), if count == 1 { one } else { many })
        };
        format!(
            "{} in {} ({} left alone): {}, {}\n",
            number(self.queries, "query", "queries"),
            number(self.files, "file", "files"),
            number(self.ignored, "other file", "other files"),
            number(count(Level::Error), "error", "errors"),
            number(count(Level::Warning), "warning", "warnings"),
        )
    }

    fn sarif(&self) -> Json {
        let mut codes: Vec<&str> =
            self.findings.iter().map(|finding| finding.code.as_deref().unwrap_or(UNREADABLE)).collect();
        codes.sort_unstable();
        codes.dedup();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "vigie kql check",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": codes.iter().map(|code| json!({ "id": code })).collect::<Vec<_>>(),
                }},
                "columnKind": "unicodeCodePoints",
                "results": self.findings.iter().map(Finding::sarif).collect::<Vec<_>>(),
            }],
        })
    }
}
