//! Filters (RFC 7644 §3.4.2.2): parse, write, decide. Pure.

use std::cmp::Ordering;
use std::fmt;

use kernel::Timestamp;
use serde_json::Value as Json;

use crate::error::{Error, ScimType};
use crate::path::AttributePath;
use crate::resource;

/// Bytes of the longest filter or path.
const LONGEST: usize = 8_192;
/// Brackets and parentheses within each other.
const DEEPEST: usize = 24;

kernel::words! {
    /// How an attribute is compared with a value.
    Comparison {
        Eq = "eq",
        Ne = "ne",
        Co = "co",
        Sw = "sw",
        Ew = "ew",
        Gt = "gt",
        Ge = "ge",
        Lt = "lt",
        Le = "le",
    }
}

/// A condition on a resource, or on one value of a complex attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Present(AttributePath),
    Compare(AttributePath, Comparison, Json),
    /// One value of the attribute fits all of it.
    Values(AttributePath, Box<Filter>),
}

impl Filter {
    /// From text.
    ///
    /// # Errors
    /// `invalidFilter`, with the place.
    pub fn parse(text: &str) -> Result<Filter, Error> {
        bounded(text)?;
        let mut parser = Parser::new(text);
        let filter = parser.filter()?;
        parser.skip();
        if parser.rest().is_empty() { Ok(filter) } else { Err(parser.bad("the filter ends before this")) }
    }

    /// Whether a resource, or a value, fits.
    pub fn fits(&self, value: &Json) -> bool {
        match self {
            Filter::And(left, right) => left.fits(value) && right.fits(value),
            Filter::Or(left, right) => left.fits(value) || right.fits(value),
            Filter::Not(inner) => !inner.fits(value),
            Filter::Present(path) => resource::at(value, path).iter().any(|found| is_present(found)),
            Filter::Compare(path, comparison, wanted) => compare_at(value, path, *comparison, wanted),
            Filter::Values(path, inner) => {
                resource::at(value, path).into_iter().flat_map(resource::each).any(|one| inner.fits(one))
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::And(left, right) => write!(f, "({left} and {right})"),
            Filter::Or(left, right) => write!(f, "({left} or {right})"),
            Filter::Not(inner) => write!(f, "not ({inner})"),
            Filter::Present(path) => write!(f, "{path} pr"),
            Filter::Compare(path, comparison, value) => write!(f, "{path} {comparison} {value}"),
            Filter::Values(path, inner) => write!(f, "{path}[{inner}]"),
        }
    }
}

fn is_present(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(values) => values.iter().any(is_present),
        Json::Object(fields) => !fields.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
    }
}

fn compare_at(value: &Json, path: &AttributePath, comparison: Comparison, wanted: &Json) -> bool {
    let found: Vec<&Json> = resource::at(value, path).into_iter().flat_map(resource::each).collect();
    let exact = resource::is_exact(path);
    // A complex value without a part named is compared by its `value`.
    let simple = |one: &Json| match one {
        Json::Object(fields) => resource::get(fields, "value").cloned().unwrap_or(Json::Null),
        other => other.clone(),
    };
    match comparison {
        Comparison::Ne => !found.iter().any(|one| compare(&simple(one), Comparison::Eq, wanted, exact)),
        Comparison::Eq if wanted.is_null() => found.iter().all(|one| simple(one).is_null()),
        _ => found.iter().any(|one| compare(&simple(one), comparison, wanted, exact)),
    }
}

