//! Which revision of a pack a rule file is: the commit of a git checkout, read without git.

use std::path::{Path, PathBuf};

use crate::shipped_rules::SHIPPED;

/// Hex digits of a commit that are shown.
const SHORT: usize = 12;

/// The revision of each folder that lies in a git checkout.
pub fn of_folders(folders: &[PathBuf]) -> Vec<(PathBuf, String)> {
    folders.iter().filter_map(|folder| Some((folder.clone(), of_checkout(folder)?))).collect()
}

/// The revision of a rule file: that of its folder, or Vigie's own version for what it brings along.
pub fn of_file(file: &Path, folders: &[(PathBuf, String)]) -> Option<String> {
    if file.starts_with(SHIPPED) {
        return Some(concat!("vigie ", env!("CARGO_PKG_VERSION")).to_owned());
    }
    folders.iter().find(|(folder, _)| file.starts_with(folder)).map(|(_, revision)| revision.clone())
}

/// The commit that is checked out where `folder` lies; `None`: it is in no checkout, or in a form that is not known.
fn of_checkout(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let dot_git = folder.ancestors().map(|above| above.join(".git")).find(|path| path.exists())?;
    let git = if dot_git.is_file() {
        // A worktree or a submodule: the file names the place.
        let text = std::fs::read_to_string(&dot_git).ok()?;
        dot_git.parent()?.join(text.strip_prefix("gitdir:")?.trim())
    } else {
        dot_git
    };
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let commit = match head.trim().strip_prefix("ref: ") {
        Some(name) => reference(&git, name)?,
        None => head.trim().to_owned(),
    };
    let is_commit = commit.len() >= SHORT && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| commit[..SHORT].to_owned())
}

fn reference(git: &Path, name: &str) -> Option<String> {
    // Worktrees share their references with the repository that they come from.
    let shared = std::fs::read_to_string(git.join("commondir")).ok().map(|path| git.join(path.trim()));
    [Some(git.to_owned()), shared].into_iter().flatten().find_map(|git| {
        let loose = std::fs::read_to_string(git.join(name)).ok().map(|text| text.trim().to_owned());
        loose.or_else(|| {
            let packed = std::fs::read_to_string(git.join("packed-refs")).ok()?;
            let mut pairs = packed.lines().filter_map(|line| line.split_once(' '));
            pairs.find(|(_, reference)| *reference == name).map(|(commit, _)| commit.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_checkout_says_its_commit() {
        let root = tempfile::tempdir().expect("a folder");
        let (git, rules) = (root.path().join(".git"), root.path().join("rules/windows"));
        std::fs::create_dir_all(git.join("refs/heads")).expect("folders");
        std::fs::create_dir_all(&rules).expect("folders");
        let write = |name: &str, text: &str| std::fs::write(git.join(name), text).expect("a file");
        assert_eq!(of_checkout(&rules), None, "no HEAD");
        write("HEAD", &format!("{COMMIT}\n"));
        assert_eq!(of_checkout(&rules).as_deref(), Some("0123456789ab"), "detached");
        write("HEAD", "ref: refs/heads/main\n");
        assert_eq!(of_checkout(&rules), None, "a branch without a commit");
        write("packed-refs", &format!("# pack-refs with: peeled\n{COMMIT} refs/heads/main\n"));
        assert_eq!(of_checkout(&rules).as_deref(), Some("0123456789ab"), "packed");
        write("refs/heads/main", &COMMIT.replace("0123", "ffff"));
        assert_eq!(of_checkout(&rules).as_deref(), Some("ffff456789ab"), "loose goes before packed");
        let folders = of_folders(std::slice::from_ref(&rules));
        assert_eq!(of_file(&rules.join("a.yml"), &folders).as_deref(), Some("ffff456789ab"));
        assert_eq!(of_file(Path::new("elsewhere/a.yml"), &folders), None);
    }
}
