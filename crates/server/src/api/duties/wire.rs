//! Records of the desk on the wire: as the room has them, instants as ISO 8601.

use kernel::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// Keys under which records hold instants.
const INSTANTS: [&str; 27] = [
    "created",
    "updated",
    "opened",
    "due",
    "at",
    "from",
    "until",
    "asked",
    "window",
    "began",
    "ended",
    "verified",
    "found",
    "gone",
    "given",
    "closed",
    "decided",
    "shown",
    "changed",
    "last_use",
    "saved",
    "first",
    "scored",
    "last",
    "restore_until",
    "begun",
    "done",
];

/// Keys under which bodies hold instants.
const ASKED: [&str; 3] = ["due", "from", "until"];

/// A record as JSON. Numbers under the keys of instants are written as instants.
pub fn wire(record: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    write_instants(&mut value);
    value
}

/// A body as the room has it. Instants are RFC 3339 text, or microseconds since 1970 as older programs send them.
///
/// # Errors
/// A problem that names the field with text that is no instant, or what the room does not know.
pub fn read<T: DeserializeOwned>(mut body: Value) -> Result<T, Problem> {
    read_instants(&mut body)?;
    serde_json::from_value(body).map_err(|error| Problem::invalid(error.to_string()))
}

fn read_instants(value: &mut Value) -> Result<(), Problem> {
    match value {
        Value::Array(all) => all.iter_mut().try_for_each(read_instants),
        Value::Object(fields) => fields.iter_mut().try_for_each(|(key, field)| {
            let asked = ASKED.iter().find(|asked| *asked == key);
            let (Some(name), Value::String(text)) = (asked, &*field) else { return read_instants(field) };
            let at = text.trim().parse::<Timestamp>().map_err(|_| {
                let shown: String = text.chars().take(60).collect();
                let text = format!("{name}: `{shown}` is no instant; write it as 2026-12-14T17:00:00Z");
                Problem::invalid(text).with("field", *name)
            })?;
            *field = Value::from(at.micros());
            Ok(())
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn write_instants(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(write_instants),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                match field.as_i64().filter(|_| INSTANTS.contains(&key.as_str())) {
                    Some(micros) => *field = Value::String(Timestamp(micros).to_string()),
                    None => write_instants(field),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_read_as_text_and_as_microseconds() {
        let due = |due: Value| {
            let body: Result<Value, Problem> = read(json!({ "title": "2026", "scope": [{ "due": due }] }));
            body.map(|body| body["scope"][0]["due"].clone()).map_err(|problem| format!("{problem:?}"))
        };
        assert_eq!(due(json!("1970-01-01T00:00:01Z")), Ok(json!(1_000_000)));
        assert_eq!(due(json!("1970-01-01T03:00:01+03:00")), Ok(json!(1_000_000)));
        assert_eq!(due(json!(1_000_000)), Ok(json!(1_000_000)));
        assert_eq!(due(Value::Null), Ok(Value::Null));
        for bad in ["next week", "", "2026-02-30T00:00:00Z", "14/12/2026"] {
            let refused = due(json!(bad)).unwrap_err();
            assert!(refused.contains(&format!("due: `{bad}` is no instant")), "{refused}");
        }
    }

    #[test]
    fn instants_are_written_as_instants_and_counts_as_counts() {
        let record =
            json!({ "created": 0, "asked": 0, "looked": 3, "seats": [{ "decision": { "at": 0, "agrees": true } }] });
        let epoch = "1970-01-01T00:00:00.000000Z";
        assert_eq!(
            wire(&record),
            json!({ "created": epoch, "asked": epoch, "looked": 3, "seats": [{ "decision": { "at": epoch, "agrees": true } }] })
        );
    }
}
