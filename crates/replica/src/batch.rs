//! Entries of one lane, packed for the way: a line for each, compressed together. Pure.
//!
//! A line is a JSON array (microseconds since the line before, kind, subject, and the seal: a salt, or after an empty one the
//! commitment of what is erased), a tab, and the body. A kind that repeats is left empty, and so is a subject that repeats or
//! counts on. Lane, numbers and hashes follow from the place.

use std::io::Read;

use kernel::Timestamp;
use serde_json::json;
use store::Hash;

use crate::chain::{Entry, Seal};
use crate::lane::Lane;

/// Small batches, well packed.
const LEVEL: i32 = 19;
/// More is not taken from another node.
const MOST_PLAIN_BYTES: u64 = 64 << 20;

/// Packs entries that follow one another.
pub(crate) fn pack(entries: &[Entry]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let (mut time, mut kind, mut subject) = (0, "", String::new());
    for entry in entries {
        let said_kind = if entry.kind == kind { "" } else { &entry.kind };
        let said = if entry.subject == following(&subject) { "" } else { &entry.subject };
        let since = entry.time.micros() - time;
        let line = match &entry.seal {
            Seal::Plain => json!([since, said_kind, said]),
            Seal::Salted(salt) => json!([since, said_kind, said, salt]),
            Seal::Erased(commitment) => json!([since, said_kind, said, "", commitment]),
        };
        plain.extend_from_slice(format!("{line}\t{}\n", entry.body).as_bytes());
        (time, kind, subject) = (entry.time.micros(), &entry.kind, entry.subject.clone());
    }
    zstd::bulk::compress(&plain, LEVEL).map_err(|error| error.to_string())
}

/// Unpacks them, to follow number `after`.
///
/// # Errors
/// What is wrong with the batch, with the number of the entry; the node that sent it is to blame.
pub fn unpack(packed: &[u8], lane: Lane, after: i64) -> Result<Vec<Entry>, String> {
    let told = |error: std::io::Error| format!("the batch cannot be unpacked: {error}");
    let mut plain = String::new();
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(told)?;
    decoder.take(MOST_PLAIN_BYTES + 1).read_to_string(&mut plain).map_err(told)?;
    if plain.len() as u64 > MOST_PLAIN_BYTES {
        return Err(format!("the batch is larger than {MOST_PLAIN_BYTES} bytes"));
    }
    let most = lane.batch_entries();
    let (mut time, mut kind, mut subject) = (0_i64, String::new(), String::new());
    let mut entries = Vec::new();
    for (seq, text) in (after + 1..).zip(plain.lines()) {
        if seq - after > most {
            return Err(format!("the batch has more than {most} entries"));
        }
        let (line, body) = text.split_once('\t').ok_or_else(|| format!("entry {seq} has no body"))?;
        let (since, its_kind, its_subject, seal) =
            read(line).map_err(|error| format!("entry {seq} cannot be read: {error}"))?;
        if matches!(seal, Seal::Erased(_)) && !body.is_empty() {
            return Err(format!("entry {seq} is erased and has a body"));
        }
        time = time.checked_add(since).ok_or_else(|| format!("entry {seq} has no time"))?;
        if !its_kind.is_empty() {
            kind = its_kind;
        }
        subject = if its_subject.is_empty() { following(&subject) } else { its_subject };
        let (kind, subject, body) = (kind.clone(), subject.clone(), body.to_owned());
        entries.push(Entry { lane, seq, time: Timestamp(time), kind, subject, body, seal });
    }
    Ok(entries)
}

/// Time since the entry before, kind, subject and seal.
fn read(line: &str) -> Result<(i64, String, String, Seal), serde_json::Error> {
    let parts: Vec<serde_json::Value> = serde_json::from_str(line)?;
    let text = |part: Option<&serde_json::Value>| part.cloned().map(serde_json::from_value::<String>).transpose();
    let (salt, commitment) = (text(parts.get(3))?, text(parts.get(4))?);
    let seal = match (salt, commitment) {
        (_, Some(commitment)) => Seal::Erased(commitment),
        (Some(salt), None) => Seal::Salted(salt),
        (None, None) => Seal::Plain,
    };
    let first = serde_json::Value::from(parts.get(..3).map(<[_]>::to_vec).unwrap_or_default());
    let (since, kind, subject) = serde_json::from_value(first)?;
    Ok((since, kind, subject, seal))
}

/// The number after a number; the same again where it is none.
fn following(subject: &str) -> String {
    subject
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_add(1))
        .map_or(subject.to_owned(), |next| next.to_string())
}

/// The hash of the last of these entries after `previous`, and that of each.
pub(crate) fn hashes(entries: &[Entry], node: &str, previous: Hash) -> Vec<Hash> {
    let chained = entries.iter().scan(previous, |before, entry| {
        *before = entry.hash(node, *before);
        Some(*before)
    });
    chained.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            lines in prop::collection::vec(
                (-5_000_000_i64..5_000_000, "[a-c]{0,2}", "(7|8|9|10|x)?", ".{0,20}", 0_u8..4),
                0..40,
            ),
            after in 0_i64..1_000,
        ) {
            let mut time = 1_700_000_000_000_000;
            let entries: Vec<Entry> = (after + 1..)
                .zip(lines)
                .map(|(seq, (since, kind, subject, text, how))| {
                    time += since;
                    let body = serde_json::json!({ "text": &text }).to_string();
                    // Kind and subject are never empty.
                    let (kind, subject) = (format!("k{kind}"), format!("{subject}0"));
                    let (seal, body) = match how {
                        0 => (Seal::Plain, body),
                        1 => (Seal::Erased("c0ffee".to_owned()), String::new()),
                        2 => (Seal::Salted(String::new()), body),
                        _ => (Seal::Salted(text), body),
                    };
                    Entry { lane: Lane::Log, seq, time: Timestamp(time), kind, subject, body, seal }
                })
                .collect();
            let packed = pack(&entries).unwrap();
            prop_assert_eq!(unpack(&packed, Lane::Log, after).unwrap(), entries);
        }

        #[test]
        fn anything_is_unpacked_or_refused(packed in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&packed, Lane::Bulk, 0);
        }
    }
}
