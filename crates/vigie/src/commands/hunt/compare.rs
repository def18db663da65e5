//! What a change of rules would have done: two sets of rules over the same events, and the difference in their alerts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use arrow_array::RecordBatch;
use intake::EventBatch;
use kernel::{Severity, Timestamp};
use serde::Serialize;
use sigma::{Rule, RuleSet};

use crate::cli::AlertFormat;
use crate::commands::find::alert::{Alert, Place};
use crate::commands::find::correlate::{Correlating, Gathered};
use crate::commands::find::summary::Summary;
use crate::commands::find::{Finder, host};
use crate::history::{self, Hunting, Look};
use crate::platform::rules::InForce;
use crate::terminal;

/// Alerts of each kind that are named for each rule.
const EXAMPLES: usize = 5;

/// Two sets of rules.
pub struct Sides {
    new: Finder,
    old: Finder,
    /// Rules that are in both sets, text for text, and whose hits are alerts alone. The old engine does not have them.
    same: BTreeSet<String>,
    rules: BTreeMap<String, RuleChange>,
}

/// How a rule differs between the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    New,
    Gone,
    /// Another text under the same id.
    Changed,
    Same,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Gone => "gone",
            Change::Changed => "changed",
            Change::Same => "same",
        }
    }
}

/// One rule in both sets, and what became of its alerts.
#[derive(Debug, Clone, Serialize)]
pub struct RuleChange {
    pub rule_id: String,
    pub rule: String,
    pub level: Severity,
    pub change: Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_digest: Option<String>,
    #[serde(flatten)]
    pub tally: Tally,
}

/// What became of a rule's alerts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Alerts that only the new rules give.
    pub gained: u64,
    /// Alerts that only the old rules give.
    pub lost: u64,
    pub unchanged: u64,
    /// The first of those gained and lost.
    pub examples: Vec<Example>,
}

/// An alert that one side gives and the other does not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    pub gained: bool,
    pub time: String,
    pub host: Option<String>,
    #[serde(flatten)]
    pub place: Place,
    pub item: String,
}

/// What one piece of history gave.
#[derive(Default)]
struct Part {
    tallies: BTreeMap<String, Tally>,
    new: Gathered,
    old: Gathered,
}

/// The difference, rule by rule.
pub struct Difference {
    rules: Vec<RuleChange>,
}

impl Sides {
    /// Compiles both sets.
    ///
    /// # Errors
    /// When one of them has no rule.
    pub fn new(new: InForce, old: InForce, min_level: Severity) -> Result<Sides> {
        let (InForce { set: new, off: new_off }, InForce { set: mut old, off: old_off }) = (new, old);
        let mut rules = changes(&new, &old, min_level);
        // The same text is another rule where one side has it switched off, or under other filters.
        let by_id = |set: &RuleSet| -> HashMap<String, Arc<Rule>> {
            set.rules.iter().map(|rule| (rule.id.clone(), Arc::clone(rule))).collect()
        };
        let (in_new, in_old) = (by_id(&new), by_id(&old));
        let differs = |id: &str| {
            let [here, there] = [&in_new, &in_old].map(|set| set.get(id).map(|rule| &rule.conditions));
            here != there || new_off.contains(id) != old_off.contains(id)
        };
        for rule in rules.values_mut().filter(|rule| rule.change == Change::Same && differs(&rule.rule_id)) {
            rule.change = Change::Changed;
        }
        let mut same = BTreeSet::new();
        // What is the same in both need not be asked twice, unless a correlation needs its hits.
        if new.correlations.is_empty() && old.correlations.is_empty() {
            let is_same = |id: &str| rules.get(id).is_none_or(|rule| rule.change == Change::Same);
            same = old.rules.iter().map(|rule| rule.id.clone()).filter(|id| is_same(id)).collect();
            if same.len() < old.rules.len() {
                old.rules.retain(|rule| !same.contains(&rule.id));
            } else {
                // An engine needs one rule; this one is then asked twice.
                old.rules.truncate(1);
                same.retain(|id| old.rules.iter().all(|rule| rule.id != *id));
            }
        }
        let finder = |set: RuleSet, off| Ok::<_, anyhow::Error>(Finder::new(set, min_level)?.without(off));
        Ok(Sides { new: finder(new, new_off)?, old: finder(old, old_off)?, same, rules })
    }

    /// How many rules are in one of the sets or in both.
    pub fn rules(&self) -> u64 {
        self.rules.len() as u64
    }

    /// As [`history::look_back_us`], of both sets.
    pub fn look_back_us(&self) -> i64 {
        history::look_back_us(&self.new.correlations).max(history::look_back_us(&self.old.correlations))
    }

