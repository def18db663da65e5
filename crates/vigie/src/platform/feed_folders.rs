//! Drop folders of the Access desk: a file that rests in the folder of a feed is a delivery.
//!
//! `feeds/FOLDER/` in the data folder, as the feed's document names it. A file is taken once it has not changed between two
//! looks; senders may also write under a name that begins with a dot and rename. `NAME.manifest.json` beside it, put there
//! before, says what it holds. What was taken is moved below `taken/`, by what became of it: nothing is deleted. A file that
//! could not be taken stays and is tried again, and holds up no other; after a third time it is moved to `taken/failed`, and a
//! finding says why.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use identity::Identity;
use identity::feed::{Batch, Delivery, Manifest};
use kernel::Actor;
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_secs(5);
/// The largest file that is taken.
const LARGEST_BYTES: u64 = 512 << 20;
/// Where files go that were taken.
const TAKEN: &str = "taken";
/// What a manifest is called, after the name of its file.
const MANIFEST: &str = ".manifest.json";

/// Times that a file is tried.
const TRIES: u32 = 3;
/// Where files go that could not be taken.
const FAILED: &str = "failed";

/// Size and time of change by which a file is known to rest.
type Print = (u64, Option<SystemTime>);

/// What is known of a file from one look to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    print: Print,
    /// Times that it could not be taken.
    failures: u32,
}

/// Watches until stopped. Folders that documents name are made.
pub async fn watch(identity: Identity, root: PathBuf, stop: CancellationToken) {
    let mut before: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    // Of each folder what was told last.
    let mut told: BTreeMap<String, Option<String>> = BTreeMap::new();
    loop {
        match identity.policy().await {
            Ok(policy) => {
                let mut found = BTreeMap::new();
                for (feed, document) in &policy.feeds {
                    let Some(folder) = document.folder.as_deref() else { continue };
                    let looked = look(&identity, &root, feed, folder, &before, &mut found).await;
                    let problem = looked.err().map(|error| format!("{error:#}"));
                    if let Some(error) = &problem {
                        tracing::error!(feed, error, "the drop folder of a feed; it is tried again");
                    }
                    if told.get(feed) != Some(&problem) {
                        let actor = Actor::system("feed-folder");
                        if identity.note_folder(feed, problem.as_deref(), &actor).await.is_ok() {
                            told.insert(feed.clone(), problem);
                        }
                    }
                }
                before = found;
            }
            Err(error) => tracing::warn!(%error, "feeds could not be read; their folders are looked at later"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn look(
    identity: &Identity,
    root: &Path,
    feed: &str,
    folder: &str,
    before: &BTreeMap<PathBuf, Seen>,
    found: &mut BTreeMap<PathBuf, Seen>,
) -> Result<()> {
    let folder = below(root, folder)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for (path, print) in files(&folder)? {
        let Some(seen) = before.get(&path).filter(|seen| seen.print == print) else {
            found.insert(path, Seen { print, failures: 0 });
            continue;
        };
        let taken = take(identity, feed, &path).await;
        let put = taken.and_then(|batch| put_away(&folder, &path, batch.state.as_str(), &batch.id.to_string()));
        if let Err(error) = put {
            let failures = seen.failures + 1;
            if failures < TRIES || give_up(identity, &folder, feed, &path, &error).await.is_err() {
                tracing::error!(
                    feed,
                    path = %path.display(),
                    error = format!("{error:#}"),
                    "a file of a feed could not be taken; it is tried again"
                );
                found.insert(path, Seen { print, failures });
            }
        }
    }
    Ok(())
}

/// Says why a file cannot be taken, and then moves it out of the way. What cannot be said is not moved.
async fn give_up(identity: &Identity, folder: &Path, feed: &str, path: &Path, why: &anyhow::Error) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let actor = Actor::system("feed-folder");
    let finding = identity.file_failed(feed, &name, &format!("{why:#}"), &actor).await?;
    tracing::error!(feed, path = %path.display(), %finding, "a file of a feed could not be taken; it was put aside");
    put_away(folder, path, FAILED, &finding.to_string())
}

/// A folder below the root, whatever a document says.
fn below(root: &Path, folder: &str) -> Result<PathBuf> {
    let path = Path::new(folder);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(plain && !folder.is_empty(), "`{folder}` is no folder below {}: letters and `/` alone", root.display());
    Ok(root.join(path))
}

/// Files that are deliveries, by name.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Print>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        if metadata.is_file() && !name.starts_with('.') && !name.ends_with(MANIFEST) {
            found.insert(entry.path(), (metadata.len(), metadata.modified().ok()));
        }
    }
    Ok(found)
}

