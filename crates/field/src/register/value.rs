//! One value of the register: its form, how people write it, how it is stored.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Param, Row};

use crate::alarm::ladder;
use crate::road::Hours;
use crate::speech::{Sentence, say};

/// Longest text, in characters.
const LONGEST_TEXT: usize = 500;
/// Longest shape, in characters.
const LONGEST_SHAPE: usize = 100_000;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    Text,
    /// A telephone number: `+670 7700 0011`.
    Phone,
    /// One of these words.
    Word(&'static [&'static str]),
    Whole {
        least: i64,
        most: i64,
    },
    Real {
        least: f64,
        most: f64,
    },
    /// `2026-11-21`: the start of that day in UTC, as an instant.
    Day,
    /// `yes` or `no`.
    Flag,
    /// An IANA time zone: `Asia/Dili`.
    Zone,
    /// The key of a record of another noun.
    Key(&'static str),
    /// Steps of an escalation: see [`crate::Ladder`].
    Ladder,
    /// When something is open: see [`crate::road::Hours`].
    Hours,
    /// Polygons or lines as GeoJSON or well-known text, kept as GeoJSON.
    Shape,
}

/// A value that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Whole(i64),
    Real(f64),
    Text(String),
}

impl Form {
    /// The name of the form in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Phone => "phone",
            Form::Word(_) => "word",
            Form::Whole { .. } => "whole",
            Form::Real { .. } => "real",
            Form::Day => "day",
            Form::Flag => "flag",
            Form::Zone => "time-zone",
            Form::Key(_) => "key",
            Form::Ladder => "ladder",
            Form::Shape => "shape",
            Form::Hours => "hours",
        }
    }

    /// The words that may stand there, when they are few.
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Form::Word(words) => words,
            Form::Flag => &["yes", "no"],
            _ => &[],
        }
    }

    /// Reads what somebody wrote. `None`: nothing.
    ///
    /// # Errors
    /// What is wrong with it, and how it is written.
    pub fn parse(self, text: &str) -> Result<Option<Value>, Sentence> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let length = text.chars().count();
        let limit = if self == Form::Shape { LONGEST_SHAPE } else { LONGEST_TEXT };
        if length > limit {
            return Err(say!("it has {length} characters; the limit is {limit}", length, limit));
        }
        self.parse_present(text).map(Some)
    }

    fn parse_present(self, text: &str) -> Result<Value, Sentence> {
        let owned = || Value::Text(text.to_owned());
        match self {
            Form::Text => Ok(owned()),
            Form::Phone if is_phone(text) => Ok(owned()),
            Form::Phone => Err(say!("`{text}` is no telephone number; write it as +670 7700 0011", text)),
            Form::Word(words) => {
                let folded = text.to_lowercase();
                let known = words.iter().any(|word| *word == folded);
                known
                    .then_some(Value::Text(folded))
                    .ok_or_else(|| say!("`{kind}` is none of {kinds}", kind = text, kinds = words.to_vec()))
            }
            Form::Whole { least, most } => {
                let value = text.parse().ok().filter(|value| (least..=most).contains(value));
                let number = value.map(Value::Whole);
                number.ok_or_else(|| say!("`{text}` is not a whole number from {least} to {most}", text, least, most))
            }
            Form::Real { least, most } => {
                let value = text.parse().ok().filter(|value| (least..=most).contains(value));
                let (least, most) = (least.to_string(), most.to_string());
                value
                    .map(Value::Real)
                    .ok_or_else(|| say!("`{text}` is not a number from {least} to {most}", text, least, most))
            }
            Form::Day => day(text).map(|at| Value::Whole(at.micros())),
            Form::Flag => match text.to_lowercase().as_str() {
                "yes" => Ok(Value::Whole(1)),
                "no" => Ok(Value::Whole(0)),
                _ => Err(say!("`{text}` is neither `yes` nor `no`", text)),
            },
            Form::Zone => match TimeZone::get(text) {
                Ok(_) => Ok(owned()),
                Err(_) => Err(say!("there is no time zone `{text}`; write it as Asia/Dili", text)),
            },
            Form::Key(_) => Ok(Value::Text(key(text)?)),
            Form::Ladder => Ok(Value::Text(ladder::to_text(&ladder::parse(text)?))),
            Form::Shape => Ok(Value::Text(shape(text)?)),
            Form::Hours => Ok(Hours::parse(text).map(|_| owned())?),
        }
    }

    /// As people write it.
    pub fn show(self, value: &Value) -> String {
        match (self, value) {
            (Form::Day, Value::Whole(micros)) => Timestamp(*micros).date_text(),
            (Form::Flag, Value::Whole(flag)) => if *flag == 0 { "no" } else { "yes" }.to_owned(),
            (_, Value::Whole(value)) => value.to_string(),
            (_, Value::Real(value)) => value.to_string(),
            (_, Value::Text(text)) => text.clone(),
        }
    }

    pub(crate) fn bind(self, value: Option<&Value>) -> Param {
        match (self, value) {
            (Form::Whole { .. } | Form::Day | Form::Flag, Some(Value::Whole(value))) => Param::Int(Some(*value)),
            (Form::Whole { .. } | Form::Day | Form::Flag, _) => Param::Int(None),
            (Form::Real { .. }, Some(Value::Real(value))) => Param::Real(Some(*value)),
            (Form::Real { .. }, _) => Param::Real(None),
            (_, Some(Value::Text(text))) => Param::Text(Some(text.clone())),
            (_, _) => Param::Text(None),
        }
    }

    pub(crate) fn read(self, row: &Row, column: &str) -> Result<Option<Value>, store::Error> {
        Ok(match self {
            Form::Whole { .. } | Form::Day | Form::Flag => row.int_opt(column)?.map(Value::Whole),
            Form::Real { .. } => row.real_opt(column)?.map(Value::Real),
            Form::Text
            | Form::Phone
            | Form::Word(_)
            | Form::Zone
            | Form::Key(_)
            | Form::Ladder
            | Form::Shape
            | Form::Hours => row.text_opt(column)?.map(|text| Value::Text(text.to_owned())),
        })
    }
}

