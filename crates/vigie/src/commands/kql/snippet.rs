//! A query inside a file, and where each of its lines lies there.

use std::path::{Path, PathBuf};

use kernel::{Diagnostic, StoredFunction};
use kql::catalog::Catalog;

use super::findings::Finding;

/// What a snippet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It is run as it is.
    Query,
    /// The body of a function; the text of the snippet is its body.
    Function(StoredFunction),
}

/// A query or function in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub file: PathBuf,
    /// The rule or function that it belongs to, where the file says it.
    pub name: Option<String>,
    pub kind: Kind,
    pub text: String,
    /// Another name for what was told before: it is known under it, and not checked again.
    pub repeated: bool,
    places: Places,
}

/// Where the lines of a snippet lie in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {
    /// Line after line from this 1-based one, each this many characters further right; the first one perhaps more.
    Lines { line: usize, first_shift: usize, shift: usize },
    /// The text is written in a form that has no lines of its own: everything is at this line.
    At { line: usize },
}

impl Snippet {
    /// Whole lines, each after `shift` characters of indentation.
    pub fn of_lines(path: &Path, name: Option<String>, kind: Kind, text: &str, line: usize, shift: usize) -> Snippet {
        let places = Places::Lines { line, first_shift: shift, shift };
        Snippet { file: path.to_owned(), name, kind, text: text.to_owned(), repeated: false, places }
    }

    /// Part of a text that begins within a line; the others are as in the file.
    pub fn of_part(path: &Path, name: Option<String>, kind: Kind, text: &str, line: usize, shift: usize) -> Snippet {
        let places = Places::Lines { line, first_shift: shift, shift: 0 };
        Snippet { file: path.to_owned(), name, kind, text: text.to_owned(), repeated: false, places }
    }

    /// A text whose lines cannot be found again in the file.
    pub fn at(path: &Path, name: Option<String>, kind: Kind, text: &str, line: usize) -> Snippet {
        Snippet {
            file: path.to_owned(),
            name,
            kind,
            text: text.to_owned(),
            repeated: false,
            places: Places::At { line },
        }
    }

    /// Everything that is wrong with it.
    pub fn check(&self, catalog: &Catalog) -> Vec<Finding> {
        let diagnostics = match &self.kind {
            _ if self.repeated => Vec::new(),
            Kind::Query => kql::compile(&self.text, catalog).diagnostics,
            Kind::Function(function) => kql::check_function(function, catalog).diagnostics,
        };
        diagnostics.iter().map(|diagnostic| self.finding(diagnostic)).collect()
    }

    /// A diagnostic of its text with the place in the file.
    pub fn finding(&self, diagnostic: &Diagnostic) -> Finding {
        let span = diagnostic.span;
        let (line, column) = span.line_column(&self.text);
        let (end_line, end_column) = kernel::Span::new(span.end, span.end).line_column(&self.text);
        let source = self.text.lines().nth(line - 1).unwrap_or_default().to_owned();
        let until = if end_line == line { end_column } else { source.chars().count() + 1 };
        let (place, end) = (self.place(line, column), self.place(end_line, end_column));
        Finding {
            file: self.file.clone(),
            line: place.0,
            column: place.1,
            end_line: end.0,
            end_column: end.1,
            level: diagnostic.level,
            code: Some(diagnostic.code.clone()),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            name: self.name.clone(),
            query_line: matches!(self.places, Places::At { .. }).then_some(line),
            source: Some((source, column - 1, until.saturating_sub(column).max(1))),
        }
    }

    /// Line and column in the file of those in the text, all 1-based.
    fn place(&self, line: usize, column: usize) -> (usize, usize) {
        match self.places {
            Places::Lines { line: first, first_shift, shift } => {
                (first + line - 1, column + if line == 1 { first_shift } else { shift })
            }
            Places::At { line } => (line, 1),
        }
    }
}
