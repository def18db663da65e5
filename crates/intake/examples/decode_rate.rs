//! How many records one core decodes in a second: `decode_rate FILE [FORMAT] [ROUNDS]`, in release mode.
//!
//! The file is cut at line ends into deliveries of 4 MiB, as the file reader and HTTP senders do.

use intake::{DecodeRequest, Format, decode};
use kernel::id::EntryId;
use kernel::{Clock, Timestamp, time::SystemClock};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: decode_rate FILE [FORMAT] [ROUNDS]")?;
    let format: Format = arguments.next().as_deref().unwrap_or("windows-json").parse()?;
    let rounds: u32 = arguments.next().as_deref().unwrap_or("3").parse()?;
    let bytes = std::fs::read(path)?;
    let clock = SystemClock::new();
    for round in 1..=rounds {
        let start = clock.monotonic_us();
        let (mut records, mut rows, mut columns, mut unparsed) = (0, 0, 0, 0);
        for part in parts(&bytes, format) {
            let received = Timestamp(1_795_248_000_000_000);
            let decoded = decode(&DecodeRequest::new(EntryId::new(received, [0; 10]), "bench", format, received, part));
            records += decoded.accepted;
            unparsed += decoded.unparsed;
            rows += decoded.tables.iter().map(|table| table.batch.num_rows()).sum::<usize>();
            columns = columns.max(decoded.events.columns.num_columns());
        }
        let seconds = (clock.monotonic_us() - start) as f64 / 1e6;
        println!(
            "round {round}: {records} records ({unparsed} unparsed), {rows} rows, up to {columns} field columns, \
             {seconds:.3} s, {:.0} records/s, {:.0} MB/s",
            records as f64 / seconds,
            bytes.len() as f64 / 1e6 / seconds
        );
    }
    Ok(())
}

fn parts(bytes: &[u8], format: Format) -> Vec<&[u8]> {
    const PART: usize = 4 << 20;
    let mut parts = Vec::new();
    let mut rest = bytes;
    while rest.len() > PART && format != Format::Evtx {
        let end = memchr::memrchr(b'\n', &rest[..PART]).map_or(rest.len(), |newline| newline + 1);
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}
