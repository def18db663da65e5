//! A rule as the state database keeps it.

use kernel::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use store::Row;

use crate::scheduled::ScheduledRule;

/// How a rule is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// On every batch as it arrives.
    Sigma,
    /// On a schedule.
    Kql,
}

impl RuleKind {
    /// The word in storage and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            RuleKind::Sigma => "sigma",
            RuleKind::Kql => "kql",
        }
    }

    pub(crate) fn parse(text: &str) -> RuleKind {
        if text == "kql" { RuleKind::Kql } else { RuleKind::Sigma }
    }
}

/// Whether a rule looks at events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleState {
    Enabled,
    /// Somebody switched it off, or its pack no longer has it.
    Disabled,
    /// It cannot run; its problems say why.
    Broken,
}

impl RuleState {
    /// The word in storage and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            RuleState::Enabled => "enabled",
            RuleState::Disabled => "disabled",
            RuleState::Broken => "broken",
        }
    }

    pub(crate) fn parse(text: &str) -> RuleState {
        match text {
            "enabled" => RuleState::Enabled,
            "broken" => RuleState::Broken,
            _ => RuleState::Disabled,
        }
    }

    /// What a switch makes of it; the refusal says why not.
    pub(crate) fn switched(self, enabled: bool) -> Result<RuleState, &'static str> {
        match (self, enabled) {
            (RuleState::Broken, true) => Err("the rule cannot run; mend its problems first"),
            (RuleState::Broken | RuleState::Enabled | RuleState::Disabled, false) => Ok(RuleState::Disabled),
            (RuleState::Enabled | RuleState::Disabled, true) => Ok(RuleState::Enabled),
        }
    }
}

/// What stands in the place of the log source of a rule that correlates others.
pub(crate) const CORRELATION: &str = "correlation";

/// A rule with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: String,
    pub kind: RuleKind,
    pub title: String,
    /// As the rule says it.
    pub severity: Severity,
    /// As somebody decided; its alerts have this one.
    pub severity_override: Option<Severity>,
    pub state: RuleState,
    /// Sigma's word for its ripeness.
    pub status: Option<String>,
    /// `windows/process_creation`, as far as the rule says it.
    pub log_source: Option<String>,
    pub techniques: Vec<String>,
    pub tags: Vec<String>,
    /// The file or the person that it comes from.
    pub origin: String,
    pub description: String,
    pub author: Option<String>,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    pub text: String,
    /// Hex SHA-256 of the text.
    pub digest: String,
    /// Of its pack, such as a commit, or else its own date.
    pub revision: Option<String>,
    /// Why it cannot run or could be better.
    pub problems: Vec<String>,
    /// For rules on a schedule.
    pub schedule: Option<ScheduledRule>,
    pub changed: Timestamp,
    pub version: i64,
    pub alert_count: u64,
    pub last_alert: Option<Timestamp>,
}

/// A rule on its way into the database: everything but what the database adds.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRule {
    pub id: String,
    pub kind: RuleKind,
    pub title: String,
    pub severity: Severity,
    pub broken: bool,
    pub status: Option<String>,
    pub log_source: Option<String>,
    pub techniques: Vec<String>,
    pub tags: Vec<String>,
    pub origin: String,
    pub description: String,
    pub author: Option<String>,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    pub text: String,
    pub digest: String,
    pub problems: Vec<String>,
    pub schedule: Option<ScheduledRule>,
    pub revision: Option<String>,
}

impl NewRule {
    /// A text that was refused, shown among the rules with what is wrong. `identity` tells it from others of its kind.
    pub fn refused(
        kind: RuleKind,
        identity: &str,
        title: String,
        origin: String,
        text: String,
        problem: String,
    ) -> NewRule {
        NewRule {
            id: format!("refused-{}", &hex::encode(Sha256::digest(identity))[..32]),
            kind,
            title,
            severity: Severity::Informational,
            broken: true,
            status: None,
            log_source: None,
            techniques: Vec::new(),
            tags: Vec::new(),
            origin,
            description: String::new(),
            author: None,
            references: Vec::new(),
            false_positives: Vec::new(),
            digest: hex::encode(Sha256::digest(format!("{identity}\n{text}\n{problem}"))),
            text,
            problems: vec![problem],
            schedule: None,
            revision: None,
        }
    }
}

/// Which rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFilter {
    pub kind: Option<RuleKind>,
    pub state: Option<RuleState>,
    /// At least this severity.
    pub severity: Option<Severity>,
    pub technique: Option<String>,
    /// Part of title, id, tags or log source, in any case.
    pub search: Option<String>,
    /// Ids after this one, for the next page.
    pub after: Option<(String, String)>,
    pub limit: u32,
}

impl Rule {
    pub(crate) fn of(row: &Row) -> Result<Rule, store::Error> {
        Ok(Rule {
            id: row.text("id")?.to_owned(),
            kind: RuleKind::parse(row.text("kind")?),
            title: row.text("title")?.to_owned(),
            severity: row.severity("severity")?,
            severity_override: row.text_opt("severity_override")?.and_then(Severity::parse),
            state: RuleState::parse(row.text("state")?),
            status: row.text_opt("status")?.map(str::to_owned),
            log_source: row.text_opt("log_source")?.map(str::to_owned),
            techniques: row.json("techniques")?,
            tags: row.json("tags")?,
            origin: row.text("origin")?.to_owned(),
            description: row.text("description")?.to_owned(),
            author: row.text_opt("author")?.map(str::to_owned),
            references: row.json("refs")?,
            false_positives: row.json("false_positives")?,
            text: row.text("text")?.to_owned(),
            digest: row.text("digest")?.to_owned(),
            problems: row.json("problems")?,
            revision: row.text_opt("revision")?.map(str::to_owned),
            schedule: row.json_opt("schedule")?,
            changed: row.time("changed_us")?,
            version: row.int("version")?,
            alert_count: row.count("alert_count")?,
            last_alert: row.time_opt("last_alert_us")?,
        })
    }

    /// Whether it speaks of other rules' hits, not of events.
    pub fn is_correlation(&self) -> bool {
        self.log_source.as_deref().is_some_and(|source| source.split('/').next() == Some(CORRELATION))
    }

    /// What the ledger and a conflict show of it.
    pub(crate) fn summary(&self) -> Json {
        serde_json::json!({
            "id": self.id, "title": self.title, "state": self.state.as_str(), "severity": self.severity.as_str(),
            "severity_override": self.severity_override.map(Severity::as_str), "digest": self.digest,
            "revision": self.revision, "schedule": self.schedule,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_can_only_be_switched_off() {
        use RuleState::{Broken, Disabled, Enabled};
        assert_eq!(Enabled.switched(false), Ok(Disabled));
        assert_eq!(Disabled.switched(true), Ok(Enabled));
        assert_eq!(Broken.switched(false), Ok(Disabled));
        assert!(Broken.switched(true).is_err());
        for state in [Enabled, Disabled, Broken] {
            assert_eq!(RuleState::parse(state.as_str()), state);
        }
    }
}
