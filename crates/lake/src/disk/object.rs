//! An object store over a [`Disk`]: durable puts for local tables, and one way in for faults in tests.
//!
//! The stock local store does not sync what it writes; a Delta commit must survive a power cut before the log
//! segment that it replaces is deleted.

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use parking_lot::Mutex;

use super::{Disk, FileInfo, parent};

const STORE: &str = "DiskStore";
/// Names with this prefix are writes under way, or what a crash left of them for the sweep.
pub const PARTIAL: &str = ".partial-";

/// Objects as files of a disk; the object `a/b` is the file `/a/b`.
#[derive(Debug, Clone)]
pub struct DiskStore {
    disk: Arc<dyn Disk>,
}

impl DiskStore {
    pub fn new(disk: Arc<dyn Disk>) -> DiskStore {
        DiskStore { disk }
    }

    fn file(location: &Path) -> PathBuf {
        PathBuf::from(format!("/{location}"))
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&DiskStore) -> Result<T> + Send + 'static) -> Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|source| Error::JoinError { source })?
    }

    fn put_file(&self, location: &Path, chunks: &[Bytes], mode: &PutMode) -> Result<()> {
        let target = DiskStore::file(location);
        let dir = parent(&target);
        let partial = dir.join(format!("{PARTIAL}{}", uuid::Uuid::new_v4()));
        let put = || -> io::Result<()> {
            self.disk.create_dir_all(dir)?;
            let mut file = self.disk.create(&partial)?;
            let parts: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
            file.write_all_vectored(&parts)?;
            file.sync()?;
            drop(file);
            match mode {
                PutMode::Create => {
                    self.disk.link(&partial, &target)?;
                    self.disk.remove(&partial)?;
                }
                PutMode::Overwrite | PutMode::Update(_) => self.disk.rename(&partial, &target)?,
            }
            self.disk.sync_dir(dir)
        };
        put().map_err(|error| {
            // The sweep takes what cannot be removed now.
            let _ = self.disk.remove(&partial);
            store_error(location, error)
        })
    }

    fn list_files(&self, dir: &FsPath, found: &mut Vec<ObjectMeta>) -> io::Result<()> {
        for info in self.disk.list(dir)? {
            if info.is_dir {
                self.list_files(&info.path, found)?;
            } else {
                found.push(object_meta(&info));
            }
        }
        Ok(())
    }

    fn list_level(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let dir = prefix.map_or_else(|| PathBuf::from("/"), DiskStore::file);
        let mut result = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        for info in self.disk.list(&dir).map_err(|error| store_error(&Path::default(), error))? {
            if info.is_dir {
                result.common_prefixes.push(object_path(&info.path));
            } else {
                result.objects.push(object_meta(&info));
            }
        }
        Ok(result)
    }
}

fn object_path(path: &FsPath) -> Path {
    let text = path.to_string_lossy();
    Path::parse(&*text).unwrap_or_else(|_| Path::from(&*text))
}

fn object_meta(info: &FileInfo) -> ObjectMeta {
    let since = info.modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    ObjectMeta {
        location: object_path(&info.path),
        last_modified: chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default(),
        size: info.len,
        e_tag: Some(format!("{micros:x}-{:x}", info.len)),
        version: None,
    }
}

fn store_error(location: &Path, error: io::Error) -> Error {
    let path = location.to_string();
    match error.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
        _ => Error::Generic { store: STORE, source: error.into() },
    }
}

impl fmt::Display for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STORE)
    }
}

#[async_trait]
impl ObjectStore for DiskStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let location = location.clone();
        self.run(move |store| {
            if let PutMode::Update(_) = opts.mode {
                return Err(Error::NotImplemented {
                    operation: "conditional update".into(),
                    implementer: STORE.into(),
                });
            }
            let chunks: Vec<Bytes> = payload.into_iter().collect();
            store.put_file(&location, &chunks, &opts.mode)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload { store: self.clone(), location: location.clone(), parts: Arc::default() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let location = location.clone();
        self.run(move |store| {
            let file = DiskStore::file(&location);
            let info = store.disk.info(&file).map_err(|error| store_error(&location, error))?;
            if info.is_dir {
                return Err(store_error(&location, io::ErrorKind::NotFound.into()));
            }
            let meta = object_meta(&info);
            options.check_preconditions(&meta)?;
            let whole = GetRange::Offset(0);
            let range = match options.range.as_ref() {
                None if meta.size == 0 => 0..0,
                range => range
                    .unwrap_or(&whole)
                    .as_range(meta.size)
                    .map_err(|source| Error::Generic { store: STORE, source: source.into() })?,
            };
            let bytes = if options.head {
                Bytes::new()
            } else {
                store.disk.read(&file, range.clone()).map_err(|error| store_error(&location, error))?
            };
            let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
            Ok(GetResult { payload, meta, range, attributes: Default::default() })
        })
        .await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (location, ranges) = (location.clone(), ranges.to_vec());
        self.run(move |store| {
            let file = DiskStore::file(&location);
            let read = |range| store.disk.read(&file, range).map_err(|error| store_error(&location, error));
            ranges.into_iter().map(read).collect()
        })
        .await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let gone = location.clone();
                store
                    .run(move |store| {
                        store.disk.remove(&DiskStore::file(&gone)).map_err(|error| store_error(&gone, error))
                    })
                    .await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let dir = prefix.map_or_else(|| PathBuf::from("/"), DiskStore::file);
        let listed = async move {
            let files = store
                .run(move |store| {
                    let mut found = Vec::new();
                    store.list_files(&dir, &mut found).map_err(|error| store_error(&Path::default(), error))?;
                    found.sort_by(|left, right| left.location.cmp(&right.location));
                    Ok(found)
                })
                .await;
            match files {
                Ok(files) => stream::iter(files).map(Ok).boxed(),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            }
        };
        stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned();
        self.run(move |store| store.list_level(prefix.as_ref())).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (from, to) = (from.clone(), to.clone());
        self.run(move |store| {
            let bytes =
                store.disk.read(&DiskStore::file(&from), 0..u64::MAX).map_err(|error| store_error(&from, error))?;
            let mode = match options.mode {
                CopyMode::Overwrite => PutMode::Overwrite,
                CopyMode::Create => PutMode::Create,
            };
            store.put_file(&to, &[bytes], &mode)
        })
        .await
    }
}

/// Parts are held until completion; used for checkpoints, which are small beside the data.
#[derive(Debug)]
struct Upload {
    store: DiskStore,
    location: Path,
    parts: Arc<Mutex<Vec<Bytes>>>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.lock().extend(data);
        Box::pin(async { Ok(()) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (location, parts) = (self.location.clone(), std::mem::take(&mut *self.parts.lock()));
        self.store.run(move |store| store.put_file(&location, &parts, &PutMode::Overwrite)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.lock().clear();
        Ok(())
    }
}
