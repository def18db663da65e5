//! Queries changed a little, as a hand slips: by tokens, with a seed.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use kql::{Token, TokenKind};
use serde_json::{Value as Json, json};

/// Numbers that look drawn (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn of<'a, T: ?Sized>(&mut self, some: &[&'a T]) -> &'a T {
        some[self.below(some.len())]
    }
}

const OPERATORS: [&str; 24] = [
    "==",
    "!=",
    "=~",
    "!~",
    "<",
    ">=",
    "has",
    "!has",
    "has_any",
    "contains",
    "contains_cs",
    "startswith",
    "in",
    "in~",
    "!in",
    "and",
    "or",
    "+",
    "-",
    "*",
    "/",
    "%",
    "matches regex",
    "between",
];
const LITERALS: [&str; 12] = [
    "1",
    "2.5",
    "'x'",
    "true",
    "1d",
    "datetime(2024-01-01)",
    "dynamic([1])",
    "long(null)",
    "guid(null)",
    "now()",
    "''",
    "-1",
];
const FUNCTIONS: [&str; 24] = [
    "tostring",
    "tolong",
    "toint",
    "todatetime",
    "strlen",
    "count",
    "dcount",
    "make_set",
    "sum",
    "max",
    "isempty",
    "ago",
    "bin",
    "parse_json",
    "split",
    "array_length",
    "iff",
    "coalesce",
    "tolower",
    "extract",
    "arg_max",
    "row_number",
    "strcat",
    "todynamic",
];
const STAGES: [&str; 16] = [
    "| count",
    "| take 5",
    "| getschema",
    "| distinct *",
    "| project-away Timestamp*",
    "| summarize count()",
    "| extend x = 1",
    "| where true",
    "| sort by TimeGenerated",
    "| project x = 1, y = 'a'",
    "| summarize by x",
    "| serialize",
    "| as Z",
    "| top 3 by TimeGenerated",
    "| mv-expand x",
    "| order by Timestamp asc",
];

/// Prints `count` mutations of the queries.
pub fn run(queries: &[Json], count: usize, seed: u64) -> Result<()> {
    ensure!(!queries.is_empty(), "there are no queries to change");
    let mut draw = Draw(seed);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for number in 0..count {
        let line = &queries[draw.below(queries.len())];
        let text = line["query"].as_str().context("a line without query")?;
        let changed = (0..=draw.below(2)).fold(text.to_owned(), |text, _| mutated(&text, &mut draw));
        let id = format!("{}#{number}", line["id"].as_str().unwrap_or_default());
        writeln!(out, "{}", json!({ "id": id, "query": changed, "tables": line["tables"] }))?;
    }
    Ok(())
}

fn mutated(text: &str, draw: &mut Draw) -> String {
    let (tokens, _) = kql::lex(text);
    let tokens: Vec<Token> = tokens.into_iter().filter(|token| token.kind != TokenKind::Comment).collect();
    if tokens.is_empty() {
        return text.to_owned();
    }
    let slice = |at: usize| &text[tokens[at].span.start as usize..tokens[at].span.end as usize];
    let replace = |at: usize, new: &str| {
        let span = tokens[at].span;
        format!("{} {new} {}", &text[..span.start as usize], &text[span.end as usize..])
    };
    let of_kind = |kind: TokenKind| -> Vec<usize> { (0..tokens.len()).filter(|at| tokens[*at].kind == kind).collect() };
    let at = draw.below(tokens.len());
    match draw.below(12) {
        0 => replace(at, ""),
        1 => replace(at, &format!("{0} {0}", slice(at))),
        2 if at + 1 < tokens.len() => {
            let (first, second) = (tokens[at].span, tokens[at + 1].span);
            let between = &text[first.end as usize..second.start as usize];
            let (before, after) = (&text[..first.start as usize], &text[second.end as usize..]);
            format!("{before}{}{between}{}{after}", slice(at + 1), slice(at))
        }
        3 => replace(at, slice(draw.below(tokens.len()))),
        4 | 5 => {
            let infix: Vec<usize> = (0..tokens.len()).filter(|at| OPERATORS.contains(&slice(*at))).collect();
            if infix.is_empty() {
                replace(at, "==")
            } else {
                replace(infix[draw.below(infix.len())], draw.of(&OPERATORS))
            }
        }
        6 | 7 => {
            let literals: Vec<usize> =
                [TokenKind::String, TokenKind::Long, TokenKind::Real, TokenKind::TimeSpan, TokenKind::Typed]
                    .into_iter()
                    .flat_map(of_kind)
                    .collect();
            let place = if literals.is_empty() { at } else { literals[draw.below(literals.len())] };
            replace(place, draw.of(&LITERALS))
        }
        8 => {
            let calls: Vec<usize> = (0..tokens.len() - 1)
                .filter(|at| tokens[*at].kind == TokenKind::Word && slice(at + 1) == "(")
                .collect();
            if calls.is_empty() {
                replace(at, "count()")
            } else {
                replace(calls[draw.below(calls.len())], draw.of(&FUNCTIONS))
            }
        }
        9 => with_another_stage(text, &tokens, draw),
        10 => without_a_stage(text, &tokens, draw),
        _ => {
            let words = of_kind(TokenKind::Word);
            if words.is_empty() {
                replace(at, "x")
            } else {
                replace(words[draw.below(words.len())], slice(words[draw.below(words.len())]))
            }
        }
    }
}

/// Where the stages of a query begin.
fn pipes(text: &str, tokens: &[Token]) -> Vec<usize> {
    let starts = tokens.iter().map(|token| token.span.start as usize);
    starts.filter(|start| text[*start..].starts_with('|')).collect()
}

fn with_another_stage(text: &str, tokens: &[Token], draw: &mut Draw) -> String {
    let pipes = pipes(text, tokens);
    let start = pipes.get(draw.below(pipes.len())).copied().unwrap_or(text.len());
    format!("{}\n{}\n{}", &text[..start], draw.of(&STAGES), &text[start..])
}

fn without_a_stage(text: &str, tokens: &[Token], draw: &mut Draw) -> String {
    let pipes = pipes(text, tokens);
    let which = draw.below(pipes.len().saturating_sub(1));
    match (pipes.get(which), pipes.get(which + 1)) {
        (Some(from), Some(to)) => format!("{}{}", &text[..*from], &text[*to..]),
        _ => text.to_owned(),
    }
}
