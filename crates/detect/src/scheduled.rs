//! A KQL rule on a schedule: what it says, read from Sentinel's YAML form, and when it looks at what.

use std::path::Path;

use kernel::{EntityKind, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::rule::{NewRule, RuleKind};

/// How the number of rows is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerOperator {
    GreaterThan,
    LessThan,
    Equal,
    NotEqual,
}

impl TriggerOperator {
    /// Whether so many rows make an alert.
    pub const fn fires(self, rows: u64, threshold: u64) -> bool {
        match self {
            TriggerOperator::GreaterThan => rows > threshold,
            TriggerOperator::LessThan => rows < threshold,
            TriggerOperator::Equal => rows == threshold,
            TriggerOperator::NotEqual => rows != threshold,
        }
    }
}

/// Which column names which entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityMapping {
    pub kind: EntityKind,
    pub column: String,
}

/// What a scheduled rule does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledRule {
    pub title: String,
    pub description: String,
    pub severity: Severity,
    pub query: String,
    /// How often it runs.
    pub frequency_s: u64,
    /// How far it looks back.
    pub period_s: u64,
    pub operator: TriggerOperator,
    pub threshold: u64,
    pub entities: Vec<EntityMapping>,
    pub techniques: Vec<String>,
    /// Rows with the same entities within this time are one alert.
    pub suppression_s: Option<u64>,
    pub enabled: bool,
}

/// One run: what it looks at, and when the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
    pub next: Timestamp,
}

const SECOND_US: i64 = 1_000_000;

impl ScheduledRule {
    /// Refuses what could not work, naming the setting.
    pub fn check(&self) -> Result<(), String> {
        if self.title.trim().is_empty() {
            return Err("title: say in a few words what it finds".to_owned());
        }
        if self.query.trim().is_empty() {
            return Err("query: is empty".to_owned());
        }
        if !(60..=14 * 86_400).contains(&self.frequency_s) {
            return Err(format!("frequency: {} s; use one minute to 14 days", self.frequency_s));
        }
        if self.period_s < self.frequency_s || self.period_s > 14 * 86_400 {
            return Err(format!(
                "period: {} s; use at least the frequency ({} s) and at most 14 days",
                self.period_s, self.frequency_s
            ));
        }
        Ok(())
    }

    /// The run that is due at `now`, when everything up to `covered` was looked at. When runs were missed the window
    /// reaches back to where the last one ended, so nothing is left out; the next run is one frequency from now.
    pub fn run_at(&self, now: Timestamp, covered: Option<Timestamp>) -> Run {
        let period_us = seconds_us(self.period_s);
        let frequency_us = seconds_us(self.frequency_s);
        let usual = now.plus_micros(-period_us);
        let from = match covered {
            // What a usual run overlaps with the one before, this one overlaps, too.
            Some(covered) => usual.min(covered.plus_micros(frequency_us - period_us)),
            None => usual,
        };
        Run { from, to: now, next: now.plus_micros(frequency_us) }
    }

    /// Rows with the same entities within this time are one alert, in microseconds.
    pub fn quiet_us(&self) -> i64 {
        seconds_us(self.suppression_s.unwrap_or(self.period_s.max(3_600)))
    }

    /// The rule as the database takes it.
    pub fn new_rule(&self, id: &str, origin: &str, text: &str, problems: Vec<String>) -> NewRule {
        NewRule {
            id: id.to_owned(),
            kind: RuleKind::Kql,
            title: self.title.clone(),
            severity: self.severity,
            broken: !problems.is_empty(),
            status: None,
            log_source: None,
            techniques: self.techniques.clone(),
            tags: Vec::new(),
            origin: origin.to_owned(),
            description: self.description.clone(),
            author: None,
            references: Vec::new(),
            false_positives: Vec::new(),
            text: text.to_owned(),
            digest: hex::encode(Sha256::digest(serde_json::to_vec(self).unwrap_or_default())),
            problems,
            schedule: Some(self.clone()),
            revision: None,
        }
    }
}

fn seconds_us(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX / SECOND_US).saturating_mul(SECOND_US)
}

