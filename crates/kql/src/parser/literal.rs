//! Constants: numbers, instants, durations, dynamic values.

use kernel::value::{ScalarType, Value};
use serde_json::Value as Json;

use super::Parser;
use crate::codes;
use crate::lexer::{TokenKind, string_value};
use crate::syntax::{Expr, ExprKind};
use kernel::diagnostic::Diagnostic;

const TICKS_PER_SECOND: i64 = 10_000_000;

/// The type that a name spells.
pub(crate) fn scalar_type(name: &str) -> Option<ScalarType> {
    Some(match name {
        "bool" | "boolean" => ScalarType::Bool,
        "int" => ScalarType::Int,
        "long" => ScalarType::Long,
        "real" | "double" => ScalarType::Real,
        "decimal" => ScalarType::Decimal,
        "string" => ScalarType::String,
        "datetime" | "date" => ScalarType::DateTime,
        "timespan" | "time" => ScalarType::TimeSpan,
        "guid" | "uuid" | "uniqueid" => ScalarType::Guid,
        "dynamic" => ScalarType::Dynamic,
        _ => return None,
    })
}

impl Parser<'_> {
    /// A constant when the next token is one.
    pub(super) fn literal(&mut self) -> Option<Expr> {
        let token = self.token(0)?;
        let text = self.slice(token.span);
        let (value, scalar) = match token.kind {
            TokenKind::String => {
                let mut value = string_value(text);
                // Adjacent strings are one.
                while self.kind(1) == Some(TokenKind::String) {
                    self.at += 1;
                    value.push_str(&string_value(self.text(0)));
                }
                (Some(Value::String(value)), ScalarType::String)
            }
            TokenKind::Long => (parse_long(text).map(Value::Long), ScalarType::Long),
            TokenKind::Real => (text.parse().ok().map(Value::Real), ScalarType::Real),
            TokenKind::TimeSpan => (parse_unit_span(text).map(Value::TimeSpan), ScalarType::TimeSpan),
            TokenKind::Typed => typed(text),
            TokenKind::Word if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") => {
                (Some(Value::Bool(text.eq_ignore_ascii_case("true"))), ScalarType::Bool)
            }
            TokenKind::Word if text == "dynamic" && self.is_at(1, "(") => return Some(self.dynamic_literal()),
            _ => return None,
        };
        self.at += 1;
        let span = self.since(token.span);
        let value = value.unwrap_or_else(|| {
            let message = format!("`{text}` is not a {scalar} constant");
            self.diagnostics.push(Diagnostic::error(codes::BAD_NUMBER, span, message).with_help(example(scalar)));
            Value::Null
        });
        Some(Expr { kind: ExprKind::Literal(value, scalar), span })
    }

    fn dynamic_literal(&mut self) -> Expr {
        let start = self.here();
        self.at += 2;
        let json = self.json();
        self.expect(")");
        let value = if json.is_null() { Value::Null } else { Value::Dynamic(json) };
        Expr { kind: ExprKind::Literal(value, ScalarType::Dynamic), span: self.since(start) }
    }

    fn json(&mut self) -> Json {
        self.scoped(Self::json_value, |_| Json::Null)
    }

    fn json_value(&mut self) -> Json {
        if self.eat("[") {
            let mut items = Vec::new();
            while !self.is("]") && self.at < self.tokens.len() {
                items.push(self.json());
                if !self.eat(",") {
                    break;
                }
                if self.is("]") {
                    self.expected("a value");
                }
            }
            self.expect("]");
            return Json::Array(items);
        }
        if self.eat("{") {
            return self.json_bag();
        }
        if self.eat("null") {
            return Json::Null;
        }
        let negative = self.eat("-");
        match self.literal().map(|literal| literal.kind) {
            Some(ExprKind::Literal(value, _)) => match (negative, value) {
                (true, Value::Long(number)) => Json::from(-number),
                (true, Value::Real(number)) => Value::Real(-number).to_json(),
                (_, value) => value.to_json(),
            },
            _ => {
                self.expected("a constant of a dynamic value");
                Json::Null
            }
        }
    }

    fn json_bag(&mut self) -> Json {
        let mut bag = serde_json::Map::new();
        while !self.is("}") && self.at < self.tokens.len() {
            let key = match self.kind(0) {
                Some(TokenKind::String) => string_value(self.text(0)),
                Some(TokenKind::Word) => self.text(0).to_owned(),
                _ => {
                    self.expected("a key in quotes");
                    break;
                }
            };
            self.at += 1;
            if !self.expect(":") {
                break;
            }
            let value = self.json();
            bag.insert(key, value);
            if !self.eat(",") {
                break;
            }
            if self.is("}") {
                self.expected("a key with its value");
            }
        }
        self.expect("}");
        Json::Object(bag)
    }
}