/// One simple value against another.
fn compare(have: &Json, comparison: Comparison, wanted: &Json, exact: bool) -> bool {
    match (have, wanted) {
        (Json::String(have), Json::String(wanted)) => {
            if let (Ok(have), Ok(wanted)) = (have.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
                return ordered(have.cmp(&wanted), comparison);
            }
            if exact {
                text(have, comparison, wanted)
            } else {
                text(&have.to_lowercase(), comparison, &wanted.to_lowercase())
            }
        }
        (Json::Bool(have), Json::Bool(wanted)) => have == wanted && comparison == Comparison::Eq,
        // Entra asks for `active eq "True"`.
        (Json::Bool(have), Json::String(wanted)) => {
            comparison == Comparison::Eq && wanted.eq_ignore_ascii_case(if *have { "true" } else { "false" })
        }
        (Json::Number(have), Json::Number(wanted)) => {
            let order = have.as_f64().zip(wanted.as_f64()).and_then(|(have, wanted)| have.partial_cmp(&wanted));
            order.is_some_and(|order| ordered(order, comparison))
        }
        _ => false,
    }
}

fn text(have: &str, comparison: Comparison, wanted: &str) -> bool {
    match comparison {
        Comparison::Co => have.contains(wanted),
        Comparison::Sw => have.starts_with(wanted),
        Comparison::Ew => have.ends_with(wanted),
        other => ordered(have.cmp(wanted), other),
    }
}

fn ordered(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Co | Comparison::Sw | Comparison::Ew => order.is_eq(),
    }
}

/// Refuses what is too long to be looked at.
pub(crate) fn bounded(text: &str) -> Result<(), Error> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    Err(invalid(format!("{} bytes; the limit is {LONGEST}", text.len())))
}

/// The beginning of a text, for a message.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(60).collect::<String>().escape_debug().to_string()
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::Bad { kind: ScimType::InvalidFilter, detail: detail.into() }
}

/// Reads a filter.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Parser<'a> {
        Parser { text, at: 0, depth: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn bad(&self, what: &str) -> Error {
        invalid(format!("filter, byte {}: {what}, at `{}`", self.at, shorten(self.rest())))
    }

    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(crate) fn expect(&mut self, wanted: char) -> Result<(), Error> {
        self.skip();
        if self.rest().starts_with(wanted) {
            self.at += wanted.len_utf8();
            return Ok(());
        }
        Err(self.bad(&format!("`{wanted}` is missing")))
    }

    /// A word, when it is the next one. Case does not matter.
    fn word(&mut self, wanted: &str) -> bool {
        self.skip();
        let Some(head) = self.rest().get(..wanted.len()) else { return false };
        let after = self.rest()[wanted.len()..].chars().next();
        let ends = after.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.' | ':'));
        if head.eq_ignore_ascii_case(wanted) && ends {
            self.at += wanted.len();
            return true;
        }
        false
    }

    /// `or` binds loosest.
    pub(crate) fn filter(&mut self) -> Result<Filter, Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.bad("nested too deep"));
        }
        let mut left = self.conjunction()?;
        while self.word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Filter, Error> {
        let mut left = self.term()?;
        while self.word("and") {
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Filter, Error> {
        let before = self.at;
        if self.word("not") {
            self.skip();
            if self.rest().starts_with('(') {
                return self.parenthesised().map(|inner| Filter::Not(Box::new(inner)));
            }
            self.at = before;
        }
        self.skip();
        if self.rest().starts_with('(') {
            return self.parenthesised();
        }
        let path = self.attribute()?;
        if self.rest().starts_with('[') {
            self.at += 1;
            let inner = self.filter()?;
            self.expect(']')?;
            return Ok(Filter::Values(path, Box::new(inner)));
        }
        if self.word("pr") {
            return Ok(Filter::Present(path));
        }
        let comparison = Comparison::ALL.iter().copied().find(|comparison| self.word(comparison.as_str()));
        let comparison =
            comparison.ok_or_else(|| self.bad("one of pr, eq, ne, co, sw, ew, gt, ge, lt, le is missing"))?;
        let value = self.value()?;
        self.sensible(comparison, value).map(|value| Filter::Compare(path, comparison, value))
    }

    fn sensible(&self, comparison: Comparison, value: Json) -> Result<Json, Error> {
        let only_text = matches!(comparison, Comparison::Co | Comparison::Sw | Comparison::Ew);
        let only_ordered = matches!(comparison, Comparison::Gt | Comparison::Ge | Comparison::Lt | Comparison::Le);
        match &value {
            Json::Bool(_) | Json::Null if only_ordered || only_text => {
                Err(self.bad(&format!("`{comparison}` cannot compare with {value}")))
            }
            Json::Number(_) if only_text => Err(self.bad(&format!("`{comparison}` needs a text"))),
            _ => Ok(value),
        }
    }

    fn parenthesised(&mut self) -> Result<Filter, Error> {
        self.expect('(')?;
        let inner = self.filter()?;
        self.expect(')')?;
        Ok(inner)
    }

    fn attribute(&mut self) -> Result<AttributePath, Error> {
        self.skip();
        let rest = self.rest();
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | '"')).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.bad("an attribute is missing"));
        }
        let path = AttributePath::parse(&rest[..end]).map_err(|_| self.bad("this is no attribute"))?;
        self.at += end;
        Ok(path)
    }

    /// A value of JSON that is no structure.
    fn value(&mut self) -> Result<Json, Error> {
        self.skip();
        let rest = self.rest();
        if !rest.starts_with('"') {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | ']')).unwrap_or(rest.len());
            let value = match rest[..end].to_ascii_lowercase().as_str() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                "null" => Json::Null,
                text => number(text)
                    .map(Json::Number)
                    .ok_or_else(|| self.bad("a value is missing: \"text\", a number, true, false or null"))?,
            };
            self.at += end;
            return Ok(value);
        }
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find_map(|(at, c)| match c {
            _ if escaped => {
                escaped = false;
                None
            }
            '\\' => {
                escaped = true;
                None
            }
            '"' => Some(at + 1),
            _ => None,
        });
        let end = end.ok_or_else(|| self.bad("the text has no end"))?;
        let value = serde_json::from_str::<String>(&rest[..end]).map_err(|_| self.bad("this is no text of JSON"))?;
        self.at += end;
        Ok(Json::String(value))
    }
}