async fn take(identity: &Identity, feed: &str, path: &Path) -> Result<Batch> {
    let bytes = std::fs::metadata(path)?.len();
    ensure!(bytes <= LARGEST_BYTES, "{} has {bytes} bytes; {LARGEST_BYTES} are taken at most", path.display());
    let body = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let beside = manifest_of(path);
    let manifest = match std::fs::read(&beside) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("reading {}", beside.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::default(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", beside.display())),
    };
    let delivery = Delivery { feed: feed.to_owned(), body, manifest };
    let batch = identity.receive(&delivery, &Actor::system("feed-folder")).await?;
    tracing::info!(feed, path = %path.display(), batch = %batch.id, state = %batch.state, "a delivery was taken from its folder");
    Ok(batch)
}

fn manifest_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(MANIFEST);
    path.with_file_name(name)
}

/// Moves a file, and its manifest, to where files of its fate are. `id`: of what tells of it.
fn put_away(folder: &Path, path: &Path, fate: &str, id: &str) -> Result<()> {
    let place = folder.join(TAKEN).join(fate);
    std::fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
    for file in [manifest_of(path), path.to_path_buf()] {
        if file.exists() {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let target = place.join(format!("{id}-{name}"));
            std::fs::rename(&file, &target).with_context(|| format!("moving {}", file.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_rests_is_taken_once_and_kept() {
        let root = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", root.path().join("state.db").display());
        let clock = testkit::TestClock::noon();
        let store = store::Store::open(&database, clock, testkit::CountingRandomness::seeded(7)).await.unwrap();
        let identity = Identity::new(store);
        let toml = "[feed.hr]\ntitle = \"HR\"\nowner = \"P-1\"\nformat = \"csv\"\nfolder = \"hr\"\ntrailer = \"END\"\n\
                    [feed.hr.map]\nanchor = \"person\"\nkey = \"person\"\ngiven_name = \"given\"\nfamily_name = \"family\"\n\
                    begins = \"begins\"\n";
        let drafts = identity::document::drafts_from_toml(toml).unwrap();
        identity.save_documents(&drafts, "begin", None, &Actor::system("test")).await.unwrap();
        let folder = root.path().join("feeds/hr");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("day.csv");
        std::fs::write(&file, "person,given,family,begins\nP-7,Amina,Diallo,2026-01-01\n").unwrap();
        let mut before = BTreeMap::new();
        for _ in 0..2 {
            let mut found = BTreeMap::new();
            look(&identity, &root.path().join("feeds"), "hr", "hr", &before, &mut found).await.unwrap();
            before = found;
        }
        let batches = identity.batches(None).await.unwrap();
        assert_eq!(batches.len(), 1, "{batches:?}");
        assert!(!file.exists());
        let kept = folder.join(TAKEN).join(batches[0].state.as_str());
        assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1);
        // One with a manifest that nobody can read holds up no other, and is told of in the end.
        for name in ["a.csv", "b.csv"] {
            let text = format!("person,given,family,begins\nP-8,{name},Diallo,2026-01-01\nEND,1\n");
            std::fs::write(folder.join(name), text).unwrap();
        }
        std::fs::write(folder.join("a.csv.manifest.json"), "{").unwrap();
        for _ in 0..=TRIES {
            let mut found = BTreeMap::new();
            look(&identity, &root.path().join("feeds"), "hr", "hr", &before, &mut found).await.unwrap();
            before = found;
        }
        assert_eq!(files(&folder).unwrap(), BTreeMap::new());
        assert_eq!(std::fs::read_dir(folder.join(TAKEN).join(FAILED)).unwrap().count(), 2, "with its manifest");
        assert_eq!(identity.batches(None).await.unwrap().len(), 2, "the other was taken");
        let failed = identity::finding::FindingKind::FeedFailed;
        let finding = identity.findings(Some(failed), None).await.unwrap().remove(0);
        assert!(finding.title.contains("a.csv") && finding.title.contains("manifest"), "{}", finding.title);
        assert!(below(root.path(), "../secrets").is_err() && below(root.path(), "/etc").is_err());
    }
}
