//! Hits on their way in, alerts as they are kept.

use kernel::id::{AlertGroupId, AlertId};
use kernel::{Entity, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use store::Row;

use crate::rule::RuleKind;

/// Events kept with an alert; further ones are counted.
pub const KEPT_EVENTS: usize = 20;

/// Bytes of one raw record that are kept with an alert; the lake has all of it.
pub const KEPT_RAW_BYTES: usize = 16 << 10;

/// One predicate of the rule that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchReason {
    /// The field in the event.
    pub field: String,
    /// What the rule asks, in words.
    pub predicate: String,
    /// What the event has; `None`: the field is absent.
    pub value: Option<String>,
}

/// An event that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// `_ItemId` of its rows; for a scheduled rule the digest of the result row.
    pub item_id: String,
    pub time: Timestamp,
    /// The record as it arrived, or the result row as JSON; cut at [`KEPT_RAW_BYTES`].
    pub raw: String,
    pub reasons: Vec<MatchReason>,
}

/// A rule fired on an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub rule_id: String,
    pub rule_kind: RuleKind,
    pub rule_digest: String,
    pub rule_revision: Option<String>,
    pub title: String,
    pub severity: Severity,
    pub techniques: Vec<String>,
    pub entities: Vec<Entity>,
    pub event: AlertEvent,
    /// Further events of the batch that make the same alert and are only counted.
    pub further: u64,
    /// Time of the last of them all.
    pub until: Timestamp,
    /// Hits of one rule with the same entities within this time are one alert.
    pub quiet_us: i64,
}

impl Hit {
    /// Two hits with one likeness, close in time, are one alert.
    pub fn likeness(&self) -> String {
        let mut parts: Vec<String> =
            self.entities.iter().map(|entity| format!("{}:{}", entity.kind.as_str(), entity.key)).collect();
        parts.sort_unstable();
        parts.dedup();
        format!("{}|{}", self.rule_id, parts.join("|"))
    }
}

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub id: AlertId,
    pub rule_id: String,
    pub rule_kind: RuleKind,
    /// Digest of the rule's text when it matched first.
    pub rule_digest: String,
    /// Revision of the rule's text when it matched first.
    pub rule_revision: Option<String>,
    pub title: String,
    pub severity: Severity,
    pub techniques: Vec<String>,
    pub group: AlertGroupId,
    pub first_event: Timestamp,
    pub last_event: Timestamp,
    pub raised: Timestamp,
    pub event_count: u64,
    pub entities: Vec<Entity>,
    /// The first [`KEPT_EVENTS`], oldest first. Empty in lists.
    pub events: Vec<AlertEvent>,
    pub risk: f64,
    /// When an event that came late undid it.
    pub withdrawn: Option<Timestamp>,
}

/// Which alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// At least this severity.
    pub severity: Option<Severity>,
    pub rule: Option<String>,
    /// Kind and key.
    pub entity: Option<(String, String)>,
    pub technique: Option<String>,
    pub group: Option<AlertGroupId>,
    /// Raised at or after.
    pub from: Option<Timestamp>,
    /// Raised before.
    pub to: Option<Timestamp>,
    /// Older than this one, for the next page.
    pub before: Option<(Timestamp, AlertId)>,
    pub limit: u32,
}

impl Alert {
    pub(crate) fn of(row: &Row) -> Result<Alert, store::Error> {
        Ok(Alert {
            id: row.id("id")?,
            rule_id: row.text("rule_id")?.to_owned(),
            rule_kind: RuleKind::parse(row.text("rule_kind")?),
            rule_digest: row.text("rule_digest")?.to_owned(),
            rule_revision: row.text_opt("rule_revision")?.map(str::to_owned),
            title: row.text("title")?.to_owned(),
            severity: row.severity("severity")?,
            techniques: row.json("techniques")?,
            group: row.id("group_id")?,
            first_event: row.time("first_event_us")?,
            last_event: row.time("last_event_us")?,
            raised: row.time("raised_us")?,
            event_count: row.count("event_count")?,
            entities: row.json("entities")?,
            events: row.json_opt("events")?.unwrap_or_default(),
            risk: row.real("risk")?,
            withdrawn: row.time_opt("withdrawn_us")?,
        })
    }
}

/// Text cut at a character boundary to at most `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
