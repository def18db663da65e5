//! What could be written here.

use std::collections::HashSet;

use kernel::diagnostic::Span;

use super::{boundary, columns_at};
use crate::catalog::Catalog;
use crate::functions::{self, FunctionClass};
use crate::lexer::{TokenKind, is_word_part, offset};
use crate::parser::OPERATORS;
use crate::syntax::Statement;

/// One proposal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Completion {
    /// What is shown and searched.
    pub label: String,
    pub kind: CompletionKind,
    /// A type, a signature, a line of explanation.
    pub detail: String,
    /// What replaces `replace` when it is chosen.
    pub insert: String,
    /// The part of the word that is already there.
    pub replace: Span,
}

/// Kinds of proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CompletionKind {
    Column,
    Variable,
    Table,
    Operator,
    Keyword,
    Function,
    Aggregate,
}

/// What stands before the place.
enum Place {
    /// A statement or a table begins.
    Start,
    /// After a `|`.
    Operator,
    /// A table is an operand.
    Table,
    /// `kind=` of a join.
    JoinKind,
    /// A value; with aggregates in `summarize`.
    Value { aggregates: bool },
    /// The name of a watchlist, in quotes.
    Watchlist,
    /// Inside a text or comment, or after a `.`.
    Nothing,
}

const JOIN_KINDS: [&str; 9] =
    ["innerunique", "inner", "leftouter", "rightouter", "fullouter", "leftsemi", "rightsemi", "leftanti", "rightanti"];

const VALUE_WORDS: [&str; 26] = [
    "and",
    "or",
    "by",
    "on",
    "asc",
    "desc",
    "in",
    "in~",
    "!in",
    "has",
    "!has",
    "has_any",
    "has_all",
    "contains",
    "!contains",
    "startswith",
    "endswith",
    "matches regex",
    "between",
    "kind=",
    "true",
    "false",
    "with",
    "nulls first",
    "nulls last",
    "to typeof()",
];

/// Proposals for the byte `at` of any text, best first.
pub fn complete(text: &str, at: usize, catalog: &Catalog) -> Vec<Completion> {
    let at = boundary(text, at);
    let before = &text[..at];
    let after_pipe = |start: usize| before[..start].trim_end().ends_with('|');
    let mut start = before
        .rfind(|c: char| !is_word_part(c))
        .map_or(0, |last| last + before[last..].chars().next().map_or(1, char::len_utf8));
    // `mv-ex` is one word after a pipe.
    let dashed = before
        .rfind(|c: char| !is_word_part(c) && c != '-')
        .map_or(0, |last| last + before[last..].chars().next().map_or(1, char::len_utf8));
    if after_pipe(dashed) {
        start = dashed;
    }
    let word = &before[start..];
    let replace = Span::new(offset(start), offset(at));
    let mut list = List { word, replace, seen: HashSet::new(), found: Vec::new() };
    match place(&before[..start]) {
        Place::Watchlist => {
            for watchlist in catalog.watchlists() {
                let columns: Vec<&str> = watchlist.columns.iter().skip(3).map(|column| column.name.as_str()).collect();
                list.add(&watchlist.name, CompletionKind::Table, &columns.join(", "), Some(watchlist.name.clone()));
            }
        }
        Place::Nothing => {}
        Place::JoinKind => list.words(&JOIN_KINDS, CompletionKind::Keyword, "kind of join"),
        Place::Operator => list.words(&OPERATORS, CompletionKind::Operator, "operator"),
        Place::Start => {
            list.names(text, catalog);
            list.words(&["let", "print", "union", "range", "datatable", "search", "find"], CompletionKind::Keyword, "");
            list.functions(false);
        }
        Place::Table => list.names(text, catalog),
        Place::Value { aggregates } => {
            for column in columns_at(text, start, catalog) {
                list.add(&column.name, CompletionKind::Column, column.scalar.as_str(), None);
            }
            list.variables(text);
            list.stored(catalog);
            list.functions(aggregates);
            list.words(&VALUE_WORDS, CompletionKind::Keyword, "");
        }
    }
    list.sorted()
}

