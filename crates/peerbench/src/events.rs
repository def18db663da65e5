//! Windows events of published attack simulations: their lines, and the field columns that intake makes of them.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use arrow_array::RecordBatch;
use intake::{DecodeRequest, Decoded, Format, decode};
use kernel::Timestamp;
use kernel::id::EntryId;
use zip::result::ZipError;

/// The set that all figures of throughput use, about 2 kB an event.
const STANDARD: &str = "otrf/datasets/compound/LSASS_campaign_05/metasploit_sharpdump_lsass_memory_dump.zip";

type Archive = zip::ZipArchive<std::fs::File>;

/// Rows of a batch of columns.
pub const BATCH_ROWS: usize = 4_096;

/// The lines of the standard set.
pub fn standard(data: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    read_archive(&data.join(STANDARD), &mut lines)?;
    ensure!(!lines.is_empty(), "{STANDARD} holds no events");
    Ok(lines)
}

/// Every archive of simulations, in order of name.
pub fn archives(data: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(data.join("otrf/datasets")).sort_by_file_name().into_iter().flatten();
    let archives = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "zip"));
    archives.map(walkdir::DirEntry::into_path).collect()
}

/// Appends the lines of the JSON files of an archive.
pub fn read_archive(path: &Path, lines: &mut Vec<String>) -> Result<()> {
    let file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("{} is no archive", path.display()))?;
    for number in 0..archive.len() {
        let Some(mut member) = json_member(&mut archive, number)? else { continue };
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).with_context(|| format!("reading from {}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        lines.extend(text.lines().filter(|line| line.starts_with('{')).map(str::to_owned));
    }
    Ok(())
}

/// A member that holds events; a few archives have others, some of them under a password.
fn json_member<'a>(archive: &'a mut Archive, number: usize) -> Result<Option<zip::read::ZipFile<'a, std::fs::File>>> {
    let name = archive.name_for_index(number).transpose()?;
    let wanted = name.is_some_and(|name| name.ends_with(".json"));
    match archive.by_index(number) {
        Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => Ok(None),
        member => Ok(Some(member?).filter(|_| wanted)),
    }
}

/// What intake makes of a delivery of Windows events; with `rows` also those for tables, as for the lake.
pub fn decoded(payload: &[u8], format: Format, rows: bool) -> Decoded {
    let received = Timestamp(1_795_248_000_000_000);
    let entry = EntryId::new(received, [0; 10]);
    decode(&DecodeRequest { rows, ..DecodeRequest::new(entry, "bench", format, received, payload) })
}

/// Deliveries of `rows` lines each.
pub fn deliveries(lines: &[String], rows: usize) -> Vec<String> {
    lines.chunks(rows).map(|lines| lines.join("\n") + "\n").collect()
}

/// The field columns of deliveries of [`BATCH_ROWS`] lines.
pub fn batches(lines: &[String]) -> Vec<RecordBatch> {
    let columns = |delivery: &String| decoded(delivery.as_bytes(), Format::WindowsJson, false).events.columns.clone();
    deliveries(lines, BATCH_ROWS).iter().map(columns).collect()
}
