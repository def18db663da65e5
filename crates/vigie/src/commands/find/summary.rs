//! What was found, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write;

use kernel::Severity;
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use crate::terminal;

/// Counts of a scan or a hunt. Serialised as the `--summary json` line.
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
    /// What a hunt read of the lake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lake: Option<LakeCounts>,
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

/// What a hunt read of the lake, within the range. Each row is one of: decoded, by columns, further, unparsed, not
/// hunted.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LakeCounts {
    pub tables: u64,
    /// Rows in the range, of all tables that were read.
    pub rows: u64,
    /// Records whose fields were decoded from the record as it arrived.
    pub decoded: u64,
    /// Records whose fields were taken from the columns, because the record does not name them itself.
    pub by_columns: u64,
    /// Of both, those whose fields had been kept by an earlier reading.
    pub kept: u64,
    /// Rows of records that have another row, which was hunted or lies in a table that was not asked for.
    pub further_rows: u64,
    /// Rows of `_Unparsed`: they have no fields.
    pub unparsed: u64,
    /// Rows before the range that only correlations needed.
    pub before_range: u64,
    /// Rows whose record neither decodes nor has columns to go by.
    pub not_hunted: u64,
    /// Records of Zeek whose log could not be told by their columns: rules for one log do not see them.
    pub zeek_without_service: u64,
}

impl LakeCounts {
    /// Adds the counts of a part.
    pub fn add(&mut self, part: &LakeCounts) {
        self.tables += part.tables;
        self.rows += part.rows;
        self.decoded += part.decoded;
        self.by_columns += part.by_columns;
        self.kept += part.kept;
        self.further_rows += part.further_rows;
        self.unparsed += part.unparsed;
        self.before_range += part.before_range;
        self.not_hunted += part.not_hunted;
        self.zeek_without_service += part.zeek_without_service;
    }

    fn text(&self, text: &mut String) {
        let count = terminal::thousands;
        let _ = writeln!(
            text,
            "{} rows of {} tables: {} records by what arrived, {} by their columns ({} of all had their fields kept), \
             {} further rows of the same records",
            count(self.rows),
            count(self.tables),
            count(self.decoded),
            count(self.by_columns),
            count(self.kept),
            count(self.further_rows),
        );
        for (number, what) in [
            (self.before_range, "rows before the range were read for correlations alone"),
            (self.unparsed, "records could not be parsed when they arrived: they lie in _Unparsed and were not hunted"),
            (
                self.not_hunted,
                "rows could not be hunted: their record cannot be decoded again and has no columns to go by",
            ),
            (
                self.zeek_without_service,
                "records of Zeek do not tell from which log they are: rules for one log did not see them",
            ),
        ] {
            if number > 0 {
                let _ = writeln!(text, "{} {what}", count(number));
            }
        }
    }
}

/// Lines of each list that are printed.
const LISTED: usize = 25;
/// Problems that are described; further ones are counted.
const DESCRIBED_PROBLEMS: usize = 20;

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

    /// Adds the counts of a part; alerts are counted one by one.
    pub fn add(&mut self, part: Summary) {
        self.files += part.files;
        self.records += part.records;
        self.unparsed += part.unparsed;
        self.bytes += part.bytes;
        self.problem_count += part.problem_count;
        self.failed.extend(part.failed);
        let room = DESCRIBED_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(part.problems.into_iter().take(room));
        if let Some(lake) = &part.lake {
            self.lake.get_or_insert_default().add(lake);
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
        if let Some(lake) = &self.lake {
            lake.text(&mut text);
        }
        let seconds = (self.elapsed_ms as f64 / 1000.0).max(0.001);
        let place = match &self.lake {
            Some(_) => String::new(),
            None => format!(
                " ({} of them not parsed) of {} files",
                terminal::thousands(self.unparsed),
                terminal::thousands(self.files)
            ),
        };
        let _ = writeln!(
            text,
            "{} alerts in {} records{place}, {}; {} rules; {seconds:.1} s, {} records/s",
            terminal::thousands(self.alerts),
            terminal::thousands(self.records),
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
                "{count} hits were left out of correlations for want of memory: alerts may be missing; look at fewer files or a shorter time at once"
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
