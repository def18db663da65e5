//! Reference tables: the text that stands for an address, read as the `externaldata` that names it says.
//!
//! The query declares columns and format; the text is what somebody uploaded. Columns of delimited formats go by
//! place, those of JSON by name, or all as a mapping says ([`mapping`]). A value that is missing or does not read as its
//! type is null, as in Kusto.

mod mapping;

use kernel::{ColumnSchema, ScalarType, Value};
use kql::algebra::ExternalSource;
use serde_json::Value as Json;

use self::mapping::Part;
use super::convert::convert;
use super::functions::find_json;

/// How the text is cut into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Delimited(char),
    /// Each line one text.
    Lines,
    /// The whole one text.
    Raw,
    /// Objects one after another, or in an array.
    Json,
}

/// Formats by their names in `format='…'` and as ends of addresses.
const FORMATS: [(&str, Format); 12] = [
    ("csv", Format::Delimited(',')),
    ("tsv", Format::Delimited('\t')),
    ("tsve", Format::Delimited('\t')),
    ("psv", Format::Delimited('|')),
    ("scsv", Format::Delimited(';')),
    ("sohsv", Format::Delimited('\u{1}')),
    ("txt", Format::Lines),
    ("raw", Format::Raw),
    ("json", Format::Json),
    ("multijson", Format::Json),
    ("jsonl", Format::Json),
    ("ndjson", Format::Json),
];

/// The rows of a text.
///
/// # Errors
/// What of the properties is not supported, or why the text is not of its format.
pub fn rows(
    text: &str,
    address: &str,
    source: &ExternalSource,
    schema: &[ColumnSchema],
) -> Result<Vec<Vec<Value>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let property = |name: &str| {
        source.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    if property("ingestionMappingReference").is_some() {
        return Err(
            "`ingestionMappingReference` names a mapping of another database; write it as `ingestionMapping`".into()
        );
    }
    let skip = usize::from(property("ignoreFirstRecord").is_some_and(|value| value.eq_ignore_ascii_case("true")));
    let format = format(property("format"), address)?;
    let json = format == Format::Json;
    let parts = match property("ingestionMapping") {
        Some(mapping) => mapping::parts(mapping, schema, json)?,
        None => mapping::by_themselves(schema, json),
    };
    let records = match format {
        Format::Delimited(separator) => delimited(text, separator),
        Format::Lines => text.lines().map(|line| vec![line.to_owned()]).collect(),
        Format::Raw if text.is_empty() => Vec::new(),
        Format::Raw => vec![vec![text.to_owned()]],
        Format::Json => return json_rows(text, schema, &parts),
    };
    let row =
        |record: &Vec<String>| schema.iter().zip(&parts).map(|(column, part)| field(record, part, column)).collect();
    Ok(records.iter().skip(skip).map(row).collect())
}

/// The format that is named, or else the one that the address ends in, or else CSV.
fn format(named: Option<&str>, address: &str) -> Result<Format, String> {
    let known =
        |name: &str| FORMATS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, format)| *format);
    if let Some(name) = named {
        let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        return known(name)
            .ok_or_else(|| format!("the format `{name}` is not supported; there are {}", names.join(", ")));
    }
    let path = address.split(['?', '#', ';']).next().unwrap_or_default();
    let path = path.strip_suffix(".gz").or_else(|| path.strip_suffix(".zip")).unwrap_or(path);
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    Ok(known(end).unwrap_or(Format::Delimited(',')))
}

/// Records of fields; a field in quotes may hold separators, line ends and doubled quotes.
pub(super) fn delimited(text: &str, separator: char) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let (mut record, mut field) = (Vec::new(), String::new());
    let (mut quoted, mut begun) = (false, false);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => (quoted, begun) = (true, true),
            '\n' if !quoted => {
                // An empty line is no record.
                if begun || !record.is_empty() {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
                begun = false;
            }
            '\r' if !quoted && matches!(rest.peek(), Some('\n') | None) => {}
            separating if separating == separator && !quoted => {
                record.push(std::mem::take(&mut field));
                begun = true;
            }
            other => {
                field.push(other);
                begun = true;
            }
        }
    }
    if begun || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

fn field(record: &[String], part: &Part, column: &ColumnSchema) -> Value {
    let text = match part {
        Part::Field(at) => record.get(*at).map(String::as_str),
        Part::Constant(text) => Some(text.as_str()),
        Part::Path(_) | Part::Nothing => None,
    };
    cell(text, column.scalar)
}

fn cell(text: Option<&str>, scalar: ScalarType) -> Value {
    match (text, scalar) {
        (None, ScalarType::String) => Value::String(String::new()),
        (None, _) => Value::Null,
        (Some(text), ScalarType::String) => Value::String(text.to_owned()),
        (Some(""), _) => Value::Null,
        (Some(text), ScalarType::Dynamic) => {
            Value::Dynamic(serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned())))
        }
        (Some(text), scalar) => convert(&Value::String(text.to_owned()), scalar),
    }
}

