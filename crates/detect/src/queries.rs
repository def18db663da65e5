//! Reading rules and alerts.

use std::collections::BTreeMap;

use kernel::id::AlertId;
use kernel::{Severity, Timestamp};
use store::params;

use crate::alert::{Alert, AlertFilter};
use crate::error::Error;
use crate::rule::{Rule, RuleFilter, RuleState};
use crate::schedule::RuleRun;
use crate::{Detect, sql};

/// Alerts of one severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityCount {
    pub severity: Severity,
    pub alerts: u64,
}

/// Alerts of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    pub rule_id: String,
    pub title: String,
    pub alerts: u64,
}

/// Alerts that name one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityCount {
    pub kind: String,
    pub key: String,
    pub alerts: u64,
}

/// Alerts of one technique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TechniqueCount {
    pub technique: String,
    pub alerts: u64,
}

/// Alerts raised in one step of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeCount {
    pub from: Timestamp,
    pub alerts: u64,
}

impl Detect {
    /// A page of rules, by title.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; so for every query here.
    pub async fn rules(&self, filter: &RuleFilter) -> Result<Vec<Rule>, Error> {
        let (title, id) = filter.after.clone().unwrap_or_default();
        let values = params![
            filter.kind.map_or("", |kind| kind.as_str()),
            filter.state.map_or("", |state| state.as_str()),
            filter.severity.map_or(0, |severity| severity as i64),
            technique_pattern(filter.technique.as_deref()),
            filter.search.as_deref().map(|text| format!("%{}%", text.trim().to_lowercase())).unwrap_or_default(),
            title,
            id,
            filter.limit,
        ];
        let rows = self.store.fetch_all(&sql::LIST_RULES, values).await?;
        Ok(rows.iter().map(Rule::of).collect::<Result<_, _>>()?)
    }