    /// Puts both sets to the history.
    pub fn hunt(&self, hunting: Hunting) -> Result<(Summary, Difference)> {
        let from = hunting.from;
        let correlating = |side: &Finder| Correlating::new(Arc::clone(&side.correlations), side.min_level, from);
        let (mut new, mut old) = (correlating(&self.new), correlating(&self.old));
        let mut rules = self.rules.clone();
        let mut total = hunting.all(&Comparing { sides: self, from }, |part| {
            for (id, tally) in part.tallies {
                if let Some(rule) = rules.get_mut(&id) {
                    rule.tally.add(tally);
                }
            }
            new.gather(part.new);
            old.gather(part.old);
            Ok(())
        })?;
        let (new, old) = (new.finish(&mut total), old.finish(&mut Summary::default()));
        tally_correlations(&new, &old, &mut rules);
        let difference = Difference { rules: rules.into_values().collect() };
        total.alerts = difference.rules.iter().map(|rule| rule.tally.gained + rule.tally.unchanged).sum();
        Ok((total, difference))
    }

    fn look(&self, place: &Place, events: &EventBatch, from: Timestamp, part: &mut Part) {
        let alone = |side: &Finder, gathered: &mut Gathered| {
            let hits = side.hits(&events.columns);
            gathered.add(side.gathered(place, events, &hits));
            let alerts = hits.iter().filter(|hit| side.alerts_alone(hit.rule));
            let in_range = alerts.filter(|hit| events.times.value(hit.row as usize) >= from.micros());
            let named = in_range.map(|hit| (side.engine.rules()[hit.rule as usize].id.clone(), hit.row));
            named.collect::<BTreeSet<(String, u32)>>()
        };
        let new = alone(&self.new, &mut part.new);
        let mut old = alone(&self.old, &mut part.old);
        old.extend(new.iter().filter(|(rule, _)| self.same.contains(rule)).cloned());
        let example = |row: u32, gained: bool| Example {
            gained,
            time: Timestamp(events.times.value(row as usize)).to_string(),
            host: host(&events.columns, row as usize),
            place: place.clone(),
            item: events.item_ids.value(row as usize).to_owned(),
        };
        for (rule, row) in new.union(&old) {
            let key = (rule.clone(), *row);
            let tally = part.tallies.entry(rule.clone()).or_default();
            tally.count(new.contains(&key), old.contains(&key), |gained| example(*row, gained));
        }
    }
}

/// Both sets, put to the events at and after `from`; correlations also look at those before.
struct Comparing<'a> {
    sides: &'a Sides,
    from: Timestamp,
}

impl Look for Comparing<'_> {
    type Part = Part;

    fn columns(&self) -> Option<BTreeSet<&str>> {
        let Sides { new, old, .. } = self.sides;
        new.engine.columns().zip(old.engine.columns()).map(|(mut columns, others)| {
            columns.extend(others);
            columns
        })
    }

    fn sieve(&self, columns: &RecordBatch) -> Vec<u32> {
        let mut rows = self.sides.new.rows(columns);
        rows.extend(self.sides.old.rows(columns));
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn look(&self, place: &Place, events: &EventBatch, part: &mut Part) {
        self.sides.look(place, events, self.from, part);
    }
}

impl Tally {
    fn count(&mut self, in_new: bool, in_old: bool, example: impl FnOnce(bool) -> Example) {
        match (in_new, in_old) {
            (true, true) => self.unchanged += 1,
            (true, false) => self.gained += 1,
            (false, _) => self.lost += 1,
        }
        if in_new != in_old {
            self.keep(example(in_new));
        }
    }

    fn keep(&mut self, example: Example) {
        if self.examples.iter().filter(|known| known.gained == example.gained).count() < EXAMPLES {
            self.examples.push(example);
        }
    }

    fn add(&mut self, part: Tally) {
        self.gained += part.gained;
        self.lost += part.lost;
        self.unchanged += part.unchanged;
        part.examples.into_iter().for_each(|example| self.keep(example));
    }
}

/// Every rule and correlation of either set, by id; those below the level are left out.
fn changes(new: &RuleSet, old: &RuleSet, min_level: Severity) -> BTreeMap<String, RuleChange> {
    let mut changes: BTreeMap<String, RuleChange> = BTreeMap::new();
    for (set, is_new) in [(old, false), (new, true)] {
        let rules = set.rules.iter().map(|rule| (&rule.id, &rule.title, rule.severity, &rule.sha256));
        let correlations = set.correlations.iter().map(|rule| (&rule.id, &rule.title, rule.severity, &rule.sha256));
        for (id, title, level, digest) in rules.chain(correlations).filter(|(_, _, level, _)| *level >= min_level) {
            let known = changes.entry(id.clone()).or_insert_with(|| RuleChange {
                rule_id: id.clone(),
                rule: title.clone(),
                level,
                change: if is_new { Change::New } else { Change::Gone },
                old_digest: None,
                new_digest: None,
                tally: Tally::default(),
            });
            if !is_new {
                known.old_digest = Some(digest.clone());
                continue;
            }
            known.new_digest = Some(digest.clone());
            (known.rule, known.level) = (title.clone(), level);
            known.change = match &known.old_digest {
                None => Change::New,
                Some(old) if old == digest => Change::Same,
                Some(_) => Change::Changed,
            };
        }
    }
    changes
}

