//! Lines that no parser knows: one row for each, in the table that was named or in the source's own.

use crate::decode::finish;
use crate::generic::{PathLayout, custom_table};
use crate::output::Output;
use crate::record::{Fields, Part, Shapes};
use crate::request::{DecodeRequest, Decoded};
use kernel::ScalarType;

/// Decodes lines of text; each line is the `Message`, and the time of receipt its time.
pub(crate) fn text(request: &DecodeRequest<'_>, mut out: Output<'_>) -> Decoded {
    let layout = PathLayout;
    let mut shapes = Shapes::new(&layout, &[], request.limits.field_names);
    let message = shapes.slot("Message");
    let table = request.table.map_or_else(|| custom_table(request.source), str::to_owned);
    let mut fields = Fields::default();
    let mut at = 0;
    for line in request.payload.split(|byte| *byte == b'\n') {
        let position = at;
        at += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        out.begin();
        if line.len() > request.limits.record_bytes {
            out.unparsed(&format!("byte {position}"), "the line is longer than the limit", line);
            continue;
        }
        let line_text = String::from_utf8_lossy(line);
        if matches!(line_text, std::borrow::Cow::Owned(_)) {
            let reason = "the line is not UTF-8; bad bytes are replaced in its row";
            out.keep_bytes(&format!("byte {position}"), reason, line);
        }
        fields.clear();
        fields.push_text(message, Part::Data, &line_text);
        let received = request.received;
        if request.rows {
            let mut sink = out.begin_named(&table, received, Some(&line_text));
            let column = sink.rows.column("Message").or_else(|| sink.rows.column("SyslogMessage"));
            let column = column.unwrap_or_else(|| sink.rows.column_or_new("Message", ScalarType::String));
            out.put(&mut sink, column, &line_text);
            out.end_named(&table, sink);
        }
        out.event(fields.of(&line_text, 0..line_text.len()), received);
    }
    finish(out, &shapes)
}
