//! Compares an answer with a printed one: numbers to six digits, instants to the millisecond, JSON by value; rows as
//! a multiset unless the query ends with an order.

use serde_json::Value as Json;

pub enum Verdict {
    Right,
    /// The rows are right, a column has another name than the page prints.
    OtherNames,
    Wrong(&'static str),
    Refused,
}

pub fn verdict(example: &Json, answer: &Json) -> Verdict {
    if answer.get("error").is_some() {
        return Verdict::Refused;
    }
    let list = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let (columns, rows) = (list(&answer["columns"]), list(&answer["rows"]));
    let (wanted_columns, wanted_rows) = (list(&example["expected"]["columns"]), list(&example["expected"]["rows"]));
    if columns.len() != wanted_columns.len() {
        return Verdict::Wrong("width");
    }
    if rows.len() != wanted_rows.len() {
        return Verdict::Wrong("row count");
    }
    let query = example["query"].as_str().unwrap_or_default();
    let last = query.rsplit('|').next().unwrap_or_default().trim_start();
    let ordered = ["sort", "order", "top "].iter().any(|operator| last.starts_with(operator));
    let same_row = |left: &Json, right: &Json| {
        let (left, right) = (list(left), list(right));
        left.len() == right.len() && left.iter().zip(&right).all(|(left, right)| same(left, right))
    };
    let mut left_over = wanted_rows;
    for (at, row) in rows.iter().enumerate() {
        let found = if ordered {
            (at < rows.len() && left_over.first().is_some_and(|wanted| same_row(row, wanted))).then_some(0)
        } else {
            left_over.iter().position(|wanted| same_row(row, wanted))
        };
        match found {
            Some(found) => {
                left_over.remove(found);
            }
            None => return Verdict::Wrong("values"),
        }
    }
    if columns == wanted_columns { Verdict::Right } else { Verdict::OtherNames }
}

/// Blank, null and absent are printed alike.
fn blank(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => matches!(text.trim().to_lowercase().as_str(), "" | "null" | "(null)" | "none"),
        _ => false,
    }
}

fn same(left: &Json, right: &Json) -> bool {
    if blank(left) || blank(right) {
        return blank(left) && blank(right);
    }
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return left == right
            || left.is_nan() && right.is_nan()
            || (left - right).abs() <= 1e-6 * left.abs().max(right.abs()).max(1.0);
    }
    match (structure(left), structure(right)) {
        (Some(Json::Array(left)), Some(Json::Array(right))) => {
            return left.len() == right.len() && left.iter().zip(&right).all(|(left, right)| same(left, right));
        }
        (Some(Json::Object(left)), Some(Json::Object(right))) => {
            return left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)));
        }
        _ => {}
    }
    let (left, right) = (words(left), words(right));
    match (instant(&left), instant(&right)) {
        (Some(left), Some(right)) => (left - right).abs() <= 10_000,
        _ => match (lake::query::calendar::parse_timespan(&left), lake::query::calendar::parse_timespan(&right)) {
            (Some(left), Some(right)) => (left - right).abs() <= 10_000,
            _ => left == right,
        },
    }
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Json::String(text) => match text.trim().to_lowercase().as_str() {
            "true" => Some(1.0),
            "false" => Some(0.0),
            "nan" => Some(f64::NAN),
            "inf" | "infinity" | "∞" => Some(f64::INFINITY),
            "-inf" | "-infinity" | "-∞" => Some(f64::NEG_INFINITY),
            number => number.replace(',', "").parse().ok(),
        },
        _ => None,
    }
}

fn structure(value: &Json) -> Option<Json> {
    match value {
        Json::Array(_) | Json::Object(_) => Some(value.clone()),
        Json::String(text) if text.trim_start().starts_with(['[', '{']) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn words(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn instant(text: &str) -> Option<i64> {
    let dated = text.len() >= 10 && text.as_bytes()[4] == b'-';
    if dated { lake::query::calendar::parse_datetime(text) } else { None }
}
