//! How the fields of a stored row are got back: decided from the row alone.
//!
//! Live detection sees the source's own fields, which a table has only in part and under other names. But each record
//! lies in the lake as it arrived, on the first of its rows; where it says by itself what its fields are called, it is
//! decoded again, exactly as it was on arrival. A line of CSV or of a Zeek log does not: its header is gone. Its fields
//! are then the columns of its row, which such formats name after the header.

/// What the decision rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks<'a> {
    pub table: &'a str,
    /// `_SourceName`.
    pub source: &'a str,
    /// `_RawData`.
    pub raw: Option<&'a str>,
    pub source_system: Option<&'a str>,
    pub collector: Option<&'a str>,
    /// `Message`, or else `SyslogMessage`.
    pub message: Option<&'a str>,
    pub has_additional_fields: bool,
}

/// How the fields of a row are got back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// Its record is a Windows event: decoded as such.
    Windows,
    /// Its record is JSON whose keys are the fields.
    Json,
    /// Its record is a syslog message.
    Syslog,
    /// Its record is a line of text: the one field `Message`.
    Text,
    /// By the names of the table's columns.
    Columns,
    /// Its record is on another row.
    Further,
    /// It was not parsed on arrival; it has no fields. (What was read in part has rows elsewhere.)
    Unparsed,
}

/// The table of what could not be parsed.
const UNPARSED: &str = "_Unparsed";

/// How to read the row that has these marks.
pub fn reading(marks: &Marks<'_>) -> Reading {
    if marks.table == UNPARSED {
        return Reading::Unparsed;
    }
    let Some(raw) = marks.raw else { return Reading::Further };
    let object = raw.starts_with('{');
    match marks.table {
        // The decoder of Windows events always names the system; rows that somebody posted to the table may not.
        "SecurityEvent" if object && marks.source_system.is_some() => windows_or_json(marks, raw),
        "WindowsEvent" if object => windows_or_json(marks, raw),
        // Sysmon's records and some others lie here first; so does what Defender exports, which names its actions.
        table if object && table.starts_with("Device") => {
            let exported =
                raw.contains("\"ActionType\"") && intake::sniff(raw.as_bytes()) != intake::Format::WindowsJson;
            if exported { Reading::Json } else { Reading::Windows }
        }
        // The decoder of syslog always notes the source as the collector.
        "Syslog" | "CommonSecurityLog" if marks.collector == Some(marks.source) => Reading::Syslog,
        _ if marks.message == Some(raw) => Reading::Text,
        _ if object && raw.ends_with('}') => Reading::Json,
        _ => Reading::Columns,
    }
}

/// The decoder of Windows events leaves no field over; rows exported from Log Analytics name their table.
fn windows_or_json(marks: &Marks<'_>, raw: &str) -> Reading {
    let exported = || raw.contains("\"TimeGenerated\"") && intake::sniff(raw.as_bytes()) == intake::Format::Json;
    if marks.has_additional_fields || exported() { Reading::Json } else { Reading::Windows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_read_as_it_was_on_arrival() {
        let event = r#"{"Event":{"System":{"EventID":1}}}"#;
        let line = "<34>1 2026-11-21T08:00:00Z host su - - - hello";
        let marks = Marks { source: "files", ..Marks::default() };
        let cases = [
            (Marks { table: "WindowsEvent", raw: Some(event), ..marks }, Reading::Windows),
            (Marks { table: "WindowsEvent", raw: None, ..marks }, Reading::Further),
            (Marks { table: "WindowsEvent", raw: Some(r#"{"Event": {"Sys"#), ..marks }, Reading::Windows),
            (Marks { table: "WindowsEvent", raw: Some("4624,dc-1"), ..marks }, Reading::Columns),
            (
                Marks { table: "WindowsEvent", raw: Some(r#"{"x":1}"#), has_additional_fields: true, ..marks },
                Reading::Json,
            ),
            (
                Marks { table: "SecurityEvent", raw: Some(event), source_system: Some("OpsManager"), ..marks },
                Reading::Windows,
            ),
            (Marks { table: "SecurityEvent", raw: Some(r#"{"EventID":4625}"#), ..marks }, Reading::Json),
            (
                Marks {
                    table: "SecurityEvent",
                    raw: Some(r#"{"TimeGenerated":"2026-11-21","Type":"SecurityEvent","EventID":4625}"#),
                    source_system: Some("OpsManager"),
                    ..marks
                },
                Reading::Json,
            ),
            (Marks { table: "DeviceProcessEvents", raw: None, ..marks }, Reading::Further),
            (Marks { table: "DeviceProcessEvents", raw: Some(event), ..marks }, Reading::Windows),
            (
                Marks { table: "DeviceEvents", raw: Some(r#"{"ActionType":"a","FileName":"b"}"#), ..marks },
                Reading::Json,
            ),
            (Marks { table: "Syslog", raw: Some(line), collector: Some("files"), ..marks }, Reading::Syslog),
            (Marks { table: "Syslog", raw: Some("{}"), collector: Some("files"), ..marks }, Reading::Syslog),
            (Marks { table: "Syslog", raw: Some(r#"{"SyslogMessage":"x"}"#), ..marks }, Reading::Json),
            (Marks { table: "App_CL", raw: Some("a line"), message: Some("a line"), ..marks }, Reading::Text),
            (Marks { table: "App_CL", raw: Some("{}"), message: Some("{}"), ..marks }, Reading::Text),
            (Marks { table: "Doors_CL", raw: Some(r#"{"Door":1}"#), ..marks }, Reading::Json),
            (Marks { table: "Doors_CL", raw: Some("D1,true"), ..marks }, Reading::Columns),
            (Marks { table: "Doors_CL", raw: Some(r#"{"Door":"#), ..marks }, Reading::Columns),
            (Marks { table: "_Unparsed", raw: Some("x"), ..marks }, Reading::Unparsed),
        ];
        for (marks, expected) in cases {
            assert_eq!(reading(&marks), expected, "{marks:?}");
        }
    }
}
