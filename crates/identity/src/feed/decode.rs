//! From bytes to records, and whether they are all there.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{Feed, FeedFormat, scim_users};

/// What a sender says of a delivery beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    pub records: Option<u64>,
    /// Of the whole delivery, in hexadecimal.
    pub sha256: Option<String>,
    /// The day or instant of which it tells.
    pub snapshot: Option<String>,
}

/// Records with the line that each begins on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    pub header: Vec<String>,
    pub records: Vec<(u64, Vec<String>)>,
    /// Something says that nothing is missing: a count, a checksum, or a form that cannot be cut.
    pub is_whole: bool,
    pub snapshot: Option<String>,
    /// Users of SCIM that are not active and count as gone, because the mapping does not look at it.
    pub inactive: u64,
}

/// Reads a delivery.
///
/// # Errors
/// Everything that shows that it is damaged, cut, or not what the feed sends; nothing of it can be used.
pub fn decode(feed: &Feed, bytes: &[u8], manifest: &Manifest) -> Result<Decoded, Vec<String>> {
    let mut faults = Vec::new();
    if bytes.is_empty() {
        return Err(vec!["the delivery is empty".to_owned()]);
    }
    if let Some(expected) = &manifest.sha256 {
        let found = hex::encode(Sha256::digest(bytes));
        if !expected.eq_ignore_ascii_case(&found) {
            faults.push(format!("its SHA-256 is {found}; the manifest says {expected}"));
        }
    }
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err(fault) => return Err(vec![fault]),
    };
    let decoded = match feed.format {
        FeedFormat::Csv => csv(feed, text),
        FeedFormat::Json => json(text),
        FeedFormat::NdJson => nd_json(text),
        FeedFormat::Scim => resources(text).and_then(|list| scim_users::table(feed, list)),
    };
    let mut decoded = match decoded {
        Ok(decoded) => decoded,
        Err(fault) => {
            faults.push(fault);
            return Err(faults);
        }
    };
    let found = decoded.records.len() as u64 + decoded.inactive;
    if let Some(expected) = manifest.records.filter(|expected| *expected != found) {
        faults.push(format!("it has {found} records; the manifest says {expected}"));
    }
    decoded.is_whole |= manifest.records.is_some() || manifest.sha256.is_some();
    decoded.snapshot = manifest.snapshot.clone().or(decoded.snapshot);
    if !feed.header.is_empty() && feed.format == FeedFormat::Csv && decoded.header != feed.header {
        faults.push(format!(
            "its header is `{}`; the feed sends `{}`",
            decoded.header.join(", "),
            feed.header.join(", ")
        ));
    }
    if faults.is_empty() { Ok(decoded) } else { Err(faults) }
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16; send UTF-8".to_owned());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8: the encoding is another, or the file is damaged")
    })
}

fn csv(feed: &Feed, text: &str) -> Result<Decoded, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end: the file was probably cut".to_owned());
    }
    let (body, trailer) = match &feed.trailer {
        Some(mark) => {
            let (body, trailer) = split_trailer(text, mark, feed.delimiter)?;
            (body, Some(trailer))
        }
        None => (text, None),
    };
    let delimiter = u8::try_from(feed.delimiter).map_err(|_| "the delimiter is no ASCII character".to_owned())?;
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(true).from_reader(body.as_bytes());
    let bad = |error: ::csv::Error| format!("it cannot be read as CSV: {error}");
    let header: Vec<String> = reader.headers().map_err(bad)?.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(name) = named_twice(&header) {
        return Err(format!("the column `{name}` is there twice: which of them is meant cannot be known"));
    }
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(bad)?;
        let line = record.position().map_or(0, ::csv::Position::line);
        records.push((line, record.iter().map(|value| value.trim().to_owned()).collect()));
    }
    let mut decoded = Decoded { header, records, ..Decoded::default() };
    if let Some(trailer) = trailer {
        trailer.check(body, decoded.records.len())?;
        decoded.is_whole = true;
        decoded.snapshot = trailer.snapshot;
    }
    Ok(decoded)
}

/// A column whose name another has too. Columns without a name are nobody's.
fn named_twice(header: &[String]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    header.iter().map(String::as_str).find(|name| !name.is_empty() && !seen.insert(*name))
}

/// The last line: mark, count, day, checksum.
struct Trailer {
    records: usize,
    snapshot: Option<String>,
    sha256: Option<String>,
}

