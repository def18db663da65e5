//! Correlation rules over all that is looked at: hits are gathered, then correlated in the order of event time, so that
//! no event is late.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kernel::{Severity, Timestamp};
use serde::Serialize;
use sigma::Reason;
use sigma::correlation::{self, AlertKey, Correlations, Correlator, Observation, Settings};

use super::alert::{Alert, Place};
use super::summary::Summary;

/// Hits that are gathered; further ones are counted.
const MAX_HITS: usize = 2_000_000;
/// Bytes of records that are kept for the alerts; further records are known by place and item alone.
const MAX_RECORD_BYTES: usize = 256 << 20;
/// Hits that are correlated at once.
const STRIDE: usize = 10_000;

/// What some events have for correlations.
#[derive(Default)]
pub struct Gathered {
    pub observations: Vec<Observation>,
    /// The events of the observations, by item.
    pub seen: Vec<(Arc<str>, Seen)>,
}

impl Gathered {
    /// Takes what other events have.
    pub fn add(&mut self, other: Gathered) {
        self.observations.extend(other.observations);
        self.seen.extend(other.seen);
    }
}

/// An event that a correlation may name.
pub struct Seen {
    pub place: Place,
    pub host: Option<String>,
    pub record: String,
}

/// What is particular to the alert of a correlation.
#[derive(Debug, Clone, Serialize)]
pub struct Together {
    /// `event_count` and the like.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub group: BTreeMap<String, Option<String>>,
    /// The count, or the number computed.
    pub value: f64,
    /// The events that contributed, earliest first; the latest hundred of them.
    pub events: Vec<Contribution>,
    /// Hits in the window when it fired.
    pub hits: u64,
    /// Further events of the same run, at each of which the condition held as well.
    pub further: u64,
    /// Time of the last of them.
    pub until: String,
}

/// An event that contributed.
#[derive(Debug, Clone, Serialize)]
pub struct Contribution {
    pub time: String,
    pub rule: String,
    #[serde(flatten)]
    pub place: Place,
    pub item: String,
}

/// Gathers hits and correlates them at the end.
pub struct Correlating {
    rules: Arc<Correlations>,
    min_level: Severity,
    from: Timestamp,
    observations: Vec<Observation>,
    seen: HashMap<Arc<str>, Seen>,
    record_bytes: usize,
    left_out: u64,
}

impl Correlating {
    /// Gathers for `rules`; alerts below `min_level` and those that fire before `from` are left out.
    pub fn new(rules: Arc<Correlations>, min_level: Severity, from: Timestamp) -> Correlating {
        Correlating {
            rules,
            min_level,
            from,
            observations: Vec::new(),
            seen: HashMap::new(),
            record_bytes: 0,
            left_out: 0,
        }
    }

    /// Takes what some events have.
    pub fn gather(&mut self, gathered: Gathered) {
        let room = MAX_HITS.saturating_sub(self.observations.len());
        self.left_out += gathered.observations.len().saturating_sub(room) as u64;
        self.observations.extend(gathered.observations.into_iter().take(room));
        if room == 0 {
            return;
        }
        for (item, mut seen) in gathered.seen {
            if self.record_bytes + seen.record.len() > MAX_RECORD_BYTES {
                seen.record = String::new();
            }
            self.record_bytes += seen.record.len();
            self.seen.insert(item, seen);
        }
    }

    /// Correlates, and puts its counts into `total`.
    pub fn finish(mut self, total: &mut Summary) -> Vec<Alert> {
        total.correlated = self.observations.len() as u64;
        total.correlation_hits_lost = self.left_out;
        let mut observations = std::mem::take(&mut self.observations);
        observations.sort_by(|one, other| (one.time, &one.event).cmp(&(other.time, &other.event)));
        // Sorted, nothing is late: what has been passed need not be kept.
        let settings = Settings { lateness_us: 0, ..Settings::default() };
        let mut correlator = Correlator::new(Arc::clone(&self.rules), settings);
        let mut runs = Runs::default();
        let mut rest = observations.into_iter().peekable();
        while rest.peek().is_some() {
            let mut stride: Vec<Observation> = rest.by_ref().take(STRIDE).collect();
            let Some(last) = stride.last().map(|last| (last.time, Arc::clone(&last.event))) else { break };
            // The hits of one event stay together, so that its alerts are said once.
            while let Some(same) = rest.next_if(|next| (next.time, &next.event) == (last.0, &last.1)) {
                stride.push(same);
            }
            let changes = correlator.push(stride);
            correlator.advance(last.0);
            total.correlation_hits_without_value += changes.without_value;
            total.correlation_hits_lost += changes.evicted_hits + changes.late;
            for alert in changes.raised.into_iter().filter(|alert| alert.key.time >= self.from) {
                runs.take(alert, |alert| self.alert(alert));
            }
        }
        runs.alerts
    }

    /// `None`: below the level asked for.
    fn alert(&self, alert: &correlation::Alert) -> Option<Alert> {
        let rule = self.rules.rule(&alert.key.correlation)?;
        if rule.severity < self.min_level {
            return None;
        }
        let seen = |item: &str| self.seen.get(item);
        let place = |item: &str| seen(item).map_or(Place::Unknown, |seen| seen.place.clone());
        let own = seen(&alert.key.event);
        let contribution = |part: &correlation::Part| Contribution {
            time: part.time.to_string(),
            rule: part.rule.clone(),
            place: place(&part.event),
            item: part.event.clone(),
        };
        Some(Alert {
            time: alert.key.time,
            level: rule.severity,
            rule: rule.title.clone(),
            rule_id: rule.id.clone(),
            host: own.and_then(|own| own.host.clone()),
            techniques: rule.techniques(),
            place: place(&alert.key.event),
            item: alert.key.event.clone(),
            reasons: vec![Reason {
                detection: "correlation".to_owned(),
                field: rule.type_name().to_owned(),
                predicate: alert.reason.clone(),
                value: None,
            }],
            record: own.map(|own| own.record.clone()).unwrap_or_default(),
            correlation: Some(Together {
                kind: rule.type_name(),
                group: alert.group.iter().cloned().collect(),
                value: alert.value,
                events: alert.parts.iter().map(contribution).collect(),
                hits: alert.hits,
                further: 0,
                until: alert.key.time.to_string(),
            }),
        })
    }
}

/// Alerts of which those that continue another are part of it.
#[derive(Default)]
struct Runs {
    alerts: Vec<Alert>,
    /// Where the run of a rule and group stands in `alerts`; `None`: below the level.
    open: HashMap<(String, Vec<Option<String>>), Option<usize>>,
}

impl Runs {
    fn take(&mut self, alert: correlation::Alert, make: impl Fn(&correlation::Alert) -> Option<Alert>) {
        let AlertKey { correlation, group, time, .. } = alert.key.clone();
        let run = (correlation, group);
        if alert.continues
            && let Some(first) = self.open.get(&run)
        {
            if let Some(together) = first.and_then(|first| self.alerts[first].correlation.as_mut()) {
                together.further += 1;
                together.until = Timestamp::to_string(&time);
            }
            return;
        }
        let made = make(&alert);
        self.open.insert(run, made.is_some().then_some(self.alerts.len()));
        self.alerts.extend(made);
    }
}
