//! KQL's conversions between types, value by value: the truth that every vectorised cast is tested against.

use arrow_buffer::i256;
use kernel::value::{datetime_text, timespan_text};
use kernel::{ScalarType, Value};
use serde_json::Value as Json;

use super::calendar::{self, DAY};
use super::decimal;
use super::dynamic::Dynamic;

/// What `toTYPE(value)` gives: null where KQL has no answer. A string is never null.
pub fn convert(value: &Value, to: ScalarType) -> Value {
    match to {
        ScalarType::Bool => to_bool(value).map_or(Value::Null, Value::Bool),
        ScalarType::Int => to_long(value).and_then(|number| i32::try_from(number).ok()).map_or(Value::Null, Value::Int),
        ScalarType::Long => to_long(value).map_or(Value::Null, Value::Long),
        ScalarType::Real => to_real(value).map_or(Value::Null, Value::Real),
        ScalarType::Decimal => to_decimal(value).map_or(Value::Null, |number| Value::Decimal(decimal::text(number))),
        ScalarType::String => Value::String(to_text(value)),
        ScalarType::DateTime => to_datetime(value).map_or(Value::Null, Value::DateTime),
        ScalarType::TimeSpan => to_timespan(value).map_or(Value::Null, Value::TimeSpan),
        ScalarType::Guid => to_guid(value).map_or(Value::Null, Value::Guid),
        ScalarType::Dynamic => to_dynamic(value).map_or(Value::Null, Value::Dynamic),
    }
}

/// `tostring`: total; null gives the empty string.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Real(number) => real_text(*number),
        Value::Decimal(text) | Value::String(text) | Value::Guid(text) => text.clone(),
        Value::DateTime(ticks) => datetime_text(*ticks),
        Value::TimeSpan(ticks) => timespan_text(*ticks),
        Value::Dynamic(json) => Dynamic::new(&Dynamic::text_of(json)).to_text().into_owned(),
    }
}

/// The shortest text that reads back as the same real, in KQL's notation (`1E+20`, `1E-05`, `NaN`).
pub fn real_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:E}");
    let exponent: i32 = scientific.split_once('E').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    if (-4..15).contains(&exponent) || number == 0.0 {
        return number.to_string();
    }
    let mantissa = scientific.split('E').next().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Int(number) => Some(*number != 0),
        Value::Long(number) => Some(*number != 0),
        Value::Real(number) => Some(*number != 0.0),
        Value::Decimal(text) => decimal::parse(text).map(|number| number != i256::ZERO),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            number => number.parse::<i64>().ok().map(|number| number != 0),
        },
        // An array or a bag stays what it is, so asking for its scalar would never end.
        Value::Dynamic(Json::Array(_) | Json::Object(_)) => None,
        Value::Dynamic(json) => to_bool(&scalar_of(json)),
        Value::Null | Value::DateTime(_) | Value::TimeSpan(_) | Value::Guid(_) => None,
    }
}

/// The scalar inside a dynamic value; arrays and bags stay dynamic.
pub fn scalar_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(long) => Value::Long(long),
            None => number.as_f64().map_or(Value::Null, Value::Real),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Dynamic(json.clone()),
    }
}

/// The whole number of `value`, reals cut towards zero.
pub fn to_long(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(truth) => Some(i64::from(*truth)),
        Value::Int(number) => Some(i64::from(*number)),
        Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => Some(*number),
        Value::Real(number) => real_to_long(*number),
        Value::Decimal(text) => decimal::parse(text).and_then(decimal::to_long),
        Value::String(text) => text_to_long(text),
        Value::Dynamic(Json::Array(_) | Json::Object(_)) | Value::Null | Value::Guid(_) => None,
        Value::Dynamic(json) => to_long(&scalar_of(json)),
    }
}

fn real_to_long(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9.223_372_036_854_775e18).then_some(number as i64)
}

/// `12`, `-0x1F`, `12.9` (cut).
pub fn text_to_long(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let number = u64::from_str_radix(hex, 16).ok()? as i64;
        return Some(if negative { number.wrapping_neg() } else { number });
    }
    text_to_real(text).and_then(real_to_long)
}

