//! What a scan found, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write;

use kernel::Severity;
use serde::Serialize;

use super::alert::Alert;
use crate::terminal;

/// Counts of a scan. Serialised as the `--summary json` line.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub files: u64,
    pub records: u64,
    pub unparsed: u64,
    pub bytes: u64,
    pub alerts: u64,
    /// Rules that were put to the records.
    pub rules: u64,
    /// Correlations over the hits of rules.
    pub correlations: u64,
    /// Hits that were correlated.
    pub correlated: u64,
    /// Hits that a correlation could not use, because the event lacks the value that it counts or computes with.
    pub correlation_hits_without_value: u64,
    /// Hits that were left out of correlations for want of memory; alerts may be missing.
    pub correlation_hits_lost: u64,
    /// Files that could not be read, with the reason.
    pub failed: Vec<String>,
    /// The first findings about records that could not be parsed, with their place.
    pub problems: Vec<String>,
    pub problem_count: u64,
    /// Loading and compiling rules.
    pub rules_ms: u64,
    /// The whole run, rules included.
    pub elapsed_ms: u64,
    #[serde(skip)]
    pub by_rule: BTreeMap<(std::cmp::Reverse<Severity>, String), u64>,
    #[serde(skip)]
    pub by_host: BTreeMap<String, u64>,
    #[serde(skip)]
    pub by_technique: BTreeMap<String, u64>,
}

/// Lines of each list that are printed.
const LISTED: usize = 25;

impl Summary {
    /// Counts one alert.
    pub fn count(&mut self, alert: &Alert) {
        self.alerts += 1;
        *self.by_rule.entry((std::cmp::Reverse(alert.level), alert.rule.clone())).or_default() += 1;
        *self.by_host.entry(alert.host.clone().unwrap_or_else(|| "-".to_owned())).or_default() += 1;
        for technique in &alert.techniques {
            *self.by_technique.entry(technique.clone()).or_default() += 1;
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let rules: Vec<_> = self
            .by_rule
            .iter()
            .map(|((level, rule), count)| (format!("{:13} {rule}", level.0.as_str()), *count))
            .collect();
        list(&mut text, "by rule", rules, false);
        list(&mut text, "by host", self.by_host.clone().into_iter().collect(), true);
        list(&mut text, "by ATT&CK technique", self.by_technique.clone().into_iter().collect(), true);
        for failed in &self.failed {
            let _ = writeln!(text, "not read: {}", terminal::one_line(failed, 300));
        }
        for problem in self.problems.iter().take(10) {
            let _ = writeln!(text, "problem: {}", terminal::one_line(problem, 300));
        }
        if self.problem_count > 10 {
            let _ = writeln!(text, "… and {} more problems", terminal::thousands(self.problem_count - 10));
        }
        self.correlation_text(&mut text);
        let seconds = (self.elapsed_ms as f64 / 1000.0).max(0.001);
        let _ = writeln!(
            text,
            "{} alerts in {} records ({} of them not parsed) of {} files, {}; {} rules; {seconds:.1} s, {} records/s",
            terminal::thousands(self.alerts),
            terminal::thousands(self.records),
            terminal::thousands(self.unparsed),
            terminal::thousands(self.files),
            terminal::bytes(self.bytes),
            terminal::thousands(self.rules),
            terminal::thousands((self.records as f64 / seconds) as u64),
        );
        text
    }

    fn correlation_text(&self, text: &mut String) {
        if self.correlations == 0 {
            return;
        }
        let (rules, hits) = (terminal::thousands(self.correlations), terminal::thousands(self.correlated));
        let _ = writeln!(text, "{rules} correlations over {hits} hits");
        if self.correlation_hits_without_value > 0 {
            let count = terminal::thousands(self.correlation_hits_without_value);
            let _ = writeln!(text, "{count} hits lack the value that a correlation counts or computes with");
        }
        if self.correlation_hits_lost > 0 {
            let count = terminal::thousands(self.correlation_hits_lost);
            let _ = writeln!(
                text,
                "{count} hits were left out of correlations for want of memory: alerts may be missing; scan fewer files at once"
            );
        }
    }
}

fn list(text: &mut String, heading: &str, mut rows: Vec<(String, u64)>, by_count: bool) {
    if rows.is_empty() {
        return;
    }
    if by_count {
        rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }
    let _ = writeln!(text, "\n{heading}");
    for (name, count) in rows.iter().take(LISTED) {
        let _ = writeln!(text, "  {:>9}  {}", terminal::thousands(*count), terminal::one_line(name, 140));
    }
    if rows.len() > LISTED {
        let _ = writeln!(text, "             … and {} more", rows.len() - LISTED);
    }
}