/// A rule in Sentinel's YAML form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentinelRule {
    id: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    severity: Option<String>,
    query: String,
    query_frequency: String,
    query_period: String,
    #[serde(default)]
    trigger_operator: Option<String>,
    #[serde(default)]
    trigger_threshold: u64,
    #[serde(default)]
    suppression_duration: Option<String>,
    #[serde(default)]
    relevant_techniques: Vec<String>,
    #[serde(default)]
    entity_mappings: Vec<SentinelMapping>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentinelMapping {
    entity_type: String,
    field_mappings: Vec<SentinelField>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentinelField {
    column_name: String,
}

/// Reads one rule file in Sentinel's YAML form; gives its id with it.
pub fn parse_sentinel(file: &Path, text: &str) -> Result<(String, ScheduledRule), Error> {
    let bad = |problem: String| Error::BadRule { place: file.display().to_string(), problem };
    let rule: SentinelRule = yaml_serde::from_str(text).map_err(|error| bad(error.to_string()))?;
    let severity = rule.severity.as_deref().unwrap_or("medium");
    let scheduled = ScheduledRule {
        severity: Severity::parse(severity).ok_or_else(|| bad(format!("severity: `{severity}` is none")))?,
        frequency_s: duration_s(&rule.query_frequency).map_err(|problem| bad(format!("queryFrequency: {problem}")))?,
        period_s: duration_s(&rule.query_period).map_err(|problem| bad(format!("queryPeriod: {problem}")))?,
        operator: operator(rule.trigger_operator.as_deref().unwrap_or("gt")).map_err(&bad)?,
        threshold: rule.trigger_threshold,
        entities: rule.entity_mappings.iter().flat_map(mapped).collect(),
        techniques: rule.relevant_techniques,
        suppression_s: match rule.suppression_duration {
            Some(text) => Some(duration_s(&text).map_err(|problem| bad(format!("suppressionDuration: {problem}")))?),
            None => None,
        },
        enabled: true,
        title: rule.name,
        description: rule.description,
        query: rule.query,
    };
    scheduled.check().map_err(bad)?;
    Ok((rule.id, scheduled))
}

fn operator(text: &str) -> Result<TriggerOperator, String> {
    match text.to_ascii_lowercase().as_str() {
        "gt" | "greaterthan" => Ok(TriggerOperator::GreaterThan),
        "lt" | "lessthan" => Ok(TriggerOperator::LessThan),
        "eq" | "equal" => Ok(TriggerOperator::Equal),
        "ne" | "notequal" => Ok(TriggerOperator::NotEqual),
        _ => Err(format!("triggerOperator: `{text}`; use gt, lt, eq or ne")),
    }
}

/// Entity types that Vigie has no kind for are left out: the alert has the row.
fn mapped(mapping: &SentinelMapping) -> Vec<EntityMapping> {
    let kind = match mapping.entity_type.to_ascii_lowercase().as_str() {
        "account" => EntityKind::Account,
        "host" => EntityKind::Host,
        "ip" => EntityKind::Ip,
        "mailbox" => EntityKind::Mailbox,
        "filehash" => EntityKind::FileHash,
        "file" => EntityKind::File,
        "process" => EntityKind::Process,
        "url" => EntityKind::Url,
        "dns" | "dnsresolution" => EntityKind::Dns,
        "cloudapplication" => EntityKind::CloudApplication,
        "registrykey" => EntityKind::RegistryKey,
        "mailmessage" => EntityKind::MailMessage,
        _ => return Vec::new(),
    };
    mapping.field_mappings.iter().map(|field| EntityMapping { kind, column: field.column_name.clone() }).collect()
}

/// Seconds of `PT5M`, `P1D`, `5m`, `1h`, `14d`.
pub fn duration_s(text: &str) -> Result<u64, String> {
    let span: jiff::Span = text.trim().parse().map_err(|_| format!("`{text}` is no duration; write PT5M or 5m"))?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let seconds =
        span.total((jiff::Unit::Second, relative)).map_err(|_| format!("`{text}`: use weeks, days, hours, minutes"))?;
    if seconds.is_sign_negative() || seconds > 1e9 {
        return Err(format!("`{text}` is out of range"));
    }
    Ok(seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "
id: r1
name: A name
severity: High
queryFrequency: 5m
queryPeriod: PT1H
triggerOperator: gt
triggerThreshold: 2
relevantTechniques: [T1539]
query: |
  SigninLogs | take 1
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: UserPrincipalName
";

    fn rule() -> ScheduledRule {
        parse_sentinel(Path::new("a.yaml"), RULE).expect("a rule").1
    }

    #[test]
    fn sentinels_form_is_read() {
        let rule = rule();
        assert_eq!((rule.frequency_s, rule.period_s, rule.threshold), (300, 3_600, 2));
        assert_eq!(rule.severity, Severity::High);
        assert_eq!(rule.entities, [EntityMapping { kind: EntityKind::Account, column: "UserPrincipalName".into() }]);
        assert!(rule.operator.fires(3, 2) && !rule.operator.fires(2, 2));
    }

    #[test]
    fn mistakes_name_the_setting() {
        let complaint = |from: &str, to: &str| {
            parse_sentinel(Path::new("a.yaml"), &RULE.replace(from, to)).expect_err(to).to_string()
        };
        assert!(complaint("severity: High", "severity: Grave").contains("severity: `Grave`"));
        assert!(complaint("queryPeriod: PT1H", "queryPeriod: 1m").contains("period"));
        assert!(complaint("queryFrequency: 5m", "queryFrequency: often").contains("queryFrequency: `often`"));
        assert!(complaint("triggerOperator: gt", "triggerOperator: about").contains("triggerOperator"));
        assert!(complaint("id: r1", "idd: r1").contains("a.yaml"));
    }

    #[test]
    fn durations_in_both_spellings() {
        for (text, seconds) in
            [("PT5M", 300), ("5m", 300), ("P1D", 86_400), ("1d", 86_400), ("14d", 1_209_600), ("PT1H30M", 5_400)]
        {
            assert_eq!(duration_s(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn windows_leave_no_gap_however_late_a_run_is() {
        let rule = rule();
        let mut now = Timestamp(10_000 * SECOND_US);
        let mut covered = None;
        for delay_s in [0, 300, 300, 10_000, 300, 7] {
            now = now.plus_micros(delay_s * SECOND_US);
            let run = rule.run_at(now, covered);
            assert_eq!(run.to, now);
            assert_eq!(run.next, now.plus_micros(300 * SECOND_US));
            if let Some(covered) = covered {
                assert!(run.from <= covered, "gap between {covered} and {}", run.from);
            }
            assert!(run.from <= now.plus_micros(-3_600 * SECOND_US), "never less than the period");
            covered = Some(run.to);
        }
    }
}
