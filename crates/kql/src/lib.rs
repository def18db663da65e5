//! The query language: text in, typed algebra and diagnostics out.
//!
//! **Owns** the lexer, the parser with recovery, KQL's types, names and overloads, the function registry, and what
//! an editor asks of a language (completion, hover, formatting, highlighting).
//!
//! **Never does** I/O, evaluation, or anything that knows an engine.
//!
//! **Invariants**
//! - Any text gives a tree and diagnostics, never a panic; nesting and size are limited ([`MAX_QUERY_BYTES`]).
//! - A [`algebra::Query`] is given out only when nothing in the text was refused or misunderstood.
//! - Every diagnostic has a place in the text.

pub mod algebra;
mod bind;
pub mod catalog;
pub mod codes;
pub mod definition;
pub mod editor;
pub mod functions;
mod lexer;
mod parser;
pub mod shipped;
pub mod syntax;

pub use bind::{Bound, FunctionFindings, OpenColumns, bind, check_function, compile, compile_with};
pub use editor::{classify, complete, format, hover};
pub use lexer::{Token, TokenKind, lex};
pub use parser::{Parsed, parse};

/// Longer queries are refused.
pub const MAX_QUERY_BYTES: usize = 1 << 20;