fn example(scalar: ScalarType) -> &'static str {
    match scalar {
        ScalarType::DateTime => "write datetime(2026-11-21 08:15:00)",
        ScalarType::TimeSpan => "write 1d, 2h, 30m, 10s or timespan(1.02:30:00)",
        ScalarType::Guid => "write guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
        ScalarType::Long | ScalarType::Int => "the range is that of a 64-bit (int: 32-bit) number",
        _ => "write it as in long(1), real(1.5), bool(true)",
    }
}

fn parse_long(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(u64::cast_signed),
        None => text.parse().ok(),
    }
}

/// `name(content)` as a value of the type that it names.
fn typed(text: &str) -> (Option<Value>, ScalarType) {
    let (name, content) = text.split_once('(').unwrap_or((text, ""));
    let scalar = scalar_type(name.trim()).unwrap_or(ScalarType::Dynamic);
    let content = content.trim_end_matches(')').trim();
    let content = content.trim_matches(|c| c == '"' || c == '\'');
    if content == "null" {
        return (Some(Value::Null), scalar);
    }
    let value = match scalar {
        ScalarType::Bool => match content.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        ScalarType::Int => parse_long(content).and_then(|n| i32::try_from(n).ok()).map(Value::Int),
        ScalarType::Long => parse_long(content).map(Value::Long),
        ScalarType::Real => parse_real(content).map(Value::Real),
        ScalarType::Decimal => decimal(content).map(Value::Decimal),
        ScalarType::DateTime => parse_datetime(content).or_else(|| spaced_date(content)).map(Value::DateTime),
        ScalarType::TimeSpan => parse_timespan(content).map(Value::TimeSpan),
        ScalarType::Guid => guid(content).map(Value::Guid),
        ScalarType::String | ScalarType::Dynamic => None,
    };
    (value, scalar)
}

/// `2026, 6, 14` and `2026 - 06 - 14`.
fn spaced_date(content: &str) -> Option<i64> {
    let parts: Vec<&str> = content.split([',', '-']).map(str::trim).collect();
    if parts.len() != 3 { None } else { parse_datetime(&parts.join("-")) }
}

fn parse_real(content: &str) -> Option<f64> {
    match content.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "+inf" | "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

fn decimal(content: &str) -> Option<String> {
    content.parse::<f64>().is_ok_and(f64::is_finite).then(|| content.to_owned())
}

pub(crate) fn guid(content: &str) -> Option<String> {
    let digits: String = content.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
    let plain = content.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    (plain && digits.len() == 32).then(|| {
        format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
    })
}

/// `1.5h`, `10 seconds`.
fn parse_unit_span(text: &str) -> Option<i64> {
    let split = text.find(|c: char| c.is_alphabetic())?;
    let number = text[..split].trim();
    let unit: f64 = match text[split..].trim() {
        "d" | "day" | "days" => 864e9,
        "h" | "hr" | "hrs" | "hour" | "hours" => 36e9,
        "m" | "min" | "minute" | "minutes" => 6e8,
        "s" | "sec" | "second" | "seconds" => 1e7,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1e4,
        "micro" | "micros" | "microsecond" | "microseconds" => 10.0,
        "nanosecond" | "nanoseconds" => 0.01,
        "tick" | "ticks" => 1.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "units of a whole tick or more are exact in f64 as integers")]
    if let (Ok(whole), true) = (number.parse::<i64>(), unit >= 1.0) {
        return whole.checked_mul(unit as i64);
    }
    let ticks = number.parse::<f64>().ok()? * unit;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
    (ticks.abs() < 9e18).then(|| ticks.round() as i64)
}

/// Ticks of `1d`, `2` (days), `1.02:03:04.5`, `02:03`.
pub(crate) fn parse_timespan(content: &str) -> Option<i64> {
    if content.contains(|c: char| c.is_alphabetic()) {
        return parse_unit_span(content);
    }
    let (sign, body) = content.strip_prefix('-').map_or((1, content), |body| (-1, body));
    if !body.contains(':') {
        return parse_unit_span(&format!("{body}d")).map(|ticks| sign * ticks);
    }
    let mut parts = body.split(':');
    let (head, minutes) = (parts.next()?, parts.next()?);
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = head.split_once('.').unwrap_or(("0", head));
    let (days, hours, minutes): (i64, i64, i64) = (days.parse().ok()?, hours.parse().ok()?, minutes.parse().ok()?);
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let seconds: i64 = seconds.parse().ok()?;
    if !(0..24).contains(&hours) || !(0..60).contains(&minutes) || !(0..60).contains(&seconds) {
        return None;
    }
    let seconds = days.checked_mul(86_400)?.checked_add(hours * 3_600 + minutes * 60 + seconds)?;
    Some(sign * (seconds.checked_mul(TICKS_PER_SECOND)?.checked_add(fraction_ticks(fraction)?)?))
}

