//! Alerts and rules of the room `detect`, in the words of the API.

use std::collections::BTreeSet;

use detect::{Detect, RuleKind as Kind, RuleState as State};
use kernel::fact::AlertRaised;
use kernel::id::{AlertGroupId, AlertId};
use kernel::{Actor, EntityKind, Timestamp};
use serde_json::Value;

use crate::api::alerts::{Alert, AlertDetail, AlertEvent, AlertFilter, Alerts, MatchReason};
use crate::api::incidents::parse_entity;
use crate::api::rules::{
    Correlations, EntityMapping, Rule, RuleDetail, RuleField, RuleFilter, RuleGate, RuleKind, RuleRun, RuleState,
    Rules, ScheduledRule, TriggerOperator,
};
use crate::api::words::{EntityWord, SeverityWord};
use crate::problem::Problem;

/// Alerts of one group that are looked through for an incident.
const MOST_OF_GROUP: u32 = 5_000;
/// Rules of a page when no limit is given.
const RULES_PAGE: u32 = 500;
/// Days of which a rule shows its alerts.
const DAYS_SHOWN: u32 = 30;

/// A page of alerts, newest first, without their incidents.
///
/// # Errors
/// 422 that names the part of the filter.
pub async fn alerts(detect: &Detect, filter: &AlertFilter) -> Result<Alerts, Problem> {
    let limit = filter.limit.unwrap_or(100);
    let entity = filter.entity.as_deref().map(parse_entity).transpose()?;
    let wanted = detect::AlertFilter {
        severity: filter.severity.map(Into::into),
        rule: filter.rule.clone(),
        entity: entity.map(|(kind, key)| (kind.as_str().to_owned(), key)),
        technique: filter.technique.clone(),
        group: None,
        from: filter.from.map(|from| from.0),
        to: filter.to.map(|to| to.0),
        before: filter.cursor.as_deref().map(parse_alert_cursor).transpose()?,
        limit: limit + 1,
    };
    let mut found = detect.alerts(&wanted).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| format!("{}.{}", last.raised.micros(), last.id));
    Ok(Alerts { alerts: found.iter().map(alert_word).collect(), next })
}

fn parse_alert_cursor(text: &str) -> Result<(Timestamp, AlertId), Problem> {
    let parsed = text.split_once('.').and_then(|(at, id)| Some((Timestamp(at.parse().ok()?), id.parse().ok()?)));
    parsed.ok_or_else(|| Problem::invalid("the cursor is the field `next` of the page before").with("field", "cursor"))
}