fn place(before: &str) -> Place {
    let (tokens, diagnostics) = crate::lex(before);
    let slice = |span: Span| before.get(span.start as usize..span.end as usize).unwrap_or_default();
    if let Some(last) = tokens.last()
        && last.span.end as usize == before.len()
        && (last.kind == TokenKind::Comment || (last.kind == TokenKind::String && !diagnostics.is_empty()))
    {
        let mut words = tokens.iter().rev().skip(1).map(|token| slice(token.span));
        let is_watchlist = words.next() == Some("(") && words.next() == Some("_GetWatchlist");
        return if is_watchlist { Place::Watchlist } else { Place::Nothing };
    }
    let significant: Vec<&str> =
        tokens.iter().filter(|token| token.kind != TokenKind::Comment).map(|token| slice(token.span)).collect();
    // The operator that is open here: the word after the last `|` at this or an outer level.
    let mut open = 0_i32;
    let mut operator = "";
    for (at, word) in significant.iter().enumerate().rev() {
        match *word {
            ")" | "]" => open += 1,
            "(" | "[" => open -= 1,
            "|" if open <= 0 => {
                operator = significant.get(at + 1).copied().unwrap_or_default();
                break;
            }
            ";" if open <= 0 => break,
            _ => {}
        }
    }
    let last = significant.last().copied().unwrap_or_default();
    let second = significant.len().checked_sub(2).and_then(|at| significant.get(at)).copied().unwrap_or_default();
    match last {
        "" | ";" | "{" => Place::Start,
        "|" => Place::Operator,
        "." => Place::Nothing,
        "join" | "lookup" | "union" => Place::Table,
        "=" if second == "kind" => Place::JoinKind,
        "=" if operator.is_empty() => Place::Start,
        "(" if matches!(
            second,
            "join" | "lookup" | "union" | "toscalar" | "materialize" | "in" | "inner" | "leftouter"
        ) =>
        {
            Place::Start
        }
        "," if operator == "union" || significant.first() == Some(&"union") && operator.is_empty() => Place::Table,
        _ if operator.is_empty() && matches!(second, "join" | "lookup") => Place::Table,
        _ => Place::Value { aggregates: matches!(operator, "summarize" | "make") },
    }
}

struct List<'t> {
    word: &'t str,
    replace: Span,
    seen: HashSet<String>,
    found: Vec<Completion>,
}

impl List<'_> {
    fn add(&mut self, label: &str, kind: CompletionKind, detail: &str, insert: Option<String>) {
        let fits = label.to_lowercase().contains(&self.word.to_lowercase());
        if fits && self.seen.insert(label.to_owned()) {
            let plain = label.chars().all(is_word_part) && !label.starts_with(|c: char| c.is_ascii_digit());
            let bracketed = !plain && matches!(kind, CompletionKind::Column | CompletionKind::Table);
            let written = if bracketed { format!("['{label}']") } else { label.to_owned() };
            self.found.push(Completion {
                label: label.to_owned(),
                kind,
                detail: detail.to_owned(),
                insert: insert.unwrap_or(written),
                replace: self.replace,
            });
        }
    }

    fn words(&mut self, words: &[&str], kind: CompletionKind, detail: &str) {
        for word in words {
            self.add(word, kind, detail, None);
        }
    }

    fn names(&mut self, text: &str, catalog: &Catalog) {
        self.variables(text);
        for table in catalog.tables() {
            self.add(&table.name, CompletionKind::Table, &format!("table, {} columns", table.columns.len()), None);
        }
        self.stored(catalog);
        if catalog.watchlists().next().is_some() {
            self.add("_GetWatchlist", CompletionKind::Function, "(name: string)", Some("_GetWatchlist('".to_owned()));
        }
    }

    fn stored(&mut self, catalog: &Catalog) {
        for function in catalog.functions() {
            let insert = if function.parameters == "()" { None } else { Some(format!("{}(", function.name)) };
            self.add(&function.name, CompletionKind::Function, &function.parameters, insert);
        }
    }

    fn variables(&mut self, text: &str) {
        for statement in crate::parse(text).script.statements {
            match statement {
                Statement::Let { name, .. } => self.add(&name.text, CompletionKind::Variable, "let", None),
                Statement::LetFunction { name, .. } => {
                    let insert = Some(format!("{}(", name.text));
                    self.add(&name.text, CompletionKind::Function, "let", insert);
                }
                Statement::Parameters(parameters) => {
                    for parameter in &parameters {
                        self.add(&parameter.name.text, CompletionKind::Variable, "query parameter", None);
                    }
                }
                Statement::Pattern(pattern) => {
                    let insert = Some(format!("{}(", pattern.name.text));
                    self.add(&pattern.name.text, CompletionKind::Function, "pattern", insert);
                }
                Statement::Query(_) | Statement::Set { .. } | Statement::Other { .. } => {}
            }
        }
    }

    fn functions(&mut self, aggregates: bool) {
        for spec in functions::all() {
            let aggregate = spec.class == FunctionClass::Aggregate;
            if aggregate && !aggregates {
                continue;
            }
            let kind = if aggregate { CompletionKind::Aggregate } else { CompletionKind::Function };
            let signature = spec.overloads.first().map_or("", |overload| overload.signature.as_str());
            self.add(spec.name, kind, signature, Some(format!("{}(", spec.name)));
        }
    }

    /// What starts with the word comes first, then by kind.
    fn sorted(mut self) -> Vec<Completion> {
        let word = self.word.to_lowercase();
        self.found.sort_by_key(|found| (!found.label.to_lowercase().starts_with(&word), found.kind));
        self.found
    }
}
