//! What an editor asks of a language. All of it works on broken text.

mod classify;
mod complete;
mod format;
mod hover;

pub use classify::{Class, Classified, classify};
pub use complete::{Completion, CompletionKind, complete};
pub use format::format;
pub use hover::{Hover, hover};

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;

use crate::bind::observe;
use crate::catalog::Catalog;
use crate::lexer::offset;

/// The start of the character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The columns that an expression at `at` sees: the input of the innermost operator that still stands open there.
fn columns_at(text: &str, at: usize, catalog: &Catalog) -> Vec<ColumnSchema> {
    let parsed = crate::parse(&text[..at]);
    let end = offset(at);
    // An operator stands open while no token between its end and the caret is another's.
    let last = parsed.tokens.iter().rev().map(|token| token.span.start).find(|start| *start < end);
    let open = |span: &Span| span.start <= end && last.is_none_or(|last| last < span.end);
    let inputs = observe(&parsed, catalog);
    let innermost = inputs.into_iter().filter(|(span, _)| open(span)).max_by_key(|(span, _)| span.start);
    innermost.map(|(_, columns)| columns).unwrap_or_default()
}
