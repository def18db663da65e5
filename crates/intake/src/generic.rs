//! JSON that no parser knows, by the names of its keys.
//!
//! Where a record goes: to the table that the sender named; else to the shipped table that its own `Type` names (an
//! export of Log Analytics); else to a table named after the source, `door-badges` -> `DoorBadges_CL`.
//!
//! How its keys become columns:
//! - A key that is a column of the table (exactly, else ignoring case) goes there, read as the column's type.
//! - In a table that ships, or whose columns the request tells, any other key goes to the dynamic column
//!   `AdditionalFields`, so that schemas stay what they are documented to be.
//! - In a table that is new, every top-level key becomes a column: text is `string`, numbers `real`, truth values
//!   `bool`, objects and arrays `dynamic`; the first record that has the key decides, and a value of another kind
//!   goes to `AdditionalFields`.

use hashbrown::HashMap;
use kernel::{ScalarType, Timestamp};

use crate::decode::{finish, json_records};
use crate::mapping::shipped_table;
use crate::output::{Output, Sink, write_values};
use crate::record::{Field, Kind, Layout, Naming, Part, Record, Shapes, Slot};
use crate::request::{DecodeRequest, Decoded};

/// Names values by their path, joined by `.`; objects and arrays of the top level are kept whole.
pub(crate) struct PathLayout;

impl Layout for PathLayout {
    fn name(&self, path: &[&str]) -> Naming {
        // Leaves of nested objects are fields for Sigma; as columns, their whole object stands for them.
        let part = if path.len() == 1 { Part::Data } else { Part::Envelope };
        Naming { name: path.join("."), part, whole: path.len() == 1 }
    }
}

/// Keys under which the event time is looked for, in this order.
pub(crate) const TIME_KEYS: [&str; 16] = [
    "TimeGenerated",
    "@timestamp",
    "timestamp",
    "Timestamp",
    "time",
    "Time",
    "ts",
    "eventTime",
    "EventTime",
    "event_time",
    "createdDateTime",
    "CreationTime",
    "datetime",
    "date",
    "_time",
    "event.created",
];

/// What Sigma calls the log source of a shipped table: product and service. Office activity names its own workload.
fn log_source(table: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match table {
        "OfficeActivity" => ("m365", None),
        "SigninLogs" | "AADNonInteractiveUserSignInLogs" => ("azure", Some("signinlogs")),
        "AuditLogs" => ("azure", Some("auditlogs")),
        "AzureActivity" => ("azure", Some("activitylogs")),
        "AWSCloudTrail" => ("aws", Some("cloudtrail")),
        _ => return None,
    })
}

/// The table of a source that has none of its own.
pub(crate) fn custom_table(source: &str) -> String {
    let mut name: String = source
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word[..1].to_ascii_uppercase() + &word[1..])
        .collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert_str(0, "Source");
    }
    name.truncate(60);
    name.push_str("_CL");
    name
}

/// Decodes JSON objects.
pub(crate) fn json(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let layout = PathLayout;
    let mut shapes = Shapes::new(&layout, &[], request.limits.field_names);
    let mut rows = NamedRows::new(request, &mut shapes);
    json_records(request, &mut shapes, &mut out, |record, shapes, out| rows.record(record, shapes, out, None));
    finish(out, &shapes)
}

/// Turns records into rows by the names of their fields.
pub(crate) struct NamedRows<'r> {
    request: &'r DecodeRequest<'r>,
    custom: String,
    times: [Slot; 16],
    kind: Slot,
    product: Slot,
    service: Slot,
    workload: Slot,
    /// Columns by table and slot; `None`: no column.
    columns: HashMap<(String, Slot), Option<usize>>,
}

