//! What a decoder fills: table rows, field columns, `_Unparsed`, problems, counters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use kernel::{ScalarType, TableSchema, Timestamp};

use crate::batch::EventBuilder;
use crate::log_source;
use crate::mapping::{DataAs, Source, shipped_table};
use crate::record::{Kind, Part, Record, Slot};
use crate::request::{DecodeRequest, Decoded, Problem, TableRows};
use crate::table::TableBuilder;
use crate::time::{self, Moment};

/// A time this far after receipt is worth a remark.
const FUTURE_MICROS: i64 = 86_400_000_000;

/// Room that is made at once for large columns, at most.
const ROOM_BYTES: usize = 8 << 20;

/// Where the standard columns lie in a table.
#[derive(Clone, Copy)]
struct Standard {
    time: usize,
    received: usize,
    item: usize,
    source: usize,
    raw: usize,
    kind: Option<usize>,
}

/// A table of the delivery.
pub(crate) struct Sink {
    pub(crate) rows: TableBuilder,
    standard: Standard,
    /// The column of each slot, for rows that go by name.
    by_slot: Vec<Option<Option<usize>>>,
}

impl Sink {
    fn new(schema: TableSchema, payload_bytes: usize) -> Sink {
        let schema = schema.with_standard_columns();
        let rows = TableBuilder::new(schema, &["_RawData", "EventData"], payload_bytes.min(ROOM_BYTES));
        let column = |name: &str| rows.column(name).expect("with_standard_columns adds it");
        let standard = Standard {
            time: column("TimeGenerated"),
            received: column("_TimeReceived"),
            item: column("_ItemId"),
            source: column("_SourceName"),
            raw: column("_RawData"),
            kind: rows.column("Type"),
        };
        Sink { rows, standard, by_slot: Vec::new() }
    }
}

/// The delivery as it is being decoded.
pub(crate) struct Output<'r> {
    pub(crate) request: &'r DecodeRequest<'r>,
    /// Tables of the source's mapping, by its table numbers.
    sinks: Vec<Option<Sink>>,
    /// Other tables.
    named: BTreeMap<String, Sink>,
    pub(crate) events: EventBuilder,
    /// `_ItemId` of the record that is being read, and how much of it is the delivery's.
    item: String,
    item_prefix: usize,
    record_no: u64,
    unparsed: u64,
    problems: Vec<Problem>,
    problem_count: u64,
    newest: Option<Timestamp>,
    buffer: String,
}

