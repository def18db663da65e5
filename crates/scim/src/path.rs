//! Names of attributes and the paths of PATCH (RFC 7644 §3.10, §3.5.2). Pure.

use std::fmt;

use crate::error::Error;
use crate::filter::{self, Filter, Parser};
use crate::schema;

/// `urn:…:User:name.familyName`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema, when the path names one that is an extension; core attributes need none.
    pub schema: Option<String>,
    pub name: String,
    pub sub: Option<String>,
}

impl AttributePath {
    /// From text.
    ///
    /// # Errors
    /// `invalidPath`
    pub fn parse(text: &str) -> Result<AttributePath, Error> {
        let bad = || Error::path(format!("`{}` is no name of an attribute", filter::shorten(text)));
        let (schema, rest) = split_schema(text);
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
            return Err(bad());
        }
        Ok(AttributePath { schema, name: name.to_owned(), sub: sub.map(str::to_owned) })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.name)?;
        self.sub.as_ref().map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}

/// A schema before an attribute: the longest known one. Core schemas are dropped, extensions kept in their own spelling.
fn split_schema(text: &str) -> (Option<String>, &str) {
    let known = schema::ALL.iter().find_map(|schema| {
        let head = text.get(..schema.id.len())?;
        let rest = text[schema.id.len()..].strip_prefix(':')?;
        head.eq_ignore_ascii_case(schema.id).then_some((schema, rest))
    });
    match known {
        Some((schema, rest)) => (schema.extension.then(|| schema.id.to_owned()), rest),
        None => (None, text),
    }
}

/// ALPHA *("-" / "_" / DIGIT / ALPHA), or `$ref`.
fn is_name(text: &str) -> bool {
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    text == "$ref" || plain(text)
}

/// The target of an operation of PATCH.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// A whole extension: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`.
    Extension(String),
    Attribute(AttributePath),
    /// `emails[type eq "work"]` and `emails[type eq "work"].value`.
    Values {
        attribute: AttributePath,
        filter: Filter,
        sub: Option<String>,
    },
}

impl Path {
    /// From text.
    ///
    /// # Errors
    /// `invalidPath`; `invalidFilter` for what stands in brackets.
    pub fn parse(text: &str) -> Result<Path, Error> {
        let text = text.trim();
        filter::bounded(text)?;
        if let Some(schema) = schema::ALL.iter().find(|schema| schema.extension && schema.id.eq_ignore_ascii_case(text))
        {
            return Ok(Path::Extension(schema.id.to_owned()));
        }
        let Some(open) = text.find('[') else { return AttributePath::parse(text).map(Path::Attribute) };
        let attribute = AttributePath::parse(&text[..open])?;
        let mut parser = Parser::new(&text[open + 1..]);
        let filter = parser.filter()?;
        parser.expect(']')?;
        let rest = parser.rest();
        let sub = match rest.strip_prefix('.') {
            None if rest.is_empty() => None,
            Some(sub) if is_name(sub) => Some(sub.to_owned()),
            _ => return Err(Error::path(format!("`{}` stands after the brackets", filter::shorten(rest)))),
        };
        if attribute.sub.is_some() {
            return Err(Error::path(format!("`{attribute}` has a part before the brackets")));
        }
        Ok(Path::Values { attribute, filter, sub })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Extension(schema) => f.write_str(schema),
            Path::Attribute(attribute) => attribute.fmt(f),
            Path::Values { attribute, filter, sub } => {
                write!(f, "{attribute}[{filter}]")?;
                sub.as_ref().map_or(Ok(()), |sub| write!(f, ".{sub}"))
            }
        }
    }
}
