//! One alert, and how it is written.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use kernel::{Severity, Timestamp};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sigma::Reason;

use super::correlate::Together;
use crate::cli::AlertFormat;
use crate::terminal;

/// Contributing events that the table names.
const LISTED_EVENTS: usize = 5;

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file, and within an archive the member.
    File(Arc<str>),
    /// A table of the lake.
    Table(Arc<str>),
    /// There was no memory to note it.
    Unknown,
}

impl Place {
    /// What kind of place it is: the name of the column that holds it.
    pub fn kind(&self) -> &'static str {
        match self {
            Place::File(_) => "file",
            Place::Table(_) => "table",
            Place::Unknown => "place",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Place::File(name) | Place::Table(name) => name,
            Place::Unknown => "",
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.kind(), self.name())?;
        map.end()
    }
}

/// A rule matched a record, or a correlation several records.
#[derive(Debug, Clone, Serialize)]
pub struct Alert {
    /// Event time.
    pub time: Timestamp,
    pub level: Severity,
    pub rule: String,
    pub rule_id: String,
    pub host: Option<String>,
    pub techniques: Vec<String>,
    #[serde(flatten)]
    pub place: Place,
    /// `_ItemId` of the record; of a file's, within this scan.
    pub item: String,
    pub reasons: Vec<Reason>,
    /// The record as it was found; of a correlation the record at which it fired.
    pub record: String,
    /// What a correlation says besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Together>,
}

/// Writes alerts one by one.
pub struct AlertWriter {
    format: AlertFormat,
    output: Box<dyn Write + Send>,
    written: u64,
}

impl AlertWriter {
    /// Writes to `output` in `format`.
    pub fn new(format: AlertFormat, output: Box<dyn Write + Send>) -> AlertWriter {
        AlertWriter { format, output, written: 0 }
    }

    /// Writes one alert.
    pub fn write(&mut self, alert: &Alert) -> Result<()> {
        match self.format {
            AlertFormat::Table => self.write_row(alert)?,
            AlertFormat::Jsonl => writeln!(self.output, "{}", json_line(alert)?)?,
            AlertFormat::Csv => self.write_csv(alert)?,
        }
        self.written += 1;
        Ok(())
    }

    /// Everything is on its way.
    pub fn finish(mut self) -> Result<()> {
        Ok(self.output.flush()?)
    }

    fn write_row(&mut self, alert: &Alert) -> Result<()> {
        let reasons: Vec<String> = alert.reasons.iter().map(reason_text).collect();
        writeln!(
            self.output,
            "{} {:13} {} [{}] {}\n  {} · {}\n  because {}",
            &alert.time.to_string()[..19],
            alert.level.as_str(),
            terminal::one_line(&alert.rule, 120),
            alert.techniques.join(" "),
            terminal::one_line(alert.host.as_deref().unwrap_or("-"), 60),
            terminal::one_line(alert.place.name(), 160),
            alert.item,
            terminal::one_line(&reasons.join("; "), 400),
        )?;
        if let Some(together) = &alert.correlation {
            self.write_events(together)?;
        }
        Ok(())
    }

    fn write_events(&mut self, together: &Together) -> Result<()> {
        let left_out = together.events.len().saturating_sub(LISTED_EVENTS);
        if left_out > 0 {
            writeln!(self.output, "  from {left_out} earlier events and")?;
        }
        for event in &together.events[left_out..] {
            let place = format!("{} · {}", event.place.name(), event.item);
            let (time, rule) = (&event.time[..19], terminal::one_line(&event.rule, 80));
            writeln!(self.output, "  from {time} {rule} · {}", terminal::one_line(&place, 160))?;
        }
        if together.further > 0 {
            writeln!(self.output, "  and so on for {} more events until {}", together.further, &together.until[..19])?;
        }
        Ok(())
    }

    fn write_csv(&mut self, alert: &Alert) -> Result<()> {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(vec![]);
        if self.written == 0 {
            writer.write_record([
                "time",
                "level",
                "rule",
                "rule_id",
                "host",
                "techniques",
                alert.place.kind(),
                "item",
                "reasons",
                "record",
            ])?;
        }
        let reasons: Vec<String> = alert.reasons.iter().map(reason_text).collect();
        writer.write_record([
            &alert.time.to_string(),
            alert.level.as_str(),
            &alert.rule,
            &alert.rule_id,
            alert.host.as_deref().unwrap_or_default(),
            &alert.techniques.join(" "),
            alert.place.name(),
            &alert.item,
            &reasons.join("; "),
            &alert.record,
        ])?;
        let bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("writing CSV: {error}"))?;
        Ok(self.output.write_all(&bytes)?)
    }
}

/// Times as text, the record as the JSON that it is where it is JSON.
fn json_line(alert: &Alert) -> Result<String> {
    let mut object = serde_json::to_value(alert)?;
    object["time"] = alert.time.to_string().into();
    if let Ok(record) = serde_json::from_str::<serde_json::Value>(&alert.record)
        && record.is_object()
    {
        object["record"] = record;
    }
    Ok(object.to_string())
}

/// ``CommandLine contains `comsvcs`: rundll32.exe …``
fn reason_text(reason: &Reason) -> String {
    match &reason.value {
        Some(value) => format!("{} {}: {}", reason.field, reason.predicate, terminal::one_line(value, 200)),
        None => format!("{} {}", reason.field, reason.predicate),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("one thread").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(format: AlertFormat) -> String {
        let alert = Alert {
            time: Timestamp(0),
            level: Severity::High,
            rule: "A \"quoted\" rule\u{7}".into(),
            rule_id: "r1".into(),
            host: Some("ws-1".into()),
            techniques: vec!["T1003.001".into()],
            place: Place::File("a.zip/b.evtx".into()),
            item: "i-0".into(),
            reasons: vec![Reason {
                detection: "selection".into(),
                field: "Image".into(),
                predicate: "ends with `\\x.exe`".into(),
                value: Some("C:\\x.exe".into()),
            }],
            record: "{\"Image\":\"C:\\\\x.exe\"}".into(),
            correlation: None,
        };
        let shared = Shared::default();
        let mut writer = AlertWriter::new(format, Box::new(shared.clone()));
        writer.write(&alert).expect("memory takes it");
        writer.write(&alert).expect("memory takes it");
        writer.finish().expect("memory takes it");
        let bytes = shared.0.lock().expect("one thread").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn each_format_carries_the_reason_and_survives_quotes() {
        let table = written(AlertFormat::Table);
        assert!(table.contains("because Image ends with") && !table.contains('\u{7}'), "{table}");
        let lines = written(AlertFormat::Jsonl);
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
        assert_eq!(first["record"]["Image"], "C:\\x.exe");
        assert_eq!(first["file"], "a.zip/b.evtx");
        assert_eq!(first["time"], "1970-01-01T00:00:00.000000Z");
        let text = written(AlertFormat::Csv);
        let rows: Vec<_> =
            csv::Reader::from_reader(text.as_bytes()).into_records().collect::<Result<_, _>>().expect("CSV");
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[0][2], "A \"quoted\" rule\u{7}");
    }
}
