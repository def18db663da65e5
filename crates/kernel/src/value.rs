//! Types and values of the one query language, as they cross a room's border.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// KQL's scalar types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalarType {
    Bool,
    Int,
    Long,
    Real,
    Decimal,
    String,
    DateTime,
    TimeSpan,
    Guid,
    Dynamic,
}

impl ScalarType {
    /// The keyword in KQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            ScalarType::Bool => "bool",
            ScalarType::Int => "int",
            ScalarType::Long => "long",
            ScalarType::Real => "real",
            ScalarType::Decimal => "decimal",
            ScalarType::String => "string",
            ScalarType::DateTime => "datetime",
            ScalarType::TimeSpan => "timespan",
            ScalarType::Guid => "guid",
            ScalarType::Dynamic => "dynamic",
        }
    }

    /// The type that a word of a schema means: the keyword, one of KQL's aliases or a .NET name, in any case.
    pub fn parse(word: &str) -> Option<ScalarType> {
        let word = word.trim().to_ascii_lowercase();
        Some(match word.strip_prefix("system.").unwrap_or(&word) {
            "bool" | "boolean" | "sbyte" => ScalarType::Bool,
            "int" | "int32" => ScalarType::Int,
            "long" | "int64" | "bigint" => ScalarType::Long,
            "real" | "double" | "float" | "single" => ScalarType::Real,
            "decimal" | "sqldecimal" | "data.sqltypes.sqldecimal" => ScalarType::Decimal,
            "string" => ScalarType::String,
            "datetime" | "date" => ScalarType::DateTime,
            "timespan" | "time" => ScalarType::TimeSpan,
            "guid" | "uuid" | "uniqueid" => ScalarType::Guid,
            "dynamic" | "object" => ScalarType::Dynamic,
            _ => return None,
        })
    }
}

impl std::fmt::Display for ScalarType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value of a result or of a fact table.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Real(f64),
    /// Canonical text of a decimal.
    Decimal(String),
    String(String),
    /// KQL ticks: 100 ns since 0001-01-01.
    DateTime(i64),
    /// KQL ticks: 100 ns.
    TimeSpan(i64),
    /// Lower-case text of a guid.
    Guid(String),
    Dynamic(serde_json::Value),
}

impl Value {
    /// The JSON that the API, NDJSON exports and `vigie query --format json` write: instants as ISO 8601 with seven
    /// decimals, timespans as `[-][d.]hh:mm:ss[.fffffff]`, reals that JSON cannot carry as `"NaN"`, `"Infinity"`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Long(value) => Json::from(*value),
            Value::Real(value) => {
                serde_json::Number::from_f64(*value).map_or_else(|| real_text(*value).into(), Json::Number)
            }
            Value::Decimal(text) | Value::String(text) | Value::Guid(text) => Json::String(text.clone()),
            Value::DateTime(ticks) => Json::String(datetime_text(*ticks)),
            Value::TimeSpan(ticks) => Json::String(timespan_text(*ticks)),
            Value::Dynamic(json) => json.clone(),
        }
    }
}

fn real_text(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// `2026-11-21T08:15:00.1234567Z`, as KQL prints an instant.
pub fn datetime_text(ticks: i64) -> String {
    let micros = Timestamp::from_ticks(ticks).to_string();
    let last_digit = ticks.rem_euclid(10);
    format!("{}{last_digit}Z", &micros[..micros.len() - 1])
}

/// `[-][d.]hh:mm:ss[.fffffff]`, as KQL prints a timespan.
pub fn timespan_text(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let days = if days == 0 { String::new() } else { format!("{days}.") };
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:07}") };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_instants_and_timespans() {
        assert_eq!(datetime_text(0), "0001-01-01T00:00:00.0000000Z");
        assert_eq!(datetime_text(3_155_378_975_999_999_999), "9999-12-31T23:59:59.9999999Z");
        assert_eq!(timespan_text(0), "00:00:00");
        assert_eq!(timespan_text(-863_990_000_001), "-23:59:59.0000001");
        assert_eq!(timespan_text(864_000_000_000), "1.00:00:00");
    }
}
