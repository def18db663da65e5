//! Text in columns: CSV with a header, and Zeek's logs.

use crate::decode::finish;
use crate::generic::{NamedRows, PathLayout};
use crate::output::Output;
use crate::record::{Fields, NO_SLOT, Part, Shapes, Slot};
use crate::request::{DecodeRequest, Decoded};

/// Separators that the header line is searched for.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The separator of a CSV text: the one that its header line has most often, outside of quotes.
pub(crate) fn separator(header: &[u8]) -> u8 {
    let count = |separator: u8| {
        let mut quoted = false;
        header
            .iter()
            .filter(|&&byte| {
                quoted ^= byte == b'"';
                !quoted && byte == separator
            })
            .count()
    };
    // `max_by_key` takes the last of equals; the comma shall win.
    SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// Whether a text has a header of two names at least and under it records of as many values.
pub(crate) fn looks_like_csv(text: &[u8], cut: bool) -> bool {
    let header_end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(&text[..header_end]))
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let widths: Vec<(usize, bool)> = reader
        .byte_records()
        .take(5)
        .map_while(Result::ok)
        .map(|record| (record.len(), record.iter().any(|value| value.iter().any(u8::is_ascii_alphabetic))))
        .collect();
    // Where the text was cut, its last record may be half.
    let whole = if cut && widths.len() > 1 { &widths[..widths.len() - 1] } else { &widths[..] };
    matches!(whole.first(), Some((width, true)) if *width >= 2 && whole.iter().all(|(other, _)| other == width))
}

/// Decodes CSV (RFC 4180). The first record names the columns.
pub(crate) fn csv(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let payload = request.payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(request.payload);
    let header_end = memchr::memchr(b'\n', payload).unwrap_or(payload.len());
    let layout = PathLayout;
    let mut shapes = Shapes::new(&layout, &[], request.limits.field_names);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(&payload[..header_end]))
        .has_headers(false)
        .flexible(true)
        .from_reader(payload);
    let mut row = csv::ByteRecord::new();
    let mut table = Columns::new(request, &mut shapes);
    let mut start = 0;
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(false) => break,
            Ok(true) => {
                let end = usize::try_from(reader.position().byte()).unwrap_or(payload.len()).min(payload.len());
                let raw = &payload[start..end];
                start = end;
                if table.slots.is_empty() {
                    table.header(row.iter(), &mut shapes);
                } else {
                    out.begin();
                    table.row(row.iter(), raw.trim_ascii(), &shapes, &mut out);
                }
            }
            Err(error) => {
                out.begin();
                out.unparsed(&format!("byte {start}"), &error.to_string(), &payload[start..]);
                break;
            }
        }
    }
    finish(out, &shapes)
}

/// Decodes a Zeek log in its tab-separated form; `#path` says which log it is.
pub(crate) fn zeek(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let layout = PathLayout;
    let mut shapes = Shapes::new(&layout, &[], request.limits.field_names);
    let mut table = Columns::new(request, &mut shapes);
    table.unset = Some(b"-");
    let mut service = String::new();
    let (service_slot, product_slot) = (shapes.slot("@service"), shapes.slot("@product"));
    let mut at = 0;
    for line in request.payload.split(|byte| *byte == b'\n') {
        let position = at;
        at += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(names) = line.strip_prefix(b"#fields\t") {
            table.header(names.split(|byte| *byte == b'\t'), &mut shapes);
        } else if let Some(path) = line.strip_prefix(b"#path\t") {
            service = String::from_utf8_lossy(path).into_owned();
        } else if !line.is_empty() && !line.starts_with(b"#") {
            out.begin();
            if table.slots.is_empty() {
                out.unparsed(&format!("byte {position}"), "a Zeek log must name its columns in a line `#fields`", line);
                continue;
            }
            out.events.set(product_slot, "zeek");
            if !service.is_empty() {
                out.events.set(service_slot, &service);
            }
            table.row(line.split(|byte| *byte == b'\t'), line, &shapes, &mut out);
        }
    }
    finish(out, &shapes)
}

/// Rows under a header.
struct Columns<'r> {
    request: &'r DecodeRequest<'r>,
    slots: Vec<Slot>,
    rows: NamedRows<'r>,
    fields: Fields,
    /// The text of an absent value.
    unset: Option<&'static [u8]>,
}

impl<'r> Columns<'r> {
    fn new(request: &'r DecodeRequest<'r>, shapes: &mut Shapes<'_>) -> Columns<'r> {
        let rows = NamedRows::new(request, shapes);
        Columns { request, slots: Vec::new(), rows, fields: Fields::default(), unset: None }
    }

    fn header<'h>(&mut self, names: impl Iterator<Item = &'h [u8]>, shapes: &mut Shapes<'_>) {
        self.slots.clear();
        for (at, name) in names.enumerate() {
            let name = String::from_utf8_lossy(name);
            let name = match name.trim() {
                "" => format!("Column{}", at + 1),
                name => name.to_owned(),
            };
            self.slots.push(shapes.slot(&name));
        }
    }

    fn row<'v>(
        &mut self,
        values: impl Iterator<Item = &'v [u8]> + Clone,
        raw: &[u8],
        shapes: &Shapes<'_>,
        out: &mut Output<'_>,
    ) {
        let position = format!("record {}", out.record_no());
        if raw.len() > self.request.limits.record_bytes {
            return out.unparsed(&position, "the record is longer than the limit", raw);
        }
        let count = values.clone().count();
        if count > self.slots.len() {
            let reason = format!("{count} values under {} column names", self.slots.len());
            return out.unparsed(&position, &reason, raw);
        }
        let text = String::from_utf8_lossy(raw);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            out.keep_bytes(&position, "the record is not UTF-8; bad bytes are replaced in its rows", raw);
        }
        if count < self.slots.len() {
            out.problem(|| {
                format!("{count} values where the header names {}; the others are absent", self.slots.len())
            });
        }
        self.fields.clear();
        for (slot, value) in self.slots.iter().zip(values) {
            if *slot != NO_SLOT && !value.is_empty() && self.unset != Some(value) {
                self.fields.push_text(*slot, Part::Data, &String::from_utf8_lossy(value));
            }
        }
        self.rows.record(self.fields.of(&text, 0..text.len()), shapes, out, None);
    }
}
