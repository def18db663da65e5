//! The one door: a delivery in, rows and field columns out.

use std::ops::Range;

use crate::json::Splitter;
use crate::output::Output;
use crate::record::{Fields, Record, Shapes};
use crate::request::{DecodeRequest, Decoded, Format};
use crate::windows::{WindowsLayout, WindowsRows};
use crate::{evtx, mapping};

/// Larger deliveries are not decoded: a column's texts have offsets of 31 bits, and escaping can make a text six times
/// as long. Readers and listeners cut far below.
const PAYLOAD_BYTES: usize = 256 << 20;

/// Decodes a delivery. Never fails and never panics: what cannot be read lies in `_Unparsed` with the reason.
pub fn decode(request: &DecodeRequest<'_>) -> Decoded {
    let mut out = Output::new(request);
    if request.payload.len() > PAYLOAD_BYTES {
        out.begin();
        out.unparsed("byte 0", "the delivery is larger than 256 MiB; send it in parts", request.payload);
        return out.finish(&[]);
    }
    match request.format {
        Format::WindowsJson => windows_json(request, out),
        Format::Evtx => windows_evtx(request, out),
        Format::Json => crate::generic::json(request, out),
        Format::Csv => crate::csv::csv(request, out),
        Format::Zeek => crate::csv::zeek(request, out),
        Format::Syslog => crate::syslog::syslog(request, out),
        Format::Entra => crate::cloud::entra(request, out),
        Format::CloudTrail => crate::cloud::cloudtrail(request, out),
        Format::Text => crate::text::text(request, out),
    }
}

fn windows_json(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let layout = WindowsLayout;
    let mut shapes = Shapes::new(&layout, &mapping::windows().names, request.limits.field_names);
    let mut rows = WindowsRows::new(&mut shapes);
    json_records(request, &mut shapes, &mut out, |record, shapes, out| rows.record(record, shapes, out));
    finish(out, &shapes)
}

fn windows_evtx(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let layout = WindowsLayout;
    let mut shapes = Shapes::new(&layout, &mapping::windows().names, request.limits.field_names);
    let mut rows = WindowsRows::new(&mut shapes);
    let mut fields = Fields::default();
    evtx::records(request.payload, |outcome| match outcome {
        evtx::Outcome::Record { json, position } => {
            out.begin();
            fields.clear();
            match crate::json::walk(json, 0, &request.limits, &mut shapes, &mut fields) {
                Ok(end) => rows.record(fields.of(json, 0..end), &shapes, &mut out),
                Err(fault) => out.unparsed(&position, &fault.to_string(), json.as_bytes()),
            }
        }
        evtx::Outcome::Broken { bytes, position, reason } => {
            out.begin();
            out.unparsed(&position, &reason, bytes);
        }
        evtx::Outcome::Missing { position, reason } => out.problem_at(|| position, || reason),
    });
    finish(out, &shapes)
}

/// Ends a delivery whose fields came through `shapes`.
pub(crate) fn finish(mut out: Output<'_>, shapes: &Shapes<'_>) -> Decoded {
    if shapes.overflow > 0 {
        let (count, limit) = (shapes.overflow, out.request.limits.field_names);
        out.problem_at(
            || "the whole delivery".to_owned(),
            || format!("{count} values under field names beyond the first {limit} stay in the raw records only"),
        );
    }
    out.finish(shapes.names())
}

/// Reads every JSON record of the payload and hands it to `each`.
pub(crate) fn json_records(
    request: &DecodeRequest<'_>,
    shapes: &mut Shapes<'_>,
    out: &mut Output<'_>,
    mut each: impl FnMut(Record<'_>, &mut Shapes<'_>, &mut Output<'_>),
) {
    let mut fields = Fields::default();
    let mut splitter = Splitter::new(request.payload);
    let Ok(text) = std::str::from_utf8(request.payload) else {
        return lossy_records(request, shapes, out, each);
    };
    while let Some(start) = splitter.next_start() {
        out.begin();
        fields.clear();
        match crate::json::walk(text, start, &request.limits, shapes, &mut fields) {
            Ok(end) if end - start <= request.limits.record_bytes => {
                splitter.ended(end);
                each(fields.of(text, start..end), shapes, out);
            }
            Ok(end) => {
                splitter.ended(end);
                too_long(out, start..end);
            }
            Err(fault) => {
                let extent = splitter.broken();
                if extent.len() > request.limits.record_bytes {
                    too_long(out, extent);
                } else {
                    let position = position(out, extent.start);
                    let reason = crate::json::Fault { at: fault.at.saturating_sub(start), ..fault }.to_string();
                    out.unparsed(&position, &reason, &request.payload[extent]);
                }
            }
        }
    }
}

/// The same for a payload with invalid UTF-8: records are cut out first, then read with the bad bytes replaced.
fn lossy_records(
    request: &DecodeRequest<'_>,
    shapes: &mut Shapes<'_>,
    out: &mut Output<'_>,
    mut each: impl FnMut(Record<'_>, &mut Shapes<'_>, &mut Output<'_>),
) {
    let mut fields = Fields::default();
    let mut splitter = Splitter::new(request.payload);
    while splitter.next_start().is_some() {
        let extent = splitter.extent();
        out.begin();
        fields.clear();
        if extent.len() > request.limits.record_bytes {
            too_long(out, extent);
            continue;
        }
        let bytes = &request.payload[extent.clone()];
        let text = String::from_utf8_lossy(bytes);
        let position = position(out, extent.start);
        match crate::json::walk(&text, 0, &request.limits, shapes, &mut fields) {
            Ok(end) => {
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    let reason = "the record is not UTF-8; bad bytes are replaced in its rows";
                    out.problem_at(|| position.clone(), || reason.to_owned());
                    out.keep_bytes(&position, reason, bytes);
                }
                each(fields.of(&text, 0..end), shapes, out);
            }
            Err(fault) => out.unparsed(&position, &fault.to_string(), bytes),
        }
    }
}

fn position(out: &Output<'_>, byte: usize) -> String {
    format!("record {}, byte {byte}", out.record_no())
}

fn too_long(out: &mut Output<'_>, extent: Range<usize>) {
    let position = position(out, extent.start);
    let limit = out.request.limits.record_bytes;
    let reason = format!("the record has {} bytes; the limit is {limit}", extent.len());
    let payload = out.request.payload;
    out.unparsed(&position, &reason, &payload[extent]);
}
