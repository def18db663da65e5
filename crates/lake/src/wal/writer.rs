//! The one thread that writes the log: many appends, one write, one sync.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use kernel::Clock;
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::format::{Frame, HEADER_LEN, SegmentHeader};
use super::segments::{Segment, Segments};
use super::{WriteFailure, segment_path};
use crate::disk::{Disk, DiskFile};

/// Bytes that one group commit writes at most, so that the first of it does not wait for ever.
const GROUP_BYTES: u64 = 32 << 20;

/// Told, on the writer's thread, in which segment the frame is durable, or why it is not.
pub type Done = Box<dyn FnOnce(Result<u64, WriteFailure>) + Send>;

/// An append under way.
pub struct Append {
    pub frame: Frame,
    /// Taken into the segment's books when durable.
    pub key: Option<(crate::keys::KeyDigest, kernel::Timestamp)>,
    pub done: Done,
}

#[derive(Default)]
struct Queue {
    appends: Vec<Append>,
    seals: Vec<Box<dyn FnOnce() + Send>>,
    stop: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// The way to the writer.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer needs to know.
pub struct Settings {
    pub dir: PathBuf,
    pub segment_bytes: u64,
    pub min_free_bytes: u64,
    pub node: Uuid,
    pub next_number: u64,
    pub previous: Option<(u64, u64)>,
}

impl Writer {
    /// Starts the thread. `sealed` is told when a segment is closed.
    pub fn start(
        settings: Settings,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        segments: Arc<Mutex<Segments>>,
        sealed: impl Fn() + Send + 'static,
    ) -> io::Result<Writer> {
        let shared = Arc::new(Shared::default());
        let work = Work { settings, disk, clock, segments, sealed: Box::new(sealed), active: None };
        let queue = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("lake-log".into()).spawn(move || work.run(&queue))?;
        Ok(Writer { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Queues an append. After [`Writer::stop`] it is told [`WriteFailure::Closed`].
    pub fn append(&self, append: Append) {
        let mut queue = self.shared.queue.lock();
        if queue.stop {
            drop(queue);
            (append.done)(Err(WriteFailure::Closed));
            return;
        }
        queue.appends.push(append);
        self.shared.wake.notify_one();
    }

    /// Closes the active segment, if it has entries, after everything queued before; then calls `done`.
    pub fn seal(&self, done: impl FnOnce() + Send + 'static) {
        let mut queue = self.shared.queue.lock();
        if queue.stop {
            drop(queue);
            done();
            return;
        }
        queue.seals.push(Box::new(done));
        self.shared.wake.notify_one();
    }

    /// Writes what is queued, closes the segment and ends the thread.
    pub fn stop(&self) {
        self.shared.queue.lock().stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread has been printed by it; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Active {
    number: u64,
    salt: u32,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// Acknowledged bytes.
    len: u64,
}

struct Work {
    settings: Settings,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    segments: Arc<Mutex<Segments>>,
    sealed: Box<dyn Fn() + Send>,
    active: Option<Active>,
}

impl Work {
    fn run(mut self, shared: &Shared) {
        loop {
            let (appends, seals, stop) = {
                let mut queue = shared.queue.lock();
                while queue.appends.is_empty() && queue.seals.is_empty() && !queue.stop {
                    shared.wake.wait(&mut queue);
                }
                (std::mem::take(&mut queue.appends), std::mem::take(&mut queue.seals), queue.stop)
            };
            self.write(appends);
            if !seals.is_empty() || stop {
                self.seal();
            }
            seals.into_iter().for_each(|done| done());
            if stop && shared.queue.lock().appends.is_empty() {
                return;
            }
        }
    }

    fn write(&mut self, appends: Vec<Append>) {
        let mut group = Vec::new();
        let mut bytes = 0;
        for append in appends {
            bytes += append.frame.len();
            group.push(append);
            if bytes >= GROUP_BYTES {
                self.commit(std::mem::take(&mut group), bytes);
                bytes = 0;
            }
        }
        if !group.is_empty() {
            self.commit(group, bytes);
        }
    }

    fn commit(&mut self, group: Vec<Append>, bytes: u64) {
        match self.store(&group, bytes) {
            Ok(number) => {
                self.account(number, &group, bytes);
                group.into_iter().for_each(|append| (append.done)(Ok(number)));
                if self.active.as_ref().is_some_and(|active| active.len >= self.settings.segment_bytes) {
                    self.seal();
                }
            }
            Err(failure) => {
                tracing::warn!(%failure, deliveries = group.len(), "the log cannot be written");
                group.into_iter().for_each(|append| (append.done)(Err(failure.clone())));
            }
        }
    }

    /// Makes the group durable in the active segment, opening one when there is none.
    fn store(&mut self, group: &[Append], bytes: u64) -> Result<u64, WriteFailure> {
        self.check_space(bytes)?;
        let mut active = match self.active.take() {
            Some(active) => active,
            None => self.open_segment().map_err(|error| self.failure(error, bytes))?,
        };
        let heads: Vec<_> = group.iter().map(|append| append.frame.head(active.salt)).collect();
        let mut parts = Vec::with_capacity(group.len() * 3);
        for (append, head) in group.iter().zip(&heads) {
            let (fields, payload) = append.frame.body();
            parts.extend([IoSlice::new(head), IoSlice::new(fields), IoSlice::new(payload)]);
        }
        match active.file.write_all_vectored(&parts).and_then(|()| active.file.sync()) {
            Ok(()) => {
                active.len += bytes;
                let number = active.number;
                self.active = Some(active);
                Ok(number)
            }
            Err(error) => {
                self.abandon(active);
                Err(self.failure(error, bytes))
            }
        }
    }

    fn check_space(&self, bytes: u64) -> Result<(), WriteFailure> {
        let needed_bytes = self.settings.min_free_bytes + bytes;
        match self.disk.free_bytes(&self.settings.dir) {
            Ok(free_bytes) if free_bytes < needed_bytes => Err(WriteFailure::Full { free_bytes, needed_bytes }),
            Ok(_) => Ok(()),
            Err(error) => Err(self.failure(error, bytes)),
        }
    }

    fn open_segment(&mut self) -> io::Result<Active> {
        let number = self.settings.next_number;
        // A number is used once, even when its file could not be made.
        self.settings.next_number += 1;
        let salt = Uuid::new_v4().as_fields().0;
        let created = self.clock.now();
        let header =
            SegmentHeader { number, node: self.settings.node, created, salt, previous: self.settings.previous };
        let path = segment_path(&self.settings.dir, number);
        let made = create_segment(self.disk.as_ref(), &path, &header.encode());
        let file = made.inspect_err(|_| {
            // An empty segment left behind is removed at the next start.
            let _ = self.disk.remove(&path);
        })?;
        self.segments.lock().insert(Segment {
            number,
            node: self.settings.node,
            path: path.clone(),
            bytes: HEADER_LEN as u64,
            entries: 0,
            created,
            begun_us: self.clock.monotonic_us(),
            sealed: false,
            flushed: false,
            open_tickets: 0,
            keys: Vec::new(),
        });
        Ok(Active { number, salt, path, file, len: HEADER_LEN as u64 })
    }

    fn account(&self, number: u64, group: &[Append], bytes: u64) {
        let mut segments = self.segments.lock();
        let segment = segments.get_mut(number).expect("the active segment is in the books");
        segment.bytes += bytes;
        segment.entries += group.len() as u64;
        segment.open_tickets += group.len() as u64;
        segment.keys.extend(group.iter().filter_map(|append| append.key));
    }

    /// Ends the segment in which a write or sync failed. What the disk holds after `len` is unknown; the next
    /// segment's header says that it does not count.
    fn abandon(&mut self, mut active: Active) {
        let cut = active.file.truncate(active.len).and_then(|()| active.file.sync());
        if let Err(error) = cut {
            tracing::warn!(path = %active.path.display(), %error, "could not cut a failed write; the next segment will say so");
        }
        self.close(active);
    }

    fn seal(&mut self) {
        if let Some(active) = self.active.take() {
            self.close(active);
        }
    }

    fn close(&mut self, active: Active) {
        self.settings.previous = Some((active.number, active.len));
        let mut segments = self.segments.lock();
        if active.len == HEADER_LEN as u64 {
            segments.remove(active.number);
            // Nothing in it counts; what stays is removed at the next start.
            let _ = self.disk.remove(&active.path);
        } else if let Some(segment) = segments.get_mut(active.number) {
            segment.sealed = true;
        }
        drop(segments);
        (self.sealed)();
    }

    fn failure(&self, error: io::Error, bytes: u64) -> WriteFailure {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteFailure::Full {
                free_bytes: self.disk.free_bytes(&self.settings.dir).unwrap_or(0),
                needed_bytes: self.settings.min_free_bytes + bytes,
            },
            kind => WriteFailure::Io { kind, text: error.to_string() },
        }
    }
}

fn create_segment(disk: &dyn Disk, path: &Path, header: &[u8]) -> io::Result<Box<dyn DiskFile>> {
    let mut file = disk.create(path)?;
    file.write_all_vectored(&[IoSlice::new(header)])?;
    file.sync()?;
    disk.sync_dir(crate::disk::parent(path))?;
    Ok(file)
}