/// Ticks of the digits after the point; digits beyond the seventh are cut.
fn fraction_ticks(digits: &str) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    let seven: String = digits.chars().chain("0000000".chars()).take(7).collect();
    if digits.chars().all(|c| c.is_ascii_digit()) { seven.parse().ok() } else { None }
}

/// Ticks since 0001-01-01 of ISO 8601 text (parts may be missing from the right) or `month/day/year`.
pub(crate) fn parse_datetime(content: &str) -> Option<i64> {
    let content = content.trim();
    let (date, time) = match content.find(['T', ' ', 't']) {
        Some(at) => (&content[..at], content[at + 1..].trim()),
        None => (content, ""),
    };
    let numbers = |separator: char| date.split(separator).map(|n| n.parse::<i16>().ok()).collect::<Option<Vec<i16>>>();
    let (year, month, day) = if date.contains('/') {
        match numbers('/')?.as_slice() {
            [month, day, year] => (*year, *month, *day),
            _ => return None,
        }
    } else {
        match numbers('-')?.as_slice() {
            [year] if date.len() == 4 => (*year, 1, 1),
            [year, month] => (*year, *month, 1),
            // As .NET reads it: a year in the last place puts the month first.
            [month, day, year] if date.len() - date.rfind('-')? == 5 => (*year, *month, *day),
            [year, month, day] => (*year, *month, *day),
            _ => return None,
        }
    };
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    if !(1..=9999).contains(&date.year()) {
        return None;
    }
    let ticks = days_since_year_one(date) * 86_400 * TICKS_PER_SECOND + time_ticks(time)?;
    (0..=3_155_378_975_999_999_999).contains(&ticks).then_some(ticks)
}

/// Days since 0001-01-01. (`jiff`'s instants end a day before KQL's.)
fn days_since_year_one(date: jiff::civil::Date) -> i64 {
    let years = i64::from(date.year()) - 1;
    years * 365 + years / 4 - years / 100 + years / 400 + i64::from(date.day_of_year()) - 1
}

/// Ticks of `hh[:mm[:ss[.fffffff]]]` with an optional `Z` or `+hh:mm`, which is taken off.
fn time_ticks(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text).trim();
    let (clock, zone) = match text.find(['+', '-']) {
        Some(at) => (&text[..at], &text[at..]),
        None => (text, ""),
    };
    let clock = if clock.contains(':') { clock.trim().to_owned() } else { format!("{}:00", clock.trim()) };
    let ticks = parse_timespan(&clock)?;
    if zone.is_empty() {
        return Some(ticks);
    }
    let (sign, zone) = zone.split_at(1);
    let zone = if zone.contains(':') { zone.to_owned() } else { format!("{}:{}", zone.get(..2)?, zone.get(2..)?) };
    let zone = parse_timespan(&zone)?;
    Some(if sign == "+" { ticks - zone } else { ticks + zone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::value::{datetime_text, timespan_text};

    #[test]
    fn instants() {
        for (text, expected) in [
            ("2020-01-31 10:20:30.1234567", "2020-01-31T10:20:30.1234567Z"),
            ("2020-01-31T10:20+02:00", "2020-01-31T08:20:00.0000000Z"),
            ("0001-01-01", "0001-01-01T00:00:00.0000000Z"),
            ("12/31/2020", "2020-12-31T00:00:00.0000000Z"),
        ] {
            assert_eq!(parse_datetime(text).map(datetime_text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(parse_datetime("9999-12-31 23:59:59.9999999"), Some(3_155_378_975_999_999_999));
        for text in ["", "2020-13-01", "tomorrow", "2020-01-01 25:00"] {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("1d", "1.00:00:00"),
            ("2", "2.00:00:00"),
            ("-1.02:03:04.5", "-1.02:03:04.5000000"),
            ("15 seconds", "00:00:15"),
        ] {
            assert_eq!(parse_timespan(text).map(timespan_text).as_deref(), Some(expected), "{text}");
        }
    }
}