impl<'r> Output<'r> {
    pub(crate) fn new(request: &'r DecodeRequest<'r>) -> Output<'r> {
        let item = format!("{}-", request.entry.uuid());
        Output {
            request,
            sinks: Vec::new(),
            named: BTreeMap::new(),
            events: EventBuilder::with_capacity(request.payload.len().min(ROOM_BYTES)),
            item_prefix: item.len(),
            item,
            record_no: 0,
            unparsed: 0,
            problems: Vec::new(),
            problem_count: 0,
            newest: None,
            buffer: String::new(),
        }
    }

    /// Starts the next record.
    pub(crate) fn begin(&mut self) {
        self.record_no += 1;
        self.item.truncate(self.item_prefix);
        self.item.push_str(itoa::Buffer::new().format(self.record_no));
    }

    pub(crate) fn record_no(&self) -> u64 {
        self.record_no
    }

    /// Notes something wrong at the record that is being read.
    pub(crate) fn problem(&mut self, reason: impl FnOnce() -> String) {
        let record_no = self.record_no;
        self.problem_at(|| format!("record {record_no}"), reason);
    }

    /// Notes something wrong at a place.
    pub(crate) fn problem_at(&mut self, position: impl FnOnce() -> String, reason: impl FnOnce() -> String) {
        self.problem_count += 1;
        if self.problems.len() < self.request.limits.problems {
            self.problems.push(Problem { position: position(), reason: reason() });
        }
    }

    /// The event time of the record that is being read; what is missing or odd is noted, and replaced.
    pub(crate) fn event_time(&mut self, text: Option<&str>) -> Timestamp {
        let moment = text.map(|text| time::parse(text, &self.request.zone));
        self.moment(moment, text.unwrap_or(""))
    }

    /// The same for a time that was read already.
    pub(crate) fn moment(&mut self, moment: Option<Moment>, text: &str) -> Timestamp {
        let received = self.request.received;
        let shown = || text.chars().take(40).collect::<String>();
        let at = match moment {
            None => {
                self.problem(|| "no event time; the time of receipt stands in".to_owned());
                received
            }
            Some(Moment::Unreadable) => {
                self.problem(|| format!("`{}` is no time; the time of receipt stands in", shown()));
                received
            }
            Some(Moment::Clamped(at)) => {
                self.problem(|| format!("`{}` is outside of the years 1 to 9999; held at {at}", shown()));
                at
            }
            Some(Moment::At(at)) => at,
        };
        if at.micros() > received.micros().saturating_add(FUTURE_MICROS) {
            self.problem(|| format!("the event time {at} is in the future"));
        } else if at.micros() < 0 {
            self.problem(|| format!("the event time {at} is before 1970"));
        }
        self.newest = self.newest.max(Some(at));
        at
    }

    /// Adds the record to the field columns.
    pub(crate) fn event(&mut self, record: Record<'_>, at: Timestamp) {
        self.events.push(record, &self.item, at, record.raw());
    }

    /// Adds a row for each rule that accepts the record; the first row carries `raw`.
    pub(crate) fn rows(
        &mut self,
        source: &'static Source,
        names: &[Box<str>],
        rules: &[usize],
        record: Record<'_>,
        at: Timestamp,
    ) {
        if !self.request.rows {
            return;
        }
        let mut raw = Some(record.raw());
        for &rule in rules {
            let rule = &source.rules[rule];
            if !rule.accepts(record) {
                continue;
            }
            if self.sinks.len() <= rule.table {
                self.sinks.resize_with(source.tables.len(), || None);
            }
            let mut sink = self.sinks[rule.table]
                .take()
                .unwrap_or_else(|| Sink::new(source.tables[rule.table].clone(), self.request.payload.len()));
            self.standard_columns(&mut sink, &source.tables[rule.table].name, at, raw.take());
            for (column, expression) in &rule.columns {
                if let Some(value) = source.evaluate(expression, record) {
                    self.put_json_or_text(&mut sink, *column, &value);
                }
            }
            if rule.by_name {
                self.put_by_name(&mut sink, names, record);
            }
            self.put_collected(&mut sink, names, rule.data, &rule.additional, record);
            sink.rows.end_row();
            self.sinks[rule.table] = Some(sink);
        }
    }

    /// Starts a row in a table that is not of a mapping; [`end_named`](Self::end_named) ends it.
    pub(crate) fn begin_named(&mut self, table: &str, at: Timestamp, raw: Option<&str>) -> Sink {
        let mut sink = self.named.remove(table).unwrap_or_else(|| Sink::new(self.schema_of(table), 0));
        self.standard_columns(&mut sink, table, at, raw);
        sink
    }

    pub(crate) fn end_named(&mut self, table: &str, mut sink: Sink) {
        sink.rows.end_row();
        self.named.insert(table.to_owned(), sink);
    }

    fn schema_of(&self, table: &str) -> TableSchema {
        let told = self.request.schema.filter(|schema| schema.name == table);
        let known = shipped_table(table).or(told);
        known.cloned().unwrap_or_else(|| TableSchema { name: table.to_owned(), columns: Vec::new() })
    }

    fn standard_columns(&self, sink: &mut Sink, table: &str, at: Timestamp, raw: Option<&str>) {
        let Standard { time, received, item, source, raw: raw_column, kind } = sink.standard;
        let zone = &self.request.zone;
        sink.rows.set_time(time, at);
        sink.rows.set_time(received, self.request.received);
        let texts = [(Some(item), Some(self.item.as_str())), (Some(source), Some(self.request.source))];
        for (column, text) in texts.into_iter().chain([(Some(raw_column), raw), (kind, Some(table))]) {
            if let (Some(column), Some(text)) = (column, text) {
                sink.rows.set(column, text, zone).expect("these columns are text");
            }
        }
    }

    /// Sets a column; a value of another type is noted and stays in `_RawData`.
    pub(crate) fn put(&mut self, sink: &mut Sink, column: usize, text: &str) {
        if let Err(misfit) = sink.rows.set(column, text, &self.request.zone) {
            self.problem(|| {
                let shown: String = text.chars().take(40).collect();
                format!(
                    "`{shown}` is no {} for the column {}; it stays in the raw record",
                    misfit.wanted, misfit.column
                )
            });
        }
    }

    /// Sets a column; a bare text becomes a JSON string where the column is dynamic.
    fn put_json_or_text(&mut self, sink: &mut Sink, column: usize, text: &str) {
        if sink.rows.scalar(column) == ScalarType::Dynamic && !text.starts_with(['{', '[']) {
            let mut json = String::with_capacity(text.len() + 2);
            crate::json::quote(text, &mut json);
            self.put(sink, column, &json);
        } else {
            self.put(sink, column, text);
        }
    }

    fn put_by_name(&mut self, sink: &mut Sink, names: &[Box<str>], record: Record<'_>) {
        for field in record.list() {
            let slot = field.slot as usize;
            if sink.by_slot.len() <= slot {
                sink.by_slot.resize(names.len().max(slot + 1), None);
            }
            let column = *sink.by_slot[slot].get_or_insert_with(|| sink.rows.column(&names[slot]));
            if let Some(column) = column.filter(|_| field.kind != Kind::Json) {
                self.put(sink, column, record.text(field));
            }
        }
    }

    /// The columns that hold many fields: `EventData` and `AdditionalFields`.
    fn put_collected(
        &mut self,
        sink: &mut Sink,
        names: &[Box<str>],
        data: Option<DataAs>,
        additional: &[(String, Slot)],
        record: Record<'_>,
    ) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let (Some(form), Some(column)) = (data, sink.rows.column("EventData")) {
            buffer.clear();
            match form {
                DataAs::Json => data_json(record, names, &mut buffer),
                DataAs::Xml => data_xml(record, names, &mut buffer),
            }
            self.put(sink, column, &buffer);
        }
        if let Some(column) = sink.rows.column("AdditionalFields").filter(|_| !additional.is_empty()) {
            buffer.clear();
            for (name, slot) in additional {
                if let Some(field) = record.field(*slot) {
                    buffer.push(if buffer.is_empty() { '{' } else { ',' });
                    crate::json::quote(name, &mut buffer);
                    buffer.push(':');
                    write_values(record, field, &mut buffer);
                }
            }
            if !buffer.is_empty() {
                buffer.push('}');
                self.put(sink, column, &buffer);
            }
        }
        self.buffer = buffer;
    }

    /// A record that did not parse: a row of `_Unparsed`, whatever the reason.
    pub(crate) fn unparsed(&mut self, position: &str, reason: &str, bytes: &[u8]) {
        self.unparsed += 1;
        self.problem_at(|| position.to_owned(), || reason.to_owned());
        self.keep_bytes(position, reason, bytes);
    }

    /// The bytes of a record that was read in part: kept beside its rows under the same `_ItemId`.
    pub(crate) fn keep_bytes(&mut self, position: &str, reason: &str, bytes: &[u8]) {
        if !self.request.rows {
            return;
        }
        let kept = &bytes[..bytes.len().min(self.request.limits.kept_bytes)];
        let mut reason = reason.to_owned();
        if kept.len() < bytes.len() {
            let _ = write!(reason, "; the first {} of {} bytes are kept", kept.len(), bytes.len());
        }
        let lossy = String::from_utf8_lossy(kept);
        let mut sink = self.begin_named("_Unparsed", self.request.received, Some(&lossy));
        let table = self.request.table.unwrap_or(self.request.format.as_str()).to_owned();
        let encoded = base64::engine::general_purpose::STANDARD.encode(kept);
        for (name, text) in
            [("Reason", reason.as_str()), ("Table", &table), ("Position", position), ("RawBytes", &encoded)]
        {
            if let Some(column) = sink.rows.column(name) {
                self.put(&mut sink, column, text);
            }
        }
        self.end_named("_Unparsed", sink);
    }

    /// Everything; `names` are the slots' names.
    pub(crate) fn finish(self, names: &[Box<str>]) -> Decoded {
        let sinks = self.sinks.into_iter().flatten().chain(self.named.into_values());
        let mut tables: Vec<TableRows> =
            sinks.filter(|sink| sink.rows.rows() > 0).map(|sink| sink.rows.finish()).collect();
        tables.sort_by(|left, right| left.table.cmp(&right.table));
        Decoded {
            tables,
            events: Arc::new(log_source::label(self.events.finish(names), self.request.log_source)),
            accepted: self.record_no,
            unparsed: self.unparsed,
            problems: self.problems,
            problem_count: self.problem_count,
            newest_event: self.newest,
        }
    }
}

