//! Tests beside rules, in the layout of SigmaHQ: a rule names its `regression_tests_path`, an `info.yml` that lists files
//! of events and how often the rule must match in them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// One file of events and what the rule must do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    pub name: String,
    pub file: PathBuf,
    pub expected: Expected,
}

/// How often a rule must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// At least so often.
    AtLeast(u64),
    /// Not at all: `match_count: 0`.
    Never,
}

#[derive(Deserialize)]
struct RuleFile {
    regression_tests_path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    regression_tests_info: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    path: PathBuf,
    match_count: Option<u64>,
}

/// The tests of the rule in `origin`, whose text is `text`; none when it names none.
///
/// # Errors
/// A path that is not there or an `info.yml` that cannot be read, by name.
pub fn of_rule(origin: &Path, text: &str) -> Result<Vec<RuleTest>> {
    // A file of several documents, or a text that is no rule, has no tests of its own.
    let Ok(RuleFile { regression_tests_path: Some(path) }) = yaml_serde::from_str(text) else { return Ok(Vec::new()) };
    let info = find(origin, &path)
        .with_context(|| format!("{}: {} is in no folder above the rule", origin.display(), path.display()))?;
    let text = std::fs::read_to_string(&info).with_context(|| format!("reading {}", info.display()))?;
    let read: Info = yaml_serde::from_str(&text).with_context(|| format!("{} is no list of tests", info.display()))?;
    let test = |entry: Entry| {
        let file = find(&info, &entry.path)
            .with_context(|| format!("{}: {} is not there", info.display(), entry.path.display()))?;
        let expected = match entry.match_count {
            Some(0) => Expected::Never,
            count => Expected::AtLeast(count.unwrap_or(1)),
        };
        Ok(RuleTest { name: entry.name, file, expected })
    };
    read.regression_tests_info.into_iter().map(test).collect()
}

/// Paths are written from the root of the pack, which is some folder above.
fn find(from: &Path, path: &Path) -> Option<PathBuf> {
    from.ancestors().skip(1).map(|folder| folder.join(path)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_from_the_root_of_the_pack() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(&path, text).expect("a file");
            path
        };
        let text = "title: a\nregression_tests_path: tests/a/info.yml\n";
        let rule = write("rules/windows/a.yml", text);
        assert!(of_rule(&rule, text).is_err_and(|error| error.to_string().contains("tests/a/info.yml")));
        write(
            "tests/a/info.yml",
            "regression_tests_info:\n  - {name: yes, path: tests/a/yes.json}\n  - {name: no, path: no.json, match_count: 0}\n",
        );
        assert!(of_rule(&rule, text).is_err_and(|error| error.to_string().contains("yes.json")));
        let (yes, no) = (write("tests/a/yes.json", "{}"), write("tests/a/no.json", "{}"));
        let found = of_rule(&rule, text).expect("both files are there");
        assert_eq!(
            found.iter().map(|test| (&test.file, test.expected)).collect::<Vec<_>>(),
            [(&yes, Expected::AtLeast(1)), (&no, Expected::Never)]
        );
        assert!(of_rule(&rule, "title: a\n").is_ok_and(|tests| tests.is_empty()));
    }
}
