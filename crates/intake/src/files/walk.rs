//! Which files there are under the given paths, in a fixed order.

use std::path::{Path, PathBuf};

use crate::error::IntakeError;
use crate::limits::FileLimits;

/// A file to read, or why a path gives none.
pub(super) type Found = Result<(PathBuf, u64), IntakeError>;

/// Files under `paths`: in the given order, folders sorted by name. Links to folders are not followed inside of a
/// folder, so that no loop and nothing outside of it is read; links to files are.
pub(super) fn files(paths: &[PathBuf], limits: &FileLimits) -> Vec<Found> {
    paths.iter().flat_map(|path| under(path, limits)).collect()
}

fn under(path: &Path, limits: &FileLimits) -> Vec<Found> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => folder(path, limits),
        Ok(metadata) if metadata.is_file() => vec![Ok((path.to_owned(), metadata.len()))],
        Ok(_) => vec![Err(IntakeError::Malformed {
            label: path.display().to_string(),
            reason: "neither a file nor a folder; give a regular file".to_owned(),
        })],
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => vec![Err(IntakeError::NotFound(path.to_owned()))],
        Err(error) => vec![Err(IntakeError::io(format!("look at {}", path.display()), error))],
    }
}

fn folder(path: &Path, limits: &FileLimits) -> Vec<Found> {
    let walk = walkdir::WalkDir::new(path).sort_by_file_name().max_depth(limits.folder_depth).follow_root_links(true);
    walk.into_iter()
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => match std::fs::metadata(entry.path()) {
                Ok(metadata) if metadata.is_file() => Some(Ok((entry.into_path(), metadata.len()))),
                Ok(_) => None,
                Err(error) => Some(Err(IntakeError::io(format!("look at {}", entry.path().display()), error))),
            },
            Err(error) => {
                let what = format!("walk {}", error.path().unwrap_or(path).display());
                let cause = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links"));
                Some(Err(IntakeError::io(what, cause)))
            }
        })
        .collect()
}
