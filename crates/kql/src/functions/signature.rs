//! Reads the registry's one-line signatures.

use kernel::value::ScalarType;

use super::{Accepts, FunctionSpec, Overload, Parameter, Returns, Row};
use crate::parser::scalar_type;

/// A row as a specification. Rows are ours; a test reads every one.
pub(super) fn spec(row: &Row) -> FunctionSpec {
    let name = row.signatures.split('(').next().unwrap_or_default();
    let overloads = row.signatures.split(" | ").map(|text| overload(name, text)).collect();
    FunctionSpec { name, aliases: row.aliases, class: row.class, overloads, doc: row.doc }
}

fn overload(name: &str, text: &'static str) -> Overload {
    let open = text.find('(').unwrap_or(0);
    let close = text.rfind(')').unwrap_or(text.len());
    let inner = text.get(open + 1..close).unwrap_or_default();
    let parts: Vec<&'static str> = inner.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let variadic = parts.last().is_some_and(|last| last.starts_with("..."));
    let parameters: Vec<Parameter> = parts.iter().map(|part| parameter(part)).collect();
    let returns = text.get(close + 1..).unwrap_or_default().trim_start_matches(':').trim();
    Overload {
        returns: returned(returns, &parameters),
        parameters,
        variadic,
        signature: readable(name, inner, returns),
    }
}

fn parameter(text: &'static str) -> Parameter {
    let (name, accepts) = text.split_once(':').unwrap_or((text, ""));
    let name = name.trim().trim_start_matches("...");
    let optional = name.ends_with('?');
    Parameter { name: name.trim_end_matches('?'), accepts: accepted(accepts.trim()), optional }
}

fn accepted(word: &str) -> Accepts {
    match word {
        "any" => Accepts::Any,
        "text" => Accepts::Text,
        "number" => Accepts::Number,
        "integer" => Accepts::Integer,
        "ordered" => Accepts::Ordered,
        "common" => Accepts::Common,
        word => Accepts::Type(scalar_type(word).unwrap_or(ScalarType::Dynamic)),
    }
}

/// A type, `common`, or the name of the parameter whose type it is.
fn returned(word: &str, parameters: &[Parameter]) -> Returns {
    match scalar_type(word) {
        Some(scalar) => Returns::Type(scalar),
        None if word == "common" => Returns::Common,
        None => Returns::SameAs(parameters.iter().position(|parameter| parameter.name == word).unwrap_or(0)),
    }
}

fn readable(name: &str, inner: &str, returns: &str) -> String {
    let returns = if scalar_type(returns).is_some() { returns.to_owned() } else { format!("type of {returns}") };
    // By its text or as it is: whoever calls it may give anything.
    format!("{name}({}): {returns}", inner.replace(": text", ": any"))
}