/// The value of a field as JSON; an array when it has several.
pub(crate) fn write_values(record: Record<'_>, field: &crate::record::Field, out: &mut String) {
    let Some(mut next) = record.next(field) else { return record.write_json(field, out) };
    out.push('[');
    record.write_json(field, out);
    loop {
        out.push(',');
        record.write_json(next, out);
        match record.next(next) {
            Some(further) => next = further,
            None => break,
        }
    }
    out.push(']');
}

fn data_fields<'a>(record: Record<'a>) -> impl Iterator<Item = &'a crate::record::Field> {
    record
        .list()
        .iter()
        .filter(move |field| field.part == Part::Data && field.kind != Kind::Json && record.is_first(field))
}

fn data_json(record: Record<'_>, names: &[Box<str>], out: &mut String) {
    out.push('{');
    for field in data_fields(record) {
        if out.len() > 1 {
            out.push(',');
        }
        crate::json::quote(&names[field.slot as usize], out);
        out.push(':');
        write_values(record, field, out);
    }
    out.push('}');
}

/// `<EventData><Data Name="…">…</Data></EventData>`, as the log itself shows it.
fn data_xml(record: Record<'_>, names: &[Box<str>], out: &mut String) {
    out.push_str("<EventData xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">");
    for field in data_fields(record) {
        let mut value = Some(field);
        while let Some(field) = value {
            out.push_str("<Data Name=\"");
            escape_xml(&names[field.slot as usize], out);
            out.push_str("\">");
            escape_xml(record.text(field), out);
            out.push_str("</Data>");
            value = record.next(field);
        }
    }
    out.push_str("</EventData>");
}

fn escape_xml(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
