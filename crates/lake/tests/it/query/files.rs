//! A question about the last hour costs the last hour, however old the lake is.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use kernel::port::QueryRequest;
use lake::{Lake, Tables};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use tempfile::TempDir;

use super::{FixedTables, NOW, engine_over, printed};
use crate::support::{DAY_US, HandClock, Lines, append, config, entry};

/// A store that notes which data files are read.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn ObjectStore>,
    read: Mutex<BTreeSet<String>>,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counting")
    }
}

impl Counting {
    fn note(&self, location: &Path) {
        self.read.lock().insert(location.to_string());
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.note(location);
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.note(location);
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// The files that a question reads in a lake of so many days, and its answer.
async fn read_for(question: &str, days: i64) -> (usize, String) {
    let dir = TempDir::new().unwrap();
    let (lake, _) = Lake::open(config(dir.path()), HandClock::new(NOW.0), Arc::new(Lines)).await.unwrap();
    for day in (0..days).rev() {
        let at = NOW.0 - day * DAY_US - 600_000_000;
        let lines: String = (0..20).map(|row| format!("T|{}|word{row} day{day}\n", at + row)).collect();
        append(&lake, entry(day as u64, &lines)).await.unwrap();
        lake.flush().await.unwrap();
    }
    let mut snapshot = lake.snapshot("T").await.unwrap().unwrap();
    assert_eq!(snapshot.files.len() as i64, days);
    let counting = Arc::new(Counting { inner: Arc::clone(&snapshot.store), read: Mutex::default() });
    snapshot.store = Arc::clone(&counting) as _;
    let tables = FixedTables { snapshots: [("T".to_owned(), snapshot)].into() };
    let answer = engine_over(tables, 2).query(QueryRequest::new(question, NOW)).await.unwrap();
    let read = counting.read.lock().len();
    (read, printed(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_hour_costs_the_same_in_an_old_lake() {
    for question in [
        "T | where TimeGenerated > ago(1h) | where Text has 'word7' | project Text",
        "T | where TimeGenerated > ago(1h) | summarize count() by Text | count",
        "T | where TimeGenerated > ago(1h) and tostring(parse_json(Text).a) == '' | count",
    ] {
        let (young, old) = (read_for(question, 2).await, read_for(question, 40).await);
        assert_eq!(young, old, "{question}");
        assert!(old.0 <= 3, "{question} reads {} files", old.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rare_term_opens_the_files_that_have_it() {
    let (read, answer) = read_for("T | where Text has 'day17' | count", 40).await;
    assert_eq!(answer, "Count:long\n20");
    // Every index, the one file, and perhaps one that an index errs about.
    assert!((41..=43).contains(&read), "{read} files were read");
}