/// An alert with everything that explains it. A rule that is gone leaves its text empty.
///
/// # Errors
/// 404 when there is no such alert.
pub async fn alert(detect: &Detect, id: AlertId) -> Result<AlertDetail, Problem> {
    let alert = detect.alert(id).await?;
    let rule = match detect.rule(&alert.rule_id).await {
        Ok(rule) => Some(rule),
        Err(detect::Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let rule_changed = rule.as_ref().is_none_or(|rule| rule.digest != alert.rule_digest);
    let explanation = explanation(&alert);
    let (text, description, references, false_positives) =
        rule.map_or_else(Default::default, |rule| (rule.text, rule.description, rule.references, rule.false_positives));
    Ok(AlertDetail {
        alert: alert_word(&alert),
        explanation,
        rule_revision: alert.rule_revision,
        events: alert.events.into_iter().map(event_word).collect(),
        rule_language: language(alert.rule_kind).to_owned(),
        rule_text: text,
        rule_changed,
        rule_description: description,
        references,
        false_positives,
    })
}

/// Why, in plain words: the first event's reasons, and how many events there were.
fn explanation(alert: &detect::Alert) -> String {
    let first = alert.events.first();
    let reasons: Vec<String> = first.map(|event| event.reasons.iter().map(reason_text).collect()).unwrap_or_default();
    let events = if alert.event_count == 1 { "1 event".to_owned() } else { format!("{} events", alert.event_count) };
    match (alert.rule_kind, reasons.is_empty()) {
        (_, false) => format!("{events}: {}", reasons.join("; ")),
        (Kind::Kql, true) => format!("{events}: the query of the rule returned rows that crossed its threshold"),
        (Kind::Sigma, true) => events,
    }
}

fn reason_text(reason: &detect::MatchReason) -> String {
    match &reason.value {
        Some(value) => format!("{} {} (it is `{value}`)", reason.field, reason.predicate),
        None => format!("{} {}", reason.field, reason.predicate),
    }
}

/// Those of the alerts that exist, of the groups that they are in.
///
/// # Errors
/// 503 when the database fails.
pub async fn alerts_of_groups(
    detect: &Detect,
    groups: &BTreeSet<AlertGroupId>,
    ids: &BTreeSet<AlertId>,
) -> Result<Vec<Alert>, Problem> {
    let mut found = Vec::new();
    for group in groups {
        let filter = detect::AlertFilter { group: Some(*group), limit: MOST_OF_GROUP, ..Default::default() };
        let alerts = detect.alerts(&filter).await?;
        found.extend(alerts.iter().filter(|alert| ids.contains(&alert.id)).map(alert_word));
    }
    Ok(found)
}

/// What other rooms are told of these alerts.
///
/// # Errors
/// 404 for the first that does not exist.
pub async fn raised(detect: &Detect, ids: &[AlertId]) -> Result<Vec<AlertRaised>, Problem> {
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let alert = detect.alert(*id).await?;
        all.push(AlertRaised {
            alert: alert.id,
            group: alert.group,
            rule_id: alert.rule_id,
            title: alert.title,
            severity: alert.severity,
            event_time: alert.first_event,
            entities: alert.entities,
            techniques: alert.techniques,
        });
    }
    Ok(all)
}

/// An alert as the API shows it, without its incident.
pub fn alert_word(alert: &detect::Alert) -> Alert {
    Alert {
        id: alert.id.to_string(),
        rule_id: alert.rule_id.clone(),
        rule_kind: alert.rule_kind.into(),
        title: alert.title.clone(),
        severity: alert.severity.into(),
        event_time: alert.first_event.into(),
        last_event_time: alert.last_event.into(),
        raised: alert.raised.into(),
        event_count: alert.event_count,
        entities: alert.entities.iter().map(EntityWord::from).collect(),
        techniques: alert.techniques.clone(),
        incident_id: None,
        group_id: Some(alert.group.to_string()),
        risk: alert.risk,
        withdrawn: alert.withdrawn.map(Into::into),
    }
}

fn event_word(event: detect::AlertEvent) -> AlertEvent {
    let fields = serde_json::from_str(&event.raw).ok().filter(Value::is_object);
    let reason = |reason: detect::MatchReason| MatchReason {
        field: reason.field,
        predicate: reason.predicate,
        value: reason.value,
    };
    AlertEvent {
        item_id: event.item_id,
        time: event.time.into(),
        raw: event.raw,
        fields,
        reasons: event.reasons.into_iter().map(reason).collect(),
    }
}

/// Rules, by title.
///
/// # Errors
/// 422 that names the part of the filter.
pub async fn rules(detect: &Detect, filter: &RuleFilter) -> Result<Rules, Problem> {
    let limit = filter.limit.unwrap_or(RULES_PAGE);
    let wanted = detect::RuleFilter {
        kind: filter.kind.map(Into::into),
        state: filter.state.map(Into::into),
        severity: filter.severity.map(Into::into),
        technique: filter.technique.clone(),
        search: filter.search.clone(),
        after: filter.cursor.as_deref().map(parse_rule_cursor).transpose()?,
        limit: limit + 1,
    };
    let mut found = detect.rules(&wanted).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| rule_cursor(&last.title, &last.id));
    let counts = detect.rule_counts().await?;
    let count = |state: State| counts.get(state.as_str()).copied().unwrap_or(0);
    Ok(Rules {
        rules: found.iter().map(rule_word).collect(),
        next,
        enabled: count(State::Enabled),
        disabled: count(State::Disabled),
        broken: count(State::Broken),
        correlations: detect.correlation_status().await.map(correlations_word),
    })
}

fn correlations_word(status: detect::CorrelationStatus) -> Correlations {
    Correlations {
        rules: status.correlations as u64,
        groups: status.groups as u64,
        hits: status.hits as u64,
        most_hits: status.max_hits as u64,
        late: status.late,
        evicted: status.evicted,
        without_value: status.without_value,
        watermark: status.watermark.map(Into::into),
    }
}

/// Title and id in one word that fits into an address.
fn rule_cursor(title: &str, id: &str) -> String {
    hex::encode(format!("{title}\n{id}"))
}

fn parse_rule_cursor(text: &str) -> Result<(String, String), Problem> {
    let decoded = hex::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let parsed = decoded.as_deref().and_then(|text| text.rsplit_once('\n'));
    parsed
        .map(|(title, id)| (title.to_owned(), id.to_owned()))
        .ok_or_else(|| Problem::invalid("the cursor is the field `next` of the page before").with("field", "cursor"))
}

/// A rule with its text.
///
/// # Errors
/// 404 when there is no such rule.
pub async fn rule(detect: &Detect, id: &str) -> Result<RuleDetail, Problem> {
    let rule = detect.rule(id).await?;
    rule_detail(detect, rule).await
}

