//! Where other people's data lies that tests may read but the repository may not hold.

use std::path::{Path, PathBuf};

/// The folder `name` of the shared test data: below `VIGIE_SHARED_DATA`, else `../shared/data` beside the workspace.
/// `None` when it is absent, after a line that says what is skipped.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_SHARED_DATA").map(PathBuf::from).unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/")).join("../shared/data")
    });
    let folder = root.join(name);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: no shared test data at {} (set VIGIE_SHARED_DATA)", folder.display());
    None
}
