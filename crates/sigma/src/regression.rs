//! Tests beside rules, in the layout of SigmaHQ: a rule names its `info.yml`, which names files of events and how many
//! of them must match.
//!
//! ```yaml
//! rule_metadata:
//!   - id: c1d6a0d2-58a0-4b1f-9d59-3a3b8a0f1c08
//! regression_tests_info:
//!   - name: Positive Detection Test
//!     type: evtx
//!     match_count: 1
//!     path: regression_data/rules/windows/…/c1d6a0d2-….evtx
//! ```
//!
//! Without `match_count` at least one event must match. `match_count: 0` is ours: none may match.

use serde::{Deserialize, Serialize};

use crate::rule::Rule;

/// One test of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    pub name: String,
    pub format: EventFormat,
    /// The file of events, as written: relative to a folder above.
    pub path: String,
    pub wanted: Wanted,
}

/// In which form the events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    Evtx,
    Json,
}

/// How many events must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    AtLeast(u64),
    None,
}

impl Wanted {
    /// Whether so many matches are right.
    pub fn accepts(self, matches: u64) -> bool {
        match self {
            Wanted::AtLeast(least) => matches >= least,
            Wanted::None => matches == 0,
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wanted::AtLeast(least) => write!(f, "at least {least}"),
            Wanted::None => f.write_str("none"),
        }
    }
}

#[derive(Deserialize)]
struct InfoFile {
    #[serde(default)]
    rule_metadata: Vec<RuleName>,
    regression_tests_info: Vec<TestFile>,
}

#[derive(Deserialize)]
struct RuleName {
    id: String,
}

#[derive(Deserialize)]
struct TestFile {
    name: String,
    #[serde(rename = "type")]
    format: EventFormat,
    match_count: Option<u64>,
    path: String,
}

/// Where a rule says that its tests are: relative to a folder above.
pub fn tests_path(rule: &Rule) -> Option<&str> {
    // Of several rules in a file each has its own.
    let mut documents = rule.text.split("\n---");
    let alone = documents.clone().count() == 1;
    let own = documents.find(|document| alone || document.contains(&rule.id))?;
    let path = own.lines().find_map(|line| line.strip_prefix("regression_tests_path:"))?;
    Some(path.trim().trim_matches(['\'', '"'])).filter(|path| !path.is_empty())
}

/// The tests that the text of an `info.yml` lists for `rule`; the reason when it cannot be read or is for another rule.
pub fn tests(info: &str, rule: &Rule) -> Result<Vec<RuleTest>, String> {
    let file: InfoFile = yaml_serde::from_str(info).map_err(|error| error.to_string())?;
    if !file.rule_metadata.is_empty() && !file.rule_metadata.iter().any(|named| named.id == rule.id) {
        return Err(format!("it is for the rule {}, not {}", file.rule_metadata[0].id, rule.id));
    }
    if file.regression_tests_info.is_empty() {
        return Err("it lists no test".to_owned());
    }
    let tests = file.regression_tests_info.into_iter().map(|test| RuleTest {
        name: test.name,
        format: test.format,
        path: test.path,
        wanted: match test.match_count {
            Some(0) => Wanted::None,
            Some(count) => Wanted::AtLeast(count),
            None => Wanted::AtLeast(1),
        },
    });
    Ok(tests.collect())
}
