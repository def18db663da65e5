//! What the word under the pointer is.

use kernel::diagnostic::Span;

use super::{boundary, columns_at};
use crate::catalog::{Catalog, StoredFunction};
use crate::functions;
use crate::lexer::TokenKind;

/// An explanation and what it explains.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hover {
    pub span: Span,
    /// Markdown.
    pub text: String,
}

/// Explains the word at the byte `at`.
pub fn hover(text: &str, at: usize, catalog: &Catalog) -> Option<Hover> {
    let at = boundary(text, at);
    let (tokens, _) = crate::lex(text);
    let place = tokens.iter().position(|token| {
        (token.span.start as usize..=token.span.end as usize).contains(&at) && token.kind == TokenKind::Word
    })?;
    let span = tokens[place].span;
    let word = text.get(span.start as usize..span.end as usize)?;
    let called = tokens
        .get(place + 1)
        .is_some_and(|next| text.get(next.span.start as usize..next.span.end as usize) == Some("("));
    if called && let Some(spec) = functions::scalar(word).or_else(|| functions::aggregate(word)) {
        let forms: Vec<String> = spec.overloads.iter().map(|overload| format!("`{}`", overload.signature)).collect();
        let renamed = if spec.name == word {
            String::new()
        } else {
            format!("\n\n`{word}` is another spelling of `{}`.", spec.name)
        };
        return Some(Hover { span, text: format!("{}\n\n{}{renamed}", forms.join("  \n"), spec.doc) });
    }
    let columns = columns_at(text, span.start as usize, catalog);
    if let Some(column) = columns.iter().find(|column| column.name == word) {
        return Some(Hover { span, text: format!("column `{word}`: {}", column.scalar) });
    }
    if let Some(function) = catalog.function(word) {
        return Some(Hover { span, text: function_text(function) });
    }
    let table = catalog.table(word)?;
    let columns: Vec<String> =
        table.columns.iter().take(30).map(|column| format!("`{}`: {}", column.name, column.scalar)).collect();
    let more = table.columns.len().saturating_sub(30);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(Hover { span, text: format!("table `{word}`\n\n{}{more}", columns.join(", ")) })
}

/// Signature, then what it is for, then how it begins.
fn function_text(function: &StoredFunction) -> String {
    const LINES: usize = 8;
    let body = function.body.trim();
    let shown: Vec<&str> = body.lines().take(LINES).collect();
    let more = if body.lines().count() > LINES { "\n…" } else { "" };
    let description =
        if function.description.is_empty() { String::new() } else { format!("\n\n{}", function.description) };
    format!(
        "stored function `{}{}`{description}\n\n```kql\n{}{more}\n```",
        function.name,
        function.parameters,
        shown.join("\n")
    )
}