/// Digits, at least three, with what people put between them; what is to be dialled after it may follow `x` or `ext`.
fn is_phone(text: &str) -> bool {
    let lower = text.to_lowercase();
    let number = lower.split(['x', 'e', '#']).next().unwrap_or_default();
    let digits = number.chars().filter(char::is_ascii_digit).count();
    digits >= 3 && number.chars().all(|c| c.is_ascii_digit() || " +-()./\u{a0}".contains(c))
}

/// A shape as GeoJSON.
fn shape(text: &str) -> Result<String, Sentence> {
    let json = if text.starts_with('{') {
        serde_json::from_str(text).map_err(|error| say!("it is no JSON: {error}", error = error.to_string()))?
    } else {
        let neither = || say!("it is neither GeoJSON nor WKT: POLYGON ((125.5 -8.5, …))");
        geography::wkt::read(text).ok_or_else(neither)?
    };
    let is_area = geography::geojson::region(&json).map_err(|error| error.to_string())?.is_some();
    if !is_area && geography::geojson::line(&json).is_none() {
        return Err(say!("it is neither a polygon nor a line: rings end where they begin, longitude first"));
    }
    Ok(json.to_string())
}

/// The start of a day in UTC.
fn day(text: &str) -> Result<Timestamp, Sentence> {
    let refuse = || say!("`{text}` is not a day; write it as 2026-11-21", text);
    let date: Date = text.parse().map_err(|_| refuse())?;
    format!("{date}T00:00:00Z").parse().map_err(|_| refuse())
}

/// A key: 1 to 40 letters, digits and `-_./`, in capitals.
///
/// # Errors
/// How keys are written.
pub(crate) fn key(text: &str) -> Result<String, Sentence> {
    let text = text.trim();
    let fits = (1..=40).contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if fits {
        Ok(text.to_uppercase())
    } else {
        Err(say!("`{text}` is not a key: 1 to 40 letters, digits, `-`, `_`, `.` or `/`, without blanks", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody writes, and what it is shown as after.
    fn check(form: Form, text: &str, shown: Result<Option<&str>, &str>) {
        let parsed = form.parse(text);
        match shown {
            Ok(shown) => {
                let value = parsed.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(value.map(|value| form.show(&value)).as_deref(), shown, "{text}");
            }
            Err(problem) => assert!(parsed.as_ref().is_err_and(|error| error.contains(problem)), "{text}: {parsed:?}"),
        }
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        check(Form::Text, "  Office ", Ok(Some("Office")));
        check(Form::Text, "   ", Ok(None));
        check(Form::Text, &"x".repeat(501), Err("501 characters"));
        check(Form::Phone, "+670 (77) 000-011 ext 5", Ok(Some("+670 (77) 000-011 ext 5")));
        check(Form::Phone, "112", Ok(Some("112")));
        check(Form::Phone, "abc", Err("no telephone number"));
        check(Form::Phone, "call Ana 555", Err("no telephone number"));
        check(Form::Word(&["low", "high"]), "HIGH", Ok(Some("high")));
        check(Form::Word(&["low", "high"]), "medium", Err("none of low, high"));
        check(Form::Whole { least: 1, most: 5 }, "5", Ok(Some("5")));
        check(Form::Whole { least: 1, most: 5 }, "6", Err("from 1 to 5"));
        check(Form::Real { least: -90.0, most: 90.0 }, "-8.55", Ok(Some("-8.55")));
        check(Form::Real { least: -90.0, most: 90.0 }, "NaN", Err("from -90 to 90"));
        check(Form::Day, "2026-02-28", Ok(Some("2026-02-28")));
        check(Form::Day, "2026-02-29", Err("not a day"));
        check(Form::Flag, "Yes", Ok(Some("yes")));
        check(Form::Flag, "1", Err("neither"));
        check(Form::Zone, "Asia/Dili", Ok(Some("Asia/Dili")));
        check(Form::Zone, "Dili", Err("no time zone"));
        check(Form::Key("person"), "p-14", Ok(Some("P-14")));
        check(Form::Key("person"), "p 14", Err("not a key"));
        check(Form::Ladder, "+0 desk radio; +15 focal-point", Ok(Some("+0 desk radio; +15 focal-point")));
        check(Form::Ladder, "+15 nobody", Err("nobody"));
    }
}