impl<'r> NamedRows<'r> {
    pub(crate) fn new(request: &'r DecodeRequest<'r>, shapes: &mut Shapes<'_>) -> NamedRows<'r> {
        NamedRows {
            request,
            custom: custom_table(request.source),
            times: TIME_KEYS.map(|name| shapes.slot(name)),
            kind: shapes.slot("Type"),
            product: shapes.slot("@product"),
            service: shapes.slot("@service"),
            workload: shapes.slot("OfficeWorkload"),
            columns: HashMap::new(),
        }
    }

    fn table<'a>(&'a self, record: Record<'a>) -> &'a str {
        let named = self.request.table.map(str::trim).filter(|name| !name.is_empty());
        let typed = || record.get(self.kind).filter(|name| shipped_table(name).is_some());
        named.or_else(typed).unwrap_or(&self.custom)
    }

    /// One record; `time` overrides what its fields say.
    pub(crate) fn record(&mut self, record: Record<'_>, shapes: &Shapes<'_>, out: &mut Output<'_>, time: Option<&str>) {
        let found = time.or_else(|| self.times.iter().find_map(|slot| record.get(*slot)));
        let at = out.event_time(found);
        let table = self.table(record).to_owned();
        if self.request.rows {
            self.row(&table, record, shapes, out, at);
        }
        if let Some((product, service)) = log_source(&table) {
            out.events.set(self.product, product);
            let workload = || record.get(self.workload).map(str::to_lowercase);
            if let Some(service) = service.map(str::to_owned).or_else(workload) {
                out.events.set(self.service, &service);
            }
        }
        out.event(record, at);
    }

    fn row(&mut self, table: &str, record: Record<'_>, shapes: &Shapes<'_>, out: &mut Output<'_>, at: Timestamp) {
        let mut sink = out.begin_named(table, at, Some(record.raw()));
        let mut others = String::new();
        for field in record.list() {
            if field.part != Part::Data || !stands(record, field) {
                continue;
            }
            let name = &shapes.names()[field.slot as usize];
            let column = self.column(table, &mut sink, record, field, name);
            if !column.is_some_and(|column| put(out, &mut sink, column, record, field)) {
                others.push(if others.is_empty() { '{' } else { ',' });
                crate::json::quote(name, &mut others);
                others.push(':');
                write_field(record, field, &mut others);
            }
        }
        if !others.is_empty() {
            others.push('}');
            let column = sink.rows.column_or_new("AdditionalFields", ScalarType::Dynamic);
            out.put(&mut sink, column, &others);
        }
        out.end_named(table, sink);
    }

    fn column(&mut self, table: &str, sink: &mut Sink, record: Record<'_>, field: &Field, name: &str) -> Option<usize> {
        let wanted = match field.kind {
            Kind::Text => ScalarType::String,
            Kind::Bare if matches!(record.text(field), "true" | "false") => ScalarType::Bool,
            Kind::Bare => ScalarType::Real,
            Kind::Json => ScalarType::Dynamic,
        };
        let fixed = shipped_table(table).is_some() || self.request.schema.is_some_and(|schema| schema.name == table);
        let key = (table.to_owned(), field.slot);
        let known = *self.columns.entry(key).or_insert_with(|| {
            let found = (0..sink.rows.width()).find(|column| sink.rows.name(*column).eq_ignore_ascii_case(name));
            sink.rows.column(name).or(found).or_else(|| (!fixed).then(|| sink.rows.column_or_new(name, wanted)))
        });
        known.filter(|column| fits(sink.rows.scalar(*column), field.kind))
    }
}

/// Whether a column of a table that grows by its records takes a value of this kind.
fn fits(column: ScalarType, kind: Kind) -> bool {
    match column {
        ScalarType::String | ScalarType::Dynamic => true,
        _ => kind != Kind::Json,
    }
}

/// Whether the field is the one that stands for its slot: the whole where there is one, else the first value.
fn stands(record: Record<'_>, field: &Field) -> bool {
    match record.whole(field.slot) {
        Some(whole) => std::ptr::eq(whole, field),
        None => record.is_first(field),
    }
}

fn write_field(record: Record<'_>, field: &Field, out: &mut String) {
    match field.kind {
        Kind::Json => record.write_json(field, out),
        Kind::Text | Kind::Bare => write_values(record, field, out),
    }
}

/// Sets the column; false when the value does not have its type.
fn put(out: &Output<'_>, sink: &mut Sink, column: usize, record: Record<'_>, field: &Field) -> bool {
    let zone = &out.request.zone;
    let mut json = String::new();
    let text = if sink.rows.scalar(column) == ScalarType::Dynamic || record.next(field).is_some() {
        write_field(record, field, &mut json);
        &json
    } else {
        record.text(field)
    };
    sink.rows.set(column, text, zone).is_ok()
}