/// A number of JSON, to its last digit: the JSON library may miss that one where there are many.
fn number(text: &str) -> Option<serde_json::Number> {
    let read: serde_json::Number = serde_json::from_str(text).ok()?;
    if read.is_f64() { serde_json::Number::from_f64(text.parse().ok()?) } else { Some(read) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filters() -> impl Strategy<Value = Filter> {
        let names = ["userName", "emails.type", "name.familyName", "active", "meta.created", "x509Certificates"];
        let name = proptest::sample::select(names.to_vec());
        let path = name.prop_map(|name| AttributePath::parse(name).unwrap());
        let value = prop_oneof![
            "[ -~é\\n]{0,8}".prop_map(Json::String),
            any::<bool>().prop_map(Json::Bool),
            any::<i32>().prop_map(Json::from),
            Just(Json::Null)
        ];
        let leaf = prop_oneof![
            path.clone().prop_map(Filter::Present),
            (path, value).prop_map(|(path, value)| Filter::Compare(path, Comparison::Eq, value)),
        ];
        leaf.prop_recursive(4, 16, 2, |inner| {
            let pair = (inner.clone(), inner.clone());
            let values = AttributePath::parse("emails").unwrap();
            prop_oneof![
                pair.clone().prop_map(|(a, b)| Filter::And(Box::new(a), Box::new(b))),
                pair.prop_map(|(a, b)| Filter::Or(Box::new(a), Box::new(b))),
                inner.clone().prop_map(|a| Filter::Not(Box::new(a))),
                inner.prop_map(move |a| Filter::Values(values.clone(), Box::new(a))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(filter in filters()) {
            prop_assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z .\\[\\]()\"\\\\é0-9]{0,60}") {
            let _ = Filter::parse(&text);
            let _ = crate::path::Path::parse(&text);
        }
    }

    #[test]
    fn depth_has_a_limit() {
        assert!(Filter::parse(&"(".repeat(5_000)).is_err());
        assert!(Filter::parse(&format!("{}a pr{}", "(".repeat(10), ")".repeat(10))).is_ok());
    }
}