fn tally_correlations(new: &[Alert], old: &[Alert], rules: &mut BTreeMap<String, RuleChange>) {
    fn named(alerts: &[Alert]) -> BTreeMap<(&str, Timestamp, &str), &Alert> {
        alerts.iter().map(|alert| ((alert.rule_id.as_str(), alert.time, alert.item.as_str()), alert)).collect()
    }
    let (new, old) = (named(new), named(old));
    let all: BTreeMap<_, &Alert> = old.iter().chain(&new).map(|(key, alert)| (*key, *alert)).collect();
    for (key, alert) in all {
        if let Some(rule) = rules.get_mut(key.0) {
            rule.tally.count(new.contains_key(&key), old.contains_key(&key), |gained| Example {
                gained,
                time: alert.time.to_string(),
                host: alert.host.clone(),
                place: alert.place.clone(),
                item: alert.item.clone(),
            });
        }
    }
}

impl Difference {
    /// Whether no alert is gained or lost.
    pub fn is_empty(&self) -> bool {
        self.rules.iter().all(|rule| rule.tally.gained == 0 && rule.tally.lost == 0)
    }

    /// Writes every rule that differs in text or alerts, and how many do not. JSON lines have all rules.
    pub fn write(&self, format: AlertFormat, output: &mut dyn Write) -> Result<()> {
        match format {
            AlertFormat::Table => self.write_table(output),
            AlertFormat::Jsonl => {
                self.rules.iter().try_for_each(|rule| Ok(writeln!(output, "{}", serde_json::to_string(rule)?)?))
            }
            AlertFormat::Csv => self.write_csv(output),
        }
    }

    fn write_table(&self, output: &mut dyn Write) -> Result<()> {
        let mut table = terminal::table(&["rule", "level", "change", "gained", "lost", "unchanged"]);
        let differs = |rule: &&RuleChange| rule.change != Change::Same || rule.tally.gained + rule.tally.lost > 0;
        let mut shown: Vec<&RuleChange> = self.rules.iter().filter(differs).collect();
        shown.sort_by_key(|rule| (std::cmp::Reverse(rule.tally.gained + rule.tally.lost), rule.change, &rule.rule));
        for rule in &shown {
            let Tally { gained, lost, unchanged, .. } = rule.tally;
            let numbers = [gained, lost, unchanged].map(terminal::thousands);
            let title = terminal::one_line(&rule.rule, 100);
            let [gained, lost, unchanged] = numbers;
            table.add_row([
                title,
                rule.level.as_str().to_owned(),
                rule.change.as_str().to_owned(),
                gained,
                lost,
                unchanged,
            ]);
        }
        writeln!(output, "{table}\n")?;
        for rule in &shown {
            for example in &rule.tally.examples {
                let sign = if example.gained { '+' } else { '-' };
                let host = terminal::one_line(example.host.as_deref().unwrap_or("-"), 60);
                let title = terminal::one_line(&rule.rule, 80);
                let (time, place) = (&example.time[..19], example.place.name());
                writeln!(output, "{sign} {time} {title} · {host} · {place} · {}", example.item)?;
            }
        }
        let sum = |part: fn(&Tally) -> u64| terminal::thousands(self.rules.iter().map(|rule| part(&rule.tally)).sum());
        let of = |change| terminal::thousands(self.rules.iter().filter(|rule| rule.change == change).count() as u64);
        writeln!(
            output,
            "alerts: {} gained, {} lost, {} unchanged; rules: {} new, {} gone, {} changed, {} the same",
            sum(|tally| tally.gained),
            sum(|tally| tally.lost),
            sum(|tally| tally.unchanged),
            of(Change::New),
            of(Change::Gone),
            of(Change::Changed),
            of(Change::Same),
        )?;
        Ok(())
    }

    fn write_csv(&self, output: &mut dyn Write) -> Result<()> {
        let mut writer = csv::Writer::from_writer(output);
        writer.write_record([
            "rule_id",
            "rule",
            "level",
            "change",
            "old_digest",
            "new_digest",
            "gained",
            "lost",
            "unchanged",
        ])?;
        for rule in &self.rules {
            let Tally { gained, lost, unchanged, .. } = rule.tally;
            writer.write_record([
                rule.rule_id.as_str(),
                &rule.rule,
                rule.level.as_str(),
                rule.change.as_str(),
                rule.old_digest.as_deref().unwrap_or_default(),
                rule.new_digest.as_deref().unwrap_or_default(),
                &gained.to_string(),
                &lost.to_string(),
                &unchanged.to_string(),
            ])?;
        }
        Ok(writer.flush()?)
    }
}
