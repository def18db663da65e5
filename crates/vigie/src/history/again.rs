//! Records decoded again, many at a time, each tied to the row that it came from.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch};
use intake::{DecodeLimits, DecodeRequest, Decoded, Format};
use kernel::id::EntryId;
use kernel::{LogSource, Timestamp};

/// A record to decode.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// What the decoder is given.
    pub text: &'a str,
    /// The sender's address, where the listener noted it.
    pub peer: Option<&'a str>,
    /// When it happened, as it was found on arrival.
    pub time: Timestamp,
}

/// Field columns of records, one row for each.
pub struct Fields {
    pub columns: RecordBatch,
    /// Which of the wanted records the rows are.
    pub records: Vec<usize>,
}

/// What decoding gave.
#[derive(Default)]
pub struct Again {
    pub fields: Vec<Fields>,
    /// Records that do not decode to one event each, with the reason.
    pub failed: BTreeMap<usize, String>,
}

/// What all of some records have in common.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub format: Format,
    /// In which they lie.
    pub table: &'a str,
    /// From which they came.
    pub source: &'a str,
    /// What Sigma calls the log, for records that do not say it themselves.
    pub log_source: Option<&'a LogSource>,
}

/// Decodes `wanted`.
pub fn decode(origin: Origin<'_>, wanted: &[Wanted<'_>]) -> Again {
    let mut again = Again::default();
    part(origin, wanted, 0, &mut again);
    again
}

/// Decodes a part that begins at number `first`. When it does not give one event for each record, its halves are
/// decoded by themselves, so that a record that is at fault disturbs no other.
fn part(origin: Origin<'_>, wanted: &[Wanted<'_>], first: usize, again: &mut Again) {
    if wanted.is_empty() {
        return;
    }
    let Origin { format, table, source, log_source } = origin;
    let payload = payload(format, wanted);
    let received = wanted.iter().map(|one| one.time).max().unwrap_or(Timestamp::MAX);
    // All of these records were accepted once; limits that have changed since must not hide them.
    let limits = DecodeLimits { record_bytes: usize::MAX, problems: 1, ..DecodeLimits::default() };
    let request = DecodeRequest {
        table: Some(table),
        log_source,
        limits,
        rows: false,
        ..DecodeRequest::new(EntryId::derived([0; 16]), source, format, received, &payload)
    };
    let decoded = intake::decode(&request);
    match mismatch(&decoded, wanted) {
        None => {
            let columns = match format {
                Format::Syslog => with_event_times(&decoded, wanted),
                _ => decoded.events.columns.clone(),
            };
            again.fields.push(Fields { columns, records: (first..first + wanted.len()).collect() });
        }
        Some(reason) if wanted.len() == 1 => drop(again.failed.insert(first, reason)),
        Some(_) => {
            let (left, right) = wanted.split_at(wanted.len() / 2);
            part(origin, left, first, again);
            part(origin, right, first + left.len(), again);
        }
    }
}