    /// How many rules there are in each state.
    pub async fn rule_counts(&self) -> Result<BTreeMap<&'static str, u64>, Error> {
        let rows = self.store.fetch_all(&sql::COUNT_RULES, params![]).await?;
        let counted = rows.iter().map(|row| Ok((RuleState::parse(row.text("state")?).as_str(), row.count("rules")?)));
        Ok(counted.collect::<Result<_, store::Error>>()?)
    }

    /// One rule.
    pub async fn rule(&self, id: &str) -> Result<Rule, Error> {
        let row = self.store.fetch_optional(&sql::GET_RULE, params![id]).await?;
        Ok(Rule::of(&row.ok_or_else(|| Error::not_found("rule", id))?)?)
    }

    /// How the last run of a scheduled rule went; `None`: it has not run.
    pub async fn last_run(&self, id: &str) -> Result<Option<RuleRun>, Error> {
        let row = self.store.fetch_optional(&sql::LAST_RUN, params![id]).await?;
        Ok(row.as_ref().map(RuleRun::of).transpose()?)
    }

    /// How many alerts of a rule were raised on each of the last `days`, the earliest first; a day is 24 hours back from
    /// now.
    pub async fn alerts_by_day(&self, rule_id: &str, days: u32) -> Result<Vec<u64>, Error> {
        const DAY_US: i64 = 86_400_000_000;
        let from = self.store.now().plus_micros(-DAY_US * i64::from(days));
        let mut counts = vec![0; days as usize];
        for row in self.store.fetch_all(&sql::ALERTS_OF_RULE_BY_DAY, params![rule_id, from]).await? {
            if let Some(count) = usize::try_from(row.int("day")?).ok().and_then(|day| counts.get_mut(day)) {
                *count = row.count("alerts")?;
            }
        }
        Ok(counts)
    }

    /// A page of alerts, newest first, without their events.
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, Error> {
        let (kind, key) = filter.entity.clone().unwrap_or_default();
        let (before, before_id) = match filter.before {
            Some((time, id)) => (time, id.to_string()),
            None => (Timestamp(i64::MAX), String::new()),
        };
        let values = params![
            filter.severity.map_or(0, |severity| severity as i64),
            filter.rule.as_deref().unwrap_or_default(),
            kind,
            key,
            technique_pattern(filter.technique.as_deref()),
            filter.group.map(|group| group.to_string()).unwrap_or_default(),
            filter.from.unwrap_or(Timestamp(i64::MIN)),
            filter.to.unwrap_or(Timestamp(i64::MAX)),
            before,
            before_id,
            filter.limit,
        ];
        let rows = self.store.fetch_all(&sql::LIST_ALERTS, values).await?;
        Ok(rows.iter().map(Alert::of).collect::<Result<_, _>>()?)
    }

    /// One alert with its events.
    pub async fn alert(&self, id: AlertId) -> Result<Alert, Error> {
        let row = self.store.fetch_optional(&sql::GET_ALERT, params![id]).await?;
        Ok(Alert::of(&row.ok_or_else(|| Error::not_found("alert", id))?)?)
    }

    /// Alerts raised in a range of time, by severity.
    pub async fn alerts_by_severity(&self, from: Timestamp, to: Timestamp) -> Result<Vec<SeverityCount>, Error> {
        let rows = self.store.fetch_all(&sql::ALERTS_BY_SEVERITY, params![from, to]).await?;
        let counted = rows
            .iter()
            .map(|row| Ok(SeverityCount { severity: row.severity("severity")?, alerts: row.count("alerts")? }));
        Ok(counted.collect::<Result<_, store::Error>>()?)
    }

    /// Alerts raised in each step of a range of time; steps without any are left out.
    pub async fn alerts_by_step(&self, from: Timestamp, to: Timestamp, step_us: i64) -> Result<Vec<TimeCount>, Error> {
        let rows = self.store.fetch_all(&sql::ALERTS_BY_STEP, params![from, to, step_us]).await?;
        let counted = rows.iter().map(|row| {
            let from = from.plus_micros(row.int("step")?.saturating_mul(step_us));
            Ok(TimeCount { from, alerts: row.count("alerts")? })
        });
        Ok(counted.collect::<Result<_, store::Error>>()?)
    }

    /// The rules with the most alerts in a range of time.
    pub async fn top_rules(&self, from: Timestamp, to: Timestamp, limit: u32) -> Result<Vec<RuleCount>, Error> {
        let rows = self.store.fetch_all(&sql::TOP_RULES, params![from, to, limit]).await?;
        let counted = rows.iter().map(|row| {
            let (rule_id, title) = (row.text("rule_id")?.to_owned(), row.text("title")?.to_owned());
            Ok(RuleCount { rule_id, title, alerts: row.count("alerts")? })
        });
        Ok(counted.collect::<Result<_, store::Error>>()?)
    }

    /// The things that the most alerts name in a range of time.
    pub async fn top_entities(&self, from: Timestamp, to: Timestamp, limit: u32) -> Result<Vec<EntityCount>, Error> {
        let rows = self.store.fetch_all(&sql::TOP_ENTITIES, params![from, to, limit]).await?;
        let counted = rows.iter().map(|row| {
            let (kind, key) = (row.text("kind")?.to_owned(), row.text("entity_key")?.to_owned());
            Ok(EntityCount { kind, key, alerts: row.count("alerts")? })
        });
        Ok(counted.collect::<Result<_, store::Error>>()?)
    }

    /// Alerts of each technique in a range of time, most first.
    pub async fn techniques(&self, from: Timestamp, to: Timestamp) -> Result<Vec<TechniqueCount>, Error> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for row in self.store.fetch_all(&sql::TECHNIQUES, params![from, to]).await? {
            for technique in row.json::<Vec<String>>("techniques")? {
                *counts.entry(technique).or_default() += row.count("alerts")?;
            }
        }
        let mut counts: Vec<_> =
            counts.into_iter().map(|(technique, alerts)| TechniqueCount { technique, alerts }).collect();
        counts.sort_by(|a, b| b.alerts.cmp(&a.alerts).then_with(|| a.technique.cmp(&b.technique)));
        Ok(counts)
    }
}

/// Techniques are a JSON list of texts; `T1003` finds its sub-techniques, too.
fn technique_pattern(technique: Option<&str>) -> String {
    technique.map(|technique| format!("%\"{}%", technique.trim().to_uppercase())).unwrap_or_default()
}
