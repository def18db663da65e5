//! Figures, on request: `cargo test -p lake --release -- --ignored bench --nocapture`.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow_schema::DataType;
use kernel::Clock;
use kernel::time::SystemClock;
use lake::{Appended, Lake, LakeConfig, TableRows};
use tempfile::TempDir;

use crate::support::{Lines, entry};

const ROWS: usize = 1_000;

/// A delivery of 1,000 events of 2 kB for `SecurityEvent`, with 30 of its columns filled.
fn delivery(number: u64, now: i64) -> (lake::Entry, TableRows) {
    let raw: Vec<String> =
        (0..ROWS).map(|row| format!("{:0>1900}", format!("{number}.{row}:{}", row * 7_919))).collect();
    let schemas = kernel::schema::shipped_tables();
    let schema = schemas.iter().find(|table| table.name == "SecurityEvent").unwrap().arrow();
    let mut filled = 0;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("_RawData", _) => Arc::new(StringArray::from(raw.clone())),
            ("_ItemId", _) => Arc::new((0..ROWS).map(|row| Some(format!("{number}-{row}"))).collect::<StringArray>()),
            ("TimeGenerated" | "_TimeReceived", _) => {
                let times: TimestampMicrosecondArray = (0..ROWS).map(|row| Some(now + row as i64)).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            (_, DataType::Utf8) if filled < 30 => {
                filled += 1;
                Arc::new((0..ROWS).map(|row| Some(format!("value {}", row % 50))).collect::<StringArray>())
            }
            (_, data_type) => new_null_array(data_type, ROWS),
        }
    });
    let batch = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    let lines: String = raw.into_iter().map(|line| line + "\n").collect();
    (entry(number, &lines), TableRows { table: "SecurityEvent".into(), batch })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn bench_append_and_flush() {
    let dir = TempDir::new().unwrap();
    let clock = Arc::new(SystemClock::new());
    let quiet = LakeConfig { background: false, min_free_bytes: 0, hot_bytes: 4 << 30, ..LakeConfig::new(dir.path()) };
    let deliveries: u64 = std::env::var("VIGIE_BENCH_DELIVERIES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let ready: Vec<_> = (0..deliveries).map(|number| delivery(number, clock.now().micros())).collect();
    let events = deliveries * ROWS as u64;
    let (lake, _) = Lake::open(quiet.clone(), clock.clone(), Arc::new(Lines)).await.unwrap();
    let rate = |what: &str, started: u64| {
        let seconds = (clock.monotonic_us() - started) as f64 / 1e6;
        println!("{what}: {events} events in {seconds:.2} s = {:.0}/s", events as f64 / seconds);
    };
    let started = clock.monotonic_us();
    let appends = ready.into_iter().map(|(entry, rows)| {
        let lake = lake.clone();
        tokio::spawn(async move {
            let Appended::New(ticket) = lake.append(entry, vec![rows]).await.unwrap() else { panic!("duplicate") };
            ticket.done();
        })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap();
    }
    rate("append", started);
    let started = clock.monotonic_us();
    lake.flush().await.unwrap();
    rate("flush", started);
    let started = clock.monotonic_us();
    lake.maintain().await.unwrap();
    rate("maintain", started);
    println!("{:?}", lake.status().await.unwrap().tables);
    lake.close().await.unwrap();
    drop(lake);
    let started = clock.monotonic_us();
    let (lake, _) = Lake::open(quiet, clock.clone(), Arc::new(Lines)).await.unwrap();
    println!("open: {:.3} s", (clock.monotonic_us() - started) as f64 / 1e6);
    drop(lake);
}