/// The records as one delivery.
fn payload(format: Format, wanted: &[Wanted<'_>]) -> Vec<u8> {
    let bytes: usize = wanted.iter().map(|one| one.text.len() + 32).sum();
    let mut payload = Vec::with_capacity(bytes);
    for one in wanted {
        if format == Format::Syslog {
            // The listeners' framing, so that messages of several lines stay whole; no peer is an empty one.
            let head = format!("@{} {} ", one.peer.unwrap_or_default(), one.text.len());
            payload.extend_from_slice(head.as_bytes());
            payload.extend_from_slice(one.text.as_bytes());
        } else {
            payload.extend_from_slice(one.text.as_bytes());
            payload.push(b'\n');
        }
    }
    payload
}

/// Why the events are not those of the records, one for each and in their order; `None`: they are.
fn mismatch(decoded: &Decoded, wanted: &[Wanted<'_>]) -> Option<String> {
    let events = &decoded.events;
    let same = |(row, one): (usize, &Wanted<'_>)| {
        let number = events.item_ids.value(row).rsplit('-').next();
        number.and_then(|number| number.parse().ok()) == Some(row + 1) && events.raw.value(row) == one.text
    };
    let rows = events.columns.num_rows();
    if decoded.accepted == wanted.len() as u64 && rows == wanted.len() && wanted.iter().enumerate().all(same) {
        return None;
    }
    let problem = decoded.problems.first().filter(|_| decoded.unparsed > 0).map(|problem| problem.reason.clone());
    Some(problem.unwrap_or_else(|| format!("the record decodes to {rows} events instead of one")))
}

/// The field `EventTime` of syslog is the event's time as it was understood on arrival: with the time zone of the
/// source and the year of receipt, which are not known any more. The rows have kept it.
fn with_event_times(decoded: &Decoded, wanted: &[Wanted<'_>]) -> RecordBatch {
    const NAME: &str = "EventTime";
    let columns = &decoded.events.columns;
    let times = &decoded.events.times;
    let differs = wanted.iter().enumerate().any(|(row, one)| times.value(row) != one.time.micros());
    let Some((place, _)) = columns.schema_ref().column_with_name(NAME).filter(|_| differs) else {
        return columns.clone();
    };
    let Some(texts) = texts(columns.column(place)) else { return columns.clone() };
    let mended: DictionaryArray<UInt32Type> = texts
        .into_iter()
        .enumerate()
        .map(|(row, text)| {
            let understood = Timestamp(times.value(row)).to_string();
            text.map(|text| if text == understood { wanted[row].time.to_string() } else { text.to_owned() })
        })
        .collect::<Vec<_>>()
        .iter()
        .map(Option::as_deref)
        .collect();
    let mut arrays: Vec<ArrayRef> = columns.columns().to_vec();
    arrays[place] = std::sync::Arc::new(mended);
    RecordBatch::try_new(columns.schema(), arrays).unwrap_or_else(|_| columns.clone())
}

/// The texts of a dictionary column.
fn texts(column: &ArrayRef) -> Option<Vec<Option<&str>>> {
    let dictionary = column.as_dictionary_opt::<UInt32Type>()?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    let text = |row: usize| dictionary.is_valid(row).then(|| values.value(dictionary.keys().value(row) as usize));
    Some((0..column.len()).map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin<'a>(format: Format, table: &'a str, source: &'a str) -> Origin<'a> {
        Origin { format, table, source, log_source: None }
    }

    fn wanted<'a>(texts: &[&'a str]) -> Vec<Wanted<'a>> {
        texts.iter().map(|text| Wanted { text, peer: None, time: Timestamp(1_795_248_000_000_000) }).collect()
    }

    fn value(again: &Again, record: usize, name: &str) -> Option<String> {
        let fields = again.fields.iter().find(|fields| fields.records.contains(&record))?;
        let row = fields.records.iter().position(|one| *one == record)?;
        texts(fields.columns.column_by_name(name)?)?[row].map(str::to_owned)
    }

    #[test]
    fn a_torn_record_is_named_and_disturbs_no_other() {
        let records =
            [r#"{"a":"one"}"#, r#"{"a":"tw"#, "{\"a\":\n\"three\"}", r#"{"a":"four"} {"a":"five"}"#, r#"{"a":"six"}"#];
        let again = decode(origin(Format::Json, "Doors_CL", "doors"), &wanted(&records));
        let values: Vec<Option<String>> = (0..records.len()).map(|record| value(&again, record, "a")).collect();
        let expected = [Some("one"), None, Some("three"), None, Some("six")];
        assert_eq!(values, expected.map(|text| text.map(str::to_owned)));
        assert_eq!(again.failed.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert!(again.failed[&3].contains("2 events"), "{:?}", again.failed);
    }

    #[test]
    fn messages_of_several_lines_keep_their_sender_and_the_time_of_arrival() {
        let mut records = wanted(&["<34>Oct 11 22:14:15 su: first\nsecond line", "no header {at all}"]);
        records[0].peer = Some("10.1.2.3");
        let again = decode(origin(Format::Syslog, "Syslog", "routers"), &records);
        assert_eq!(again.failed, BTreeMap::new());
        assert_eq!(value(&again, 0, "HostIP").as_deref(), Some("10.1.2.3"));
        assert_eq!(value(&again, 1, "HostIP"), None);
        assert_eq!(value(&again, 0, "CollectorHostName").as_deref(), Some("routers"));
        for record in [0, 1] {
            assert_eq!(value(&again, record, "EventTime"), Some(records[record].time.to_string()));
        }
    }
}
