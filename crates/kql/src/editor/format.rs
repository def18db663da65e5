//! The house style: one operator a line, nested pipes indented, everything else where its author put it.

use crate::lexer::{Token, TokenKind};

const INDENT: usize = 4;

/// `text` in house style; unchanged where it cannot be read. Tokens and comments stay as they are.
pub fn format(text: &str) -> String {
    let (tokens, diagnostics) = crate::lex(text);
    if !diagnostics.is_empty() || tokens.is_empty() {
        return text.to_owned();
    }
    let slice = |token: &Token| &text[token.span.start as usize..token.span.end as usize];
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let word = slice(token);
        let closes = token.kind == TokenKind::Punctuation && matches!(word, ")" | "]" | "}");
        if closes {
            depth = depth.saturating_sub(1);
        }
        if let Some(previous) = at.checked_sub(1).map(|at| &tokens[at]) {
            let gap = &text[previous.span.end as usize..token.span.start as usize];
            let between = if gap.is_empty() && in_arrow(&tokens, at, slice) {
                Gap::None
            } else {
                separator(previous, slice(previous), token, word, gap)
            };
            match between {
                Gap::None => {}
                Gap::Space => out.push(' '),
                Gap::Line { blank } => {
                    out.push('\n');
                    if blank {
                        out.push('\n');
                    }
                    let pipe = word == "|" && token.kind == TokenKind::Punctuation;
                    let statement = slice(previous) == ";" || previous.kind == TokenKind::Comment;
                    let hanging =
                        usize::from(!pipe && !closes && !statement && depth == 0 && token.kind != TokenKind::Comment);
                    out.push_str(&" ".repeat(INDENT * (depth.min(40) + hanging)));
                }
            }
        }
        out.push_str(word);
        if token.kind == TokenKind::Punctuation && matches!(word, "(" | "[" | "{") {
            depth += 1;
        }
    }
    out.push('\n');
    out
}

/// Does the token `at` hold on to the one before, as in `(a)-[e]->(b)<--(c)` of a graph pattern?
fn in_arrow<'t>(tokens: &[Token], at: usize, slice: impl Fn(&Token) -> &'t str) -> bool {
    let sign = |at: usize| tokens.get(at).filter(|token| token.kind == TokenKind::Punctuation).map_or("", &slice);
    let touch = |at: usize| tokens[at].span.end == tokens[at + 1].span.start;
    let back = |at: usize| sign(at) == "<" && sign(at + 1) == "-" && touch(at) && matches!(sign(at + 2), "-" | "[");
    let forth = |at: usize| at > 0 && sign(at) == ">" && sign(at - 1) == "-" && touch(at - 1);
    back(at) || back(at - 1) || forth(at) || forth(at - 1)
}

/// What stands between two tokens.
enum Gap {
    None,
    Space,
    Line { blank: bool },
}

fn separator(previous: &Token, before: &str, token: &Token, word: &str, gap: &str) -> Gap {
    let lines = gap.matches('\n').count();
    let sign = |token: &Token| token.kind == TokenKind::Punctuation;
    if previous.kind == TokenKind::Comment || lines > 0 {
        return Gap::Line { blank: lines > 1 };
    }
    if (sign(token) && word == "|") || (sign(previous) && before == ";" && token.kind != TokenKind::Comment) {
        return Gap::Line { blank: false };
    }
    let tight_before = sign(token) && matches!(word, "," | ")" | "]" | ";");
    let tight_after = sign(previous) && matches!(before, "(" | "[");
    if tight_before || tight_after {
        return Gap::None;
    }
    let spaced = |sign: &str| matches!(sign, "==" | "=~" | "!=" | "!~" | "<=" | ">=" | "<" | ">" | "=>" | "|" | ",");
    if !gap.is_empty() || (sign(previous) && spaced(before)) || (sign(token) && spaced(word)) {
        return Gap::Space;
    }
    Gap::None
}
