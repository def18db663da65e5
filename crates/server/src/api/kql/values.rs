//! Values of columns that have few, for completion: `where Severity == "` offers those that rows of late hold.
//!
//! An editor wants its answer at once and a query takes its time. So what is known is offered, and what is not is asked in
//! the background, once for some minutes, for whoever asks next.

use std::collections::HashMap;
use std::sync::Arc;

use ::kql::catalog::Catalog;
use ::kql::{Token, TokenKind};
use kernel::port::{QueryLimits, QueryRequest, TableGrant};
use kernel::{ScalarType, Span, Value};

use super::Completion;
use crate::api::words::utf16_offset;
use crate::app::App;

/// How long values count as known.
const FRESH_US: u64 = 5 * 60 * 1_000_000;
/// Columns whose values are kept.
const MOST_COLUMNS: usize = 2_000;
/// A column with more values is none with few.
const MOST_VALUES: usize = 40;
/// Longer values are no words to choose from.
const MOST_CHARACTERS: usize = 120;
/// What asking for values may cost.
const LIMITS: QueryLimits = QueryLimits { time_ms: 5_000, memory_bytes: 128 << 20, rows: 100 };

/// The values of columns as they were found.
#[derive(Debug, Default)]
pub struct ColumnValues {
    known: HashMap<(String, String), Known>,
}

#[derive(Debug, Clone)]
struct Known {
    /// On the monotonic clock.
    asked_us: u64,
    /// The most frequent first; none until the answer is there.
    values: Vec<String>,
}

/// A place where a value of a column is about to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    table: String,
    column: String,
    /// The table has times, so that rows of late can be told.
    timed: bool,
    /// What stands there of it already, with its quote.
    replace: Span,
}

/// Operators after which values are offered.
const COMPARISONS: [&str; 14] = [
    "==",
    "!=",
    "=~",
    "!~",
    "in",
    "!in",
    "in~",
    "!in~",
    "has",
    "!has",
    "contains",
    "startswith",
    "has_any",
    "endswith",
];

/// The column whose values are wanted at the byte `at`, if there is one that may be looked at in full.
pub(super) fn wanted(text: &str, at: usize, catalog: &Catalog, grants: &[TableGrant]) -> Option<Place> {
    let before = text.get(..at)?;
    let (tokens, _) = ::kql::lex(before);
    let tokens: Vec<Token> = tokens.into_iter().filter(|token| token.kind != TokenKind::Comment).collect();
    let word = |at: usize| tokens.get(at).map_or("", |token| slice(before, token.span));
    // An open text is the word that is being written.
    let started = |token: &Token| token.kind == TokenKind::String || token.span.end as usize == at;
    let open = tokens.last().filter(|token| started(token) && opens_text(slice(before, token.span)));
    let mut last = tokens.len().checked_sub(1 + usize::from(open.is_some()))?;
    // Values of a list that are there already.
    while matches!(word(last), "," | "(") || (last > 0 && tokens[last].kind == TokenKind::String) {
        last = last.checked_sub(1)?;
    }
    let operator = operator_at(before, &tokens, last)?;
    let column = word(operator.checked_sub(1)?);
    let end = offset(at);
    let replace = open.map_or(Span::new(end, end), |token| Span::new(token.span.start, end));
    let named = tokens[..operator].iter().rev().filter(|token| token.kind == TokenKind::Word);
    let table = named.filter_map(|token| catalog.table(slice(before, token.span))).find(|table| {
        let is_text = table.column(column).is_some_and(|column| column.scalar == ScalarType::String);
        // Some of the rows are for some people only.
        is_text && grants.iter().any(|grant| grant.name == table.name && grant.rows.is_none())
    })?;
    let timed = table.column("TimeGenerated").is_some();
    Some(Place { table: table.name.clone(), column: column.to_owned(), timed, replace })
}

/// Where the comparison that ends with token `last` begins: `!in` may be two tokens.
fn operator_at(text: &str, tokens: &[Token], last: usize) -> Option<usize> {
    let spelt = slice(text, tokens.get(last)?.span);
    if COMPARISONS.contains(&spelt) {
        let negated = last.checked_sub(1).filter(|before| slice(text, tokens[*before].span) == "!");
        return Some(negated.unwrap_or(last));
    }
    let two = last.checked_sub(1)?;
    let joined = text.get(tokens[two].span.start as usize..tokens[last].span.end as usize)?;
    COMPARISONS.contains(&joined).then_some(two)
}

/// A text whose end has not been written.
fn opens_text(word: &str) -> bool {
    let quote = word.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    quote.is_some_and(|quote| word.len() == 1 || !word.ends_with(quote))
}