/// A rule with its text and its last run.
///
/// # Errors
/// 503 when the database fails.
pub async fn rule_detail(detect: &Detect, rule: detect::Rule) -> Result<RuleDetail, Problem> {
    let last_run = detect.last_run(&rule.id).await?.map(|run| RuleRun {
        at: run.at.into(),
        rows: run.rows,
        elapsed_ms: run.elapsed_us / 1_000,
        error: run.error,
    });
    let in_force = detect.in_force();
    let reach = in_force.reach(&rule.id);
    Ok(RuleDetail {
        language: language(rule.kind).to_owned(),
        rule: rule_word(&rule),
        alerts_by_day: detect.alerts_by_day(&rule.id, DAYS_SHOWN).await?,
        gates: reach.map(|reach| reach.gates.iter().map(gate_word).collect()).unwrap_or_default(),
        unreachable: reach.and_then(|reach| reach.unreachable.clone()),
        text: rule.text,
        digest: rule.digest,
        revision: rule.revision,
        description: rule.description,
        author: rule.author,
        references: rule.references,
        false_positives: rule.false_positives,
        problems: rule.problems,
        schedule: rule.schedule.map(schedule_word),
        last_run,
    })
}

fn gate_word(open: &sigma::OpenGate) -> RuleGate {
    let field = |one: &sigma::FieldUse| RuleField { field: one.field.clone(), source_field: one.column.clone() };
    RuleGate { name: open.gate.name.clone(), fields: open.fields.iter().map(field).collect(), can_hold: open.can_hold }
}

const fn language(kind: Kind) -> &'static str {
    match kind {
        Kind::Sigma => "yaml",
        Kind::Kql => "kql",
    }
}

fn rule_word(rule: &detect::Rule) -> Rule {
    Rule {
        id: rule.id.clone(),
        kind: rule.kind.into(),
        title: rule.title.clone(),
        severity: rule.severity_override.unwrap_or(rule.severity).into(),
        severity_written: rule.severity_override.map(|_| rule.severity.into()),
        state: rule.state.into(),
        status: rule.status.clone(),
        log_source: rule.log_source.clone(),
        techniques: rule.techniques.clone(),
        tags: rule.tags.clone(),
        origin: rule.origin.clone(),
        alert_count: rule.alert_count,
        last_alert: rule.last_alert.map(Into::into),
        problem_count: rule.problems.len() as u64,
        version: rule.version,
    }
}

fn schedule_word(rule: detect::ScheduledRule) -> ScheduledRule {
    let mapping = |mapping: detect::scheduled::EntityMapping| EntityMapping {
        kind: mapping.kind.as_str().to_owned(),
        column: mapping.column,
    };
    ScheduledRule {
        title: rule.title,
        description: rule.description,
        severity: SeverityWord::from(rule.severity),
        query: rule.query,
        frequency_s: rule.frequency_s,
        period_s: rule.period_s,
        operator: rule.operator.into(),
        threshold: rule.threshold,
        entities: rule.entities.into_iter().map(mapping).collect(),
        techniques: rule.techniques,
        suppression_s: rule.suppression_s,
        enabled: rule.enabled,
    }
}

/// A rule on a schedule as the room takes it.
///
/// # Errors
/// 422 for a kind of entity that there is not.
pub fn schedule(rule: ScheduledRule) -> Result<detect::ScheduledRule, Problem> {
    let mapping = |mapping: EntityMapping| {
        let kind: Result<EntityKind, _> = serde_json::from_value(Value::String(mapping.kind.clone()));
        let kind = kind.map_err(|_| {
            Problem::invalid(format!("there is no kind of entity `{}`", mapping.kind)).with("field", "entities")
        })?;
        Ok::<_, Problem>(detect::scheduled::EntityMapping { kind, column: mapping.column })
    };
    Ok(detect::ScheduledRule {
        title: rule.title,
        description: rule.description,
        severity: rule.severity.into(),
        query: rule.query,
        frequency_s: rule.frequency_s,
        period_s: rule.period_s,
        operator: rule.operator.into(),
        threshold: rule.threshold,
        entities: rule.entities.into_iter().map(mapping).collect::<Result<_, _>>()?,
        techniques: rule.techniques,
        suppression_s: rule.suppression_s,
        enabled: rule.enabled,
    })
}

/// Who changes a rule, and why.
pub struct Author {
    pub actor: Actor,
    pub reason: String,
}

crate::api::words::same_words! {
    RuleKind = detect::RuleKind { Sigma, Kql }
    RuleState = detect::RuleState { Enabled, Disabled, Broken }
    TriggerOperator = detect::scheduled::TriggerOperator { GreaterThan, LessThan, Equal, NotEqual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        let cursor = rule_cursor("A title, with: everything / in it", "rule-1");
        assert_eq!(parse_rule_cursor(&cursor).unwrap().1, "rule-1");
        assert!(parse_rule_cursor("zz").is_err());
        assert!(parse_alert_cursor("5.alert-0197c2f0-0000-7000-8000-000000000000").is_ok());
        assert!(parse_alert_cursor("5.incident-0197c2f0-0000-7000-8000-000000000000").is_err());
    }
}