fn split_trailer<'a>(text: &'a str, mark: &str, delimiter: char) -> Result<(&'a str, Trailer), String> {
    let end = text.trim_end_matches(['\r', '\n']);
    let begin = end.rfind('\n').map_or(0, |at| at + 1);
    let mut fields = end[begin..].split(delimiter).map(str::trim);
    if fields.next() != Some(mark) {
        return Err(format!("the last line does not begin with `{mark}`: the file was cut"));
    }
    let records = fields.next().and_then(|count| count.parse().ok());
    let records = records.ok_or_else(|| format!("`{mark}` is not followed by a number of records"))?;
    let mut word = || fields.next().filter(|word| !word.is_empty()).map(str::to_owned);
    let (snapshot, sha256) = (word(), word());
    Ok((&text[..begin], Trailer { records, snapshot, sha256 }))
}

impl Trailer {
    fn check(&self, body: &str, found: usize) -> Result<(), String> {
        if self.records != found {
            return Err(format!("it has {found} records; its last line says {}", self.records));
        }
        let digest = hex::encode(Sha256::digest(body));
        match &self.sha256 {
            Some(expected) if !expected.eq_ignore_ascii_case(&digest) => {
                Err(format!("its SHA-256 is {digest}; its last line says {expected}"))
            }
            _ => Ok(()),
        }
    }
}

fn json(text: &str) -> Result<Decoded, String> {
    let Objects { objects, snapshot } = resources(text)?;
    let numbered = objects.into_iter().enumerate().map(|(at, object)| (at as u64 + 1, object));
    Ok(Decoded { is_whole: true, snapshot, ..table(numbered)? })
}

/// A list of JSON.
pub(super) struct Objects {
    pub(super) objects: Vec<Json>,
    pub(super) snapshot: Option<String>,
}

fn resources(text: &str) -> Result<Objects, String> {
    let value: Json = serde_json::from_str(text).map_err(|error| format!("it cannot be read as JSON: {error}"))?;
    let snapshot = value.get("snapshot").and_then(Json::as_str).map(str::to_owned);
    let total = value.get("totalResults").and_then(Json::as_u64);
    let objects = match value {
        Json::Array(objects) => objects,
        Json::Object(mut object) => match object.remove("Resources").or_else(|| object.remove("records")) {
            Some(Json::Array(objects)) => objects,
            // A list of SCIM without anybody may leave them out.
            None if total == Some(0) => Vec::new(),
            _ => return Err("it is an object without a list `Resources` or `records`".to_owned()),
        },
        _ => return Err("it is neither a list of objects nor an object with `Resources`".to_owned()),
    };
    if let Some(total) = total.filter(|total| *total != objects.len() as u64) {
        return Err(format!("it has {} of {total} results: it is one page of several", objects.len()));
    }
    Ok(Objects { objects, snapshot })
}

fn nd_json(text: &str) -> Result<Decoded, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end: the file was probably cut".to_owned());
    }
    let mut objects = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = at as u64 + 1;
        let object = serde_json::from_str(line).map_err(|error| format!("line {number} cannot be read: {error}"))?;
        objects.push((number, object));
    }
    table(objects.into_iter())
}

/// Objects as a table whose columns are the paths to their values.
fn table(objects: impl Iterator<Item = (u64, Json)>) -> Result<Decoded, String> {
    let mut header: Vec<String> = Vec::new();
    let mut columns: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut records: Vec<(u64, Vec<String>)> = Vec::new();
    for (line, object) in objects {
        if !object.is_object() {
            return Err(format!("record {line} is no object"));
        }
        let mut flat = Vec::new();
        flatten("", &object, 0, &mut flat)?;
        let mut record = vec![String::new(); header.len()];
        let mut filled = std::collections::HashSet::with_capacity(flat.len());
        for (path, value) in flat {
            if !filled.insert(path.clone()) {
                return Err(format!("record {line} has `{path}` twice: which of them is meant cannot be known"));
            }
            let at = *columns.entry(path.clone()).or_insert_with(|| {
                header.push(path);
                header.len() - 1
            });
            if record.len() <= at {
                record.resize(at + 1, String::new());
            }
            record[at] = value;
        }
        records.push((line, record));
    }
    for (_, record) in &mut records {
        record.resize(header.len(), String::new());
    }
    Ok(Decoded { header, records, ..Decoded::default() })
}

/// Objects within objects, at most.
const DEEPEST: usize = 16;

fn flatten(path: &str, value: &Json, depth: usize, flat: &mut Vec<(String, String)>) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("`{path}` lies deeper than {DEEPEST} levels"));
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Json::Object(object) => {
            for (name, value) in object {
                flatten(&below(name), value, depth + 1, flat)?;
            }
        }
        Json::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                flatten(&below(&at.to_string()), value, depth + 1, flat)?;
            }
        }
        Json::Null => {}
        Json::String(text) => flat.push((path.to_owned(), text.trim().to_owned())),
        Json::Bool(_) | Json::Number(_) => flat.push((path.to_owned(), value.to_string())),
    }
    Ok(())
}
