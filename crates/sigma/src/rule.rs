//! A Sigma rule as Vigie holds it.

use std::path::PathBuf;
use std::sync::Arc;

use kernel::{LogSource, Severity};
use serde::{Deserialize, Serialize};

use crate::detection::{Condition, Item};

/// One detection rule, complete: what it says of itself and what it looks for.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The rule's own id; for a rule without one, `sha256:` and the start of its digest.
    pub id: String,
    /// By which correlations and filters may call it.
    pub name: Option<String>,
    pub title: String,
    /// Its `level`; [`Severity::Medium`] where it gives none.
    pub severity: Severity,
    pub status: Option<Status>,
    pub description: String,
    pub author: String,
    pub references: Vec<String>,
    pub tags: Vec<String>,
    pub falsepositives: Vec<String>,
    /// As written, `2024-08-08` in current rules.
    pub date: Option<String>,
    pub modified: Option<String>,
    pub logsource: LogSource,
    /// The names of all its detections, used in a condition or not.
    pub detections: Vec<String>,
    /// Any of these makes the rule fire.
    pub conditions: Vec<Condition>,
    /// The file it came from, as found.
    pub file: PathBuf,
    /// The whole file, as read. A file with several documents gives it to each of its rules.
    pub text: Arc<str>,
    /// Hex SHA-256 of `text`.
    pub sha256: String,
}

/// How mature a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Stable,
    Test,
    Experimental,
    Deprecated,
    Unsupported,
}

impl Rule {
    /// ATT&CK techniques and sub-techniques that it is tagged with: `T1059.001`.
    pub fn techniques(&self) -> Vec<String> {
        techniques_of(&self.tags)
    }

    /// ATT&CK tactics that it is tagged with: `credential-access`.
    pub fn tactics(&self) -> Vec<String> {
        tactics_of(&self.tags)
    }

    /// Every item that it tests, with the name of the detection it stands in.
    pub fn for_each_item<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a Item)) {
        self.conditions.iter().for_each(|condition| condition.for_each_item(visit));
    }
}

pub(crate) fn techniques_of(tags: &[String]) -> Vec<String> {
    let tags = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    tags.filter(|tag| is_technique(tag)).map(str::to_ascii_uppercase).collect()
}

pub(crate) fn tactics_of(tags: &[String]) -> Vec<String> {
    let tags = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    tags.filter(|tag| is_tactic(tag)).map(|tag| tag.replace('_', "-")).collect()
}

fn is_technique(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix(['t', 'T']) else { return false };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    match rest.split_once('.') {
        None => digits(rest, 4),
        Some((technique, part)) => digits(technique, 4) && digits(part, 3),
    }
}

/// Groups (`g0016`), software (`s0002`) and the like are neither technique nor tactic.
fn is_tactic(tag: &str) -> bool {
    !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
}