fn text_to_real(text: &str) -> Option<f64> {
    let text = text.trim();
    let numeric = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.'));
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        _ if numeric => text.parse().ok(),
        _ => None,
    }
}

/// The real number of `value`.
pub fn to_real(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Int(number) => Some(f64::from(*number)),
        Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        Value::Decimal(text) => text.parse().ok(),
        Value::String(text) => text_to_real(text).or_else(|| text_to_long(text).map(|number| number as f64)),
        Value::Dynamic(Json::Array(_) | Json::Object(_)) | Value::Null | Value::Guid(_) => None,
        Value::Dynamic(json) => to_real(&scalar_of(json)),
    }
}

/// The decimal of `value`, with 18 decimals.
pub fn to_decimal(value: &Value) -> Option<i256> {
    match value {
        Value::Decimal(text) | Value::String(text) => decimal::parse(text),
        Value::Real(number) => number.is_finite().then(|| decimal::parse(&format!("{number:E}"))).flatten(),
        Value::Dynamic(json) if !json.is_array() && !json.is_object() => to_decimal(&scalar_of(json)),
        other => to_long(other).and_then(|number| i256::from_i128(i128::from(number)).checked_mul(decimal::ONE)),
    }
}

fn to_datetime(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(ticks) | Value::Long(ticks) => {
            Some(*ticks).filter(|ticks| (0..=calendar::LAST).contains(ticks))
        }
        Value::Int(ticks) => u32::try_from(*ticks).ok().map(i64::from),
        Value::String(text) => calendar::parse_datetime(text),
        Value::Dynamic(Json::String(text)) => calendar::parse_datetime(text),
        _ => None,
    }
}

fn to_timespan(value: &Value) -> Option<i64> {
    match value {
        Value::TimeSpan(ticks) | Value::Long(ticks) => Some(*ticks),
        Value::Int(ticks) => Some(i64::from(*ticks)),
        Value::Real(days) => real_to_long(*days * DAY as f64),
        Value::String(text) => calendar::parse_timespan(text),
        Value::Dynamic(Json::String(text)) => calendar::parse_timespan(text),
        _ => None,
    }
}

fn to_guid(value: &Value) -> Option<String> {
    match value {
        Value::Guid(text) => Some(text.clone()),
        Value::String(text) | Value::Dynamic(Json::String(text)) => {
            uuid::Uuid::try_parse(text.trim()).ok().map(|guid| guid.to_string())
        }
        _ => None,
    }
}

/// `value` inside a dynamic: times and guids as text, reals that JSON cannot carry as text.
pub fn to_dynamic(value: &Value) -> Option<Json> {
    match value {
        Value::Null => None,
        Value::Decimal(text) => text.parse::<f64>().ok().map(Json::from),
        Value::Real(number) => {
            Some(serde_json::Number::from_f64(*number).map_or_else(|| Json::String(real_text(*number)), Json::Number))
        }
        other => Some(other.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tostring_is_total_and_prints_as_kql_does() {
        let checks = [
            (Value::Null, ""),
            (Value::Bool(true), "True"),
            (Value::Real(1.0), "1"),
            (Value::Real(1e20), "1E+20"),
            (Value::Real(0.000_01), "1E-05"),
            (Value::Real(1.5e-7), "1.5E-07"),
            (Value::DateTime(0), "0001-01-01T00:00:00.0000000Z"),
            (Value::TimeSpan(-10_000_000), "-00:00:01"),
            (Value::Dynamic(serde_json::json!({"a": [1, "x"]})), r#"{"a":[1,"x"]}"#),
            (Value::Dynamic(serde_json::json!("x")), "x"),
        ];
        for (value, text) in checks {
            assert_eq!(to_text(&value), text);
        }
    }

    #[test]
    fn numbers_from_text() {
        for (text, number) in [("12", Some(12)), ("-0x10", Some(-16)), ("12.9", Some(12)), ("", None), ("1a", None)] {
            assert_eq!(text_to_long(text), number, "{text}");
        }
    }
}
