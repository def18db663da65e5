//! Records of the desk on the wire: as the room has them, instants as ISO 8601.

use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Keys under which records hold instants.
const INSTANTS: [&str; 24] = [
    "created", "updated", "opened", "due", "at", "from", "until", "asked", "window", "began", "ended", "verified",
    "found", "gone", "given", "closed", "decided", "shown", "changed", "last_use", "saved", "first", "scored", "last",
];

/// A record as JSON. Numbers under the keys of instants are written as instants.
pub fn wire(record: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    write_instants(&mut value);
    value
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
