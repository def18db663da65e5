//! Tokens with their roles, for highlighting.

use kernel::diagnostic::Span;

use crate::catalog::Catalog;
use crate::functions;
use crate::lexer::TokenKind;
use crate::parser::scalar_type;

/// The role of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Comment,
    String,
    Number,
    Literal,
    Keyword,
    Operator,
    Function,
    Type,
    Table,
    Name,
    Punctuation,
    Unknown,
}

/// A part of the text and its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Classified {
    pub span: Span,
    pub class: Class,
}

const KEYWORDS: [&str; 34] = [
    "of",
    "others",
    "optional",
    "with_match_id",
    "let",
    "by",
    "on",
    "with",
    "asc",
    "desc",
    "nulls",
    "first",
    "last",
    "from",
    "to",
    "step",
    "limit",
    "kind",
    "and",
    "or",
    "typeof",
    "default",
    "view",
    "set",
    "declare",
    "withsource",
    "isfuzzy",
    "in",
    "in~",
    "between",
    "has_any",
    "has_all",
    "matches",
    "regex",
];

const STRING_OPERATORS: [&str; 13] = [
    "has",
    "has_cs",
    "hasprefix",
    "hassuffix",
    "hasprefix_cs",
    "hassuffix_cs",
    "contains",
    "contains_cs",
    "startswith",
    "startswith_cs",
    "endswith",
    "endswith_cs",
    "like",
];

/// The roles of all tokens, in order, without overlap.
pub fn classify(text: &str, catalog: &Catalog) -> Vec<Classified> {
    let (tokens, _) = crate::lex(text);
    let slice = |at: usize| {
        tokens
            .get(at)
            .and_then(|token| text.get(token.span.start as usize..token.span.end as usize))
            .unwrap_or_default()
    };
    let mut classified = Vec::with_capacity(tokens.len());
    // The last significant token, and whether an operator's name goes on.
    let (mut before, mut in_operator) = ("", false);
    for (at, token) in tokens.iter().enumerate() {
        let word = slice(at);
        let joined = in_operator && at > 0 && tokens[at - 1].span.end == token.span.start;
        let class = match token.kind {
            TokenKind::Comment => Class::Comment,
            TokenKind::String => Class::String,
            TokenKind::Long | TokenKind::Real | TokenKind::TimeSpan => Class::Number,
            TokenKind::Typed => Class::Literal,
            TokenKind::Unknown => Class::Unknown,
            TokenKind::Punctuation if joined && word == "-" => Class::Operator,
            TokenKind::Punctuation => Class::Punctuation,
            TokenKind::Word if before == "|" || joined => Class::Operator,
            TokenKind::Word => word_class(word, slice(at + 1), before, catalog),
        };
        in_operator = class == Class::Operator && (before == "|" || joined);
        if token.kind != TokenKind::Comment {
            before = word;
        }
        classified.push(Classified { span: token.span, class });
    }
    classified
}

fn word_class(word: &str, next: &str, before: &str, catalog: &Catalog) -> Class {
    if before == "." {
        Class::Name
    } else if matches!(word, "true" | "True" | "TRUE" | "false" | "False" | "FALSE" | "null") {
        Class::Literal
    } else if KEYWORDS.contains(&word)
        || STRING_OPERATORS.contains(&word.trim_start_matches('!'))
        || word.starts_with('!')
    {
        Class::Keyword
    } else if next == "("
        && (functions::scalar(word).is_some()
            || functions::aggregate(word).is_some()
            || catalog.function(word).is_some())
    {
        Class::Function
    } else if scalar_type(word).is_some() && matches!(before, ":" | "(") {
        Class::Type
    } else if catalog.table(word).is_some() {
        Class::Table
    } else if matches!(before, "" | ";" | "(") && crate::parser::HEADS.contains(&word) {
        Class::Operator
    } else {
        Class::Name
    }
}
