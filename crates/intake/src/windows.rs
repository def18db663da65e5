//! Windows events, however their JSON is laid out: flat, `{"Event": …}`, or Elastic's `winlog`.

use crate::mapping::{Source, windows};
use crate::output::Output;
use crate::record::{Layout, Naming, Part, Record, Shapes, Slot};
use crate::table::integer;

/// Names the fields of Windows events as Sigma does.
pub(crate) struct WindowsLayout;

impl Layout for WindowsLayout {
    fn name(&self, path: &[&str]) -> Naming {
        let path = path.strip_prefix(&["Event"]).filter(|rest| !rest.is_empty()).unwrap_or(path);
        match path {
            ["System", rest @ ..] if !rest.is_empty() => system(rest),
            ["EventData" | "UserData", rest @ ..] if !rest.is_empty() => data(rest),
            ["RenderingInfo", rest @ ..] if !rest.is_empty() => rendering(rest),
            ["winlog", "event_data" | "user_data", rest @ ..] if !rest.is_empty() => data(rest),
            ["#attributes", ..] => Naming::default(),
            [name] => flat(name),
            _ => nested(path),
        }
    }
}

/// `Provider` › `#attributes` › `Name` is `Provider_Name`; ids of the writer are named without their parent.
fn system(path: &[&str]) -> Naming {
    let parts: Vec<&str> = path
        .iter()
        .filter(|part| !matches!(**part, "#attributes" | "#text" | "attributes"))
        .map(|part| part.strip_suffix("_attributes").unwrap_or(part))
        .collect();
    let name = match parts.as_slice() {
        ["TimeCreated", "SystemTime"] => "TimeCreated".to_owned(),
        ["Execution", name] | ["Security", name] | ["EventID", name] => (*name).to_owned(),
        parts => parts.join("_"),
    };
    Naming { name, part: Part::Header, whole: false }
}

/// The leaf's name without blanks; attributes of elements are no fields.
fn data(path: &[&str]) -> Naming {
    if path.iter().any(|part| *part == "#attributes" || part.ends_with("_attributes") || *part == "xml_name") {
        return Naming::default();
    }
    let leaf = path.iter().rev().find(|part| **part != "#text").unwrap_or(&"Data");
    Naming { name: without_blanks(leaf), part: Part::Data, whole: false }
}

fn rendering(path: &[&str]) -> Naming {
    match path {
        ["Message"] => Naming { name: "Message".to_owned(), part: Part::Header, whole: false },
        _ => Naming { name: format!("RenderingInfo_{}", path.join("_")), part: Part::Envelope, whole: false },
    }
}

fn flat(name: &str) -> Naming {
    let source = windows();
    let name = source.rename.get(name).map_or(name, String::as_str);
    let part = if source.header.iter().any(|known| known == name) {
        Part::Header
    } else if source.envelope.iter().any(|known| known == name) {
        Part::Envelope
    } else {
        Part::Data
    };
    Naming { name: without_blanks(name), part, whole: false }
}

fn nested(path: &[&str]) -> Naming {
    let dotted = path.join(".");
    match windows().rename.get(&dotted) {
        Some(name) => Naming { name: name.clone(), part: Part::Header, whole: false },
        None => Naming { name: dotted, part: Part::Envelope, whole: false },
    }
}

fn without_blanks(name: &str) -> String {
    name.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Turns records of Windows events into rows.
pub(crate) struct WindowsRows {
    source: &'static Source,
    channel: Slot,
    event_id: Slot,
    product: Slot,
    /// Where the time may stand, in order of trust.
    times: [Slot; 6],
    rules: Vec<usize>,
}

impl WindowsRows {
    pub(crate) fn new(shapes: &mut Shapes<'_>) -> WindowsRows {
        let times = ["TimeCreated", "@timestamp", "EventTime", "TimeGenerated", "timestamp", "EventReceivedTime"];
        WindowsRows {
            source: windows(),
            channel: shapes.slot("Channel"),
            event_id: shapes.slot("EventID"),
            product: shapes.slot("@product"),
            times: times.map(|name| shapes.slot(name)),
            rules: Vec::new(),
        }
    }

    /// One record.
    pub(crate) fn record(&mut self, record: Record<'_>, shapes: &Shapes<'_>, out: &mut Output<'_>) {
        let time = self.times.iter().find_map(|slot| record.get(*slot));
        let at = out.event_time(time);
        let channel = record.get(self.channel).unwrap_or("");
        let id = record.get(self.event_id).and_then(integer);
        // Collectors differ in the case of the one channel that everything hangs on.
        let channel = if channel.eq_ignore_ascii_case("security") { "Security" } else { channel };
        self.source.rules_for(channel, id, &mut self.rules);
        out.rows(self.source, shapes.names(), &self.rules, record, at);
        out.events.set(self.product, "windows");
        out.event(record, at);
    }
}