fn json_rows(text: &str, schema: &[ColumnSchema], parts: &[Part]) -> Result<Vec<Vec<Value>>, String> {
    let row = |record: &Json| schema.iter().zip(parts).map(|(column, part)| json_cell(record, part, column)).collect();
    let mut rows = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        match document.map_err(|error| format!("its text is no JSON: {error}"))? {
            Json::Array(elements) => rows.extend(elements.iter().map(row)),
            one => rows.push(row(&one)),
        }
    }
    Ok(rows)
}

fn json_cell(record: &Json, part: &Part, column: &ColumnSchema) -> Value {
    let found = match part {
        Part::Path(steps) => find_json(record, steps),
        Part::Constant(text) => return cell(Some(text), column.scalar),
        Part::Field(_) | Part::Nothing => None,
    };
    match (found, column.scalar) {
        (None | Some(Json::Null), scalar) => cell(None, scalar),
        (Some(Json::String(text)), scalar) if scalar != ScalarType::Dynamic => cell(Some(text), scalar),
        (Some(json), ScalarType::Dynamic) => Value::Dynamic(json.clone()),
        (Some(json), scalar) => convert(&Value::Dynamic(json.clone()), scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_rows_as_declared() {
        let schema: Vec<ColumnSchema> =
            [("s", ScalarType::String), ("n", ScalarType::Long), ("d", ScalarType::Dynamic)]
                .map(|(name, scalar)| ColumnSchema { name: name.to_owned(), scalar })
                .to_vec();
        let check = |address: &str, properties: &[(&str, &str)], text: &str, expected: &str| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let source = ExternalSource { uris: Vec::new(), properties: properties.iter().map(owned).collect() };
            let got = match rows(text, address, &source, &schema) {
                Ok(rows) => rows
                    .iter()
                    .map(|row| Json::Array(row.iter().map(Value::to_json).collect()).to_string())
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(problem) => problem,
            };
            assert_eq!(got, expected, "{text:?}");
        };
        check("x.csv", &[], "\u{feff}a,1,\"[1,\"\"x\"\"]\"\r\n\r\nb,,\n", r#"["a",1,[1,"x"]] ["b",null,null]"#);
        check("x.csv.gz?key=1", &[("ignoreFirstRecord", "true")], "s,n\n\"a\nb\",x", r#"["a\nb",null,null]"#);
        check("list", &[("format", "psv")], "a|2", r#"["a",2,null]"#);
        check("x.txt", &[], "a,1\nb", r#"["a,1",null,null] ["b",null,null]"#);
        check(
            "x.json",
            &[],
            r#"{"n":"7","s":5} [{"d":{"a":1}},{"s":"z"}]"#,
            r#"["5",7,null] ["",null,{"a":1}] ["z",null,null]"#,
        );
        check("x.csv", &[("format", "raw")], "a\nb", r#"["a\nb",null,null]"#);
        check("x.json", &[], "{", "its text is no JSON: EOF while parsing an object at line 1 column 1");
        check(
            "x",
            &[("format", "avro")],
            "",
            "the format `avro` is not supported; there are csv, tsv, tsve, psv, scsv, sohsv, txt, raw, json, multijson, jsonl, ndjson",
        );
        check("x", &[], "", "");

        let mapped = |mapping: &str, format: &str, text: &str, expected: &str| {
            check("x", &[("format", format), ("ingestionMapping", mapping)], text, expected);
        };
        mapped(
            r#"[{"Column":"s","Properties":{"Path":"$.who.name"}},{"column":"n","path":"$['ages'][1]"},{"Column":"d","Properties":{"Path":"$"}}]"#,
            "multijson",
            r#"[{"who":{"name":"li"},"ages":[1,2]},{"s":"by name"}]"#,
            r#"["li",2,{"who":{"name":"li"},"ages":[1,2]}] ["",null,{"s":"by name"}]"#,
        );
        mapped(
            r#"[{"Column":"n","Properties":{"Ordinal":"2"}},{"Column":"s","Properties":{"ConstValue":"fixed"}}]"#,
            "csv",
            "a,b,7",
            r#"["fixed",7,null]"#,
        );
        let refused = |mapping: &str, format: &str, expected: &str| {
            mapped(mapping, format, "", &format!("`ingestionMapping`{expected}"));
        };
        refused("{}", "json", " is no JSON array: invalid type: map, expected a sequence at line 1 column 0");
        refused(r#"[{"Path":"$.a"}]"#, "json", r#" has an entry without `Column`: {"Path":"$.a"}"#);
        refused(r#"[{"Column":"x","Path":"$.a"}]"#, "json", " names the column `x`, which is not declared");
        refused(r#"[{"Column":"s","Path":"$.a"}]"#, "csv", r#", column `s`: say which field it is: `"Ordinal": "0"`"#);
        refused(r#"[{"Column":"s","Ordinal":1}]"#, "json", r#", column `s`: say where it lies: `"Path": "$.name"`"#);
        refused(
            r#"[{"Column":"n","Properties":{"Path":"$.t","Transform":"DateTimeFromUnixSeconds"}}]"#,
            "json",
            ", column `n`: the transformation `DateTimeFromUnixSeconds` is not supported; compute it in the query",
        );
    }
}