/// The known values; asks for them when they are not known, or were long ago.
pub(super) fn offered(app: &Arc<App>, place: Place, text: &str) -> Vec<Completion> {
    let now_us = app.clock.monotonic_us();
    let key = (place.table.clone(), place.column.clone());
    let known = app.column_values.lock().known.get(&key).cloned();
    if known.as_ref().is_none_or(|known| now_us.saturating_sub(known.asked_us) > FRESH_US) {
        ask(app, key, place.timed, now_us);
    }
    let (start, end) = (utf16_offset(text, place.replace.start), utf16_offset(text, place.replace.end));
    // As it was begun; an editor may have put the closing quote behind the cursor already.
    let quote = slice(text, place.replace).chars().next().unwrap_or('"');
    let closed = start < end && text.get(place.replace.end as usize..).is_some_and(|rest| rest.starts_with(quote));
    let offer = |value: String| Completion {
        insert: quoted(&value, quote, !closed),
        label: quoted(&value, quote, true),
        kind: "value".to_owned(),
        detail: Some(place.column.clone()),
        documentation: None,
        start,
        end,
    };
    known.into_iter().flat_map(|known| known.values).map(offer).collect()
}

fn ask(app: &Arc<App>, key: (String, String), timed: bool, now_us: u64) {
    // Questions of people come first.
    let Ok(place) = app.queries.clone().try_acquire_owned() else { return };
    {
        let mut values = app.column_values.lock();
        if values.known.len() >= MOST_COLUMNS {
            values.known.clear();
        }
        values.known.entry(key.clone()).or_insert(Known { asked_us: 0, values: Vec::new() }).asked_us = now_us;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let _place = place;
        let request =
            QueryRequest { limits: LIMITS, ..QueryRequest::new(question(&key.0, &key.1, timed), app.store.now()) };
        match app.lake.query(request).await {
            Ok(answer) => {
                let values: Vec<String> = answer.rows.into_iter().filter_map(text_of).collect();
                let few = values.len() <= MOST_VALUES;
                if let Some(known) = app.column_values.lock().known.get_mut(&key) {
                    known.values = if few { values } else { Vec::new() };
                }
            }
            Err(error) => {
                tracing::debug!(table = key.0, column = key.1, %error, "values for completion were not found")
            }
        }
    });
}

/// Of some rows of late, the values of a column by how often they come.
fn question(table: &str, column: &str, timed: bool) -> String {
    let most = MOST_VALUES + 1;
    let late = if timed { "| where TimeGenerated > ago(7d) " } else { "" };
    format!(
        "['{table}'] {late}| take 50000 | project Value = ['{column}'] | where isnotempty(Value) \
         | summarize Rows = count() by Value | top {most} by Rows"
    )
}

fn text_of(row: Vec<Value>) -> Option<String> {
    match row.into_iter().next()? {
        Value::String(text) if text.chars().count() <= MOST_CHARACTERS => Some(text),
        _ => None,
    }
}

/// As KQL writes it.
fn quoted(value: &str, quote: char, closed: bool) -> String {
    let mut quoted = String::from(quote);
    for character in value.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if other == quote => quoted.extend(['\\', other]),
            other => quoted.push(other),
        }
    }
    quoted.extend(closed.then_some(quote));
    quoted
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str, &str)>) {
        let tables = kernel::schema::parse_tables(
            r#"{"Alerts": {"Severity": "string", "Rows": "long"}, "Mine": {"Severity": "string", "State": "string"}}"#,
        );
        let catalog = Catalog::new(tables.unwrap());
        let grants = [TableGrant::whole("Alerts")];
        let found = wanted(text, text.len(), &catalog, &grants);
        let found =
            found.as_ref().map(|place| (place.table.as_str(), place.column.as_str(), slice(text, place.replace)));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn texts_are_written_in_the_quotes_that_were_begun() {
        assert_eq!(quoted("it's", '"', true), "\"it's\"");
        assert_eq!(quoted("it's", '\'', true), "'it\\'s'");
        assert_eq!(quoted("C:\\x", '"', false), "\"C:\\\\x");
    }

    #[test]
    fn values_are_wanted_after_a_comparison_of_a_text() {
        check("Alerts | where Severity == ", Some(("Alerts", "Severity", "")));
        check("Alerts | where Severity =~ \"Hi", Some(("Alerts", "Severity", "\"Hi")));
        check("Alerts | where Rows > 1 and Severity in ('High', ", Some(("Alerts", "Severity", "")));
        check("Alerts | where Severity !in (\"High\", \"L", Some(("Alerts", "Severity", "\"L")));
        check("let a = 1; Alerts | where Rows == 1 | where Severity != '", Some(("Alerts", "Severity", "'")));
        check("Alerts | where Severity has_any (", Some(("Alerts", "Severity", "")));
        check("Alerts | where Rows == ", None);
        check("Alerts | where Severity == \"High\" and ", None);
        check("Alerts | where Severity", None);
        check("Mine | where State == ", None);
        check("Alerts | summarize count() by Severity, ", None);
        check("", None);
    }
}
