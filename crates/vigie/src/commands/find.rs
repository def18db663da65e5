//! What rules find in decoded events: what `vigie scan` and `vigie hunt` have in common.

pub mod alert;
pub mod correlate;
pub mod pool;
pub mod summary;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, RecordBatch};
use intake::EventBatch;
use kernel::{Severity, Timestamp};
use sigma::correlation::Correlations;
use sigma::{Engine, Lists, Mappings, RuleSet};

use crate::cli::SummaryFormat;
use crate::shipped_rules;
use alert::{Alert, Place};
use correlate::{Gathered, Seen};
use summary::Summary;

/// Exit code when there are alerts, for scripts.
pub const FOUND: u8 = 1;
/// Exit code when something could not be read or used.
pub const FAILED: u8 = 2;
/// Refused rules that are described.
const DESCRIBED_REFUSALS: usize = 10;

/// Compiled rules, ready to be put to events.
pub struct Finder {
    pub engine: Engine,
    pub correlations: Arc<Correlations>,
    /// Alerts below it are left out.
    pub min_level: Severity,
    /// Rules that are switched off: their hits are none, to correlations neither.
    off: BTreeSet<String>,
}

/// How a command names the rules that are in the binary, where it takes folders.
pub const SHIPPED: &str = "shipped";

/// The rules of folders and files, and with `shipped` among them those in the binary.
///
/// # Errors
/// When a path does not exist.
pub fn rule_set(paths: &[PathBuf]) -> Result<RuleSet> {
    let (shipped, folders): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.iter().cloned().partition(|path| path.as_os_str() == SHIPPED);
    for path in &folders {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    let lists = Lists::default();
    Ok(if shipped.is_empty() { sigma::load(&folders, &lists) } else { shipped_rules::sigma(&folders, &[], &lists) })
}

/// What some events gave.
#[derive(Default)]
pub struct Found {
    pub alerts: Vec<Alert>,
    pub gathered: Gathered,
}

impl Finder {
    /// Compiles; what was refused is said, because a rule that is left out in silence is worse than none.
    ///
    /// # Errors
    /// When no rule at all could be loaded.
    pub fn new(set: RuleSet, min_level: Severity) -> Result<Finder> {
        let refused: Vec<String> = set.refused().map(ToString::to_string).collect();
        for problem in refused.iter().take(DESCRIBED_REFUSALS) {
            eprintln!("rule refused: {problem}");
        }
        if refused.len() > DESCRIBED_REFUSALS {
            eprintln!("… and {} more; `vigie rules check` lists them all", refused.len() - DESCRIBED_REFUSALS);
        }
        ensure!(
            !set.rules.is_empty(),
            "no rule could be loaded from {} files; `vigie rules check` says why",
            set.files
        );
        Finder::compile(set, min_level)
    }

    fn compile(mut set: RuleSet, min_level: Severity) -> Result<Finder> {
        let (correlations, _) = Correlations::compile(&set.correlations, &set.rules);
        // A rule that is correlated is needed whatever its level.
        let mut numbers = 0..;
        set.rules.retain(|rule| {
            let correlated = numbers.next().is_some_and(|number| correlations.fields(number).is_some());
            correlated || rule.severity >= min_level
        });
        let engine = Engine::compile(set.rules, &Mappings::shipped());
        let (correlations, problems) = Correlations::compile(&set.correlations, engine.rules());
        ensure!(problems.is_empty(), "correlations lost their rules: {problems:?}");
        Ok(Finder { engine, correlations: Arc::new(correlations), min_level, off: BTreeSet::new() })
    }

    /// With these rules switched off.
    pub fn without(self, off: BTreeSet<String>) -> Finder {
        Finder { off, ..self }
    }

    /// Notes in `summary` how many rules there are.
    pub fn count_rules(&self, summary: &mut Summary) {
        summary.rules = self.engine.rules().len() as u64;
        summary.correlations = self.correlations.rules().count() as u64;
    }

    /// What fires on which rows.
    pub fn hits(&self, columns: &RecordBatch) -> Vec<sigma::Hit> {
        let mut hits = self.engine.evaluate(columns).hits;
        hits.retain(|hit| !self.off.contains(&self.engine.rules()[hit.rule as usize].id));
        hits
    }

    /// The rows on which a rule fires, ascending; `columns` need only be those of [`Engine::columns`].
    pub fn rows(&self, columns: &RecordBatch) -> Vec<u32> {
        let mut rows: Vec<u32> = self.hits(columns).iter().map(|hit| hit.row).collect();
        rows.dedup();
        rows
    }

    /// Puts the rules to events that are at `place`.
    pub fn find(&self, place: &Place, events: &EventBatch) -> Found {
        let hits = self.hits(&events.columns);
        let alone = hits.iter().filter(|hit| self.alerts_alone(hit.rule));
        let alerts = alone.map(|hit| self.alert(place, events, hit)).collect();
        Found { alerts, gathered: self.gathered(place, events, &hits) }
    }

    /// Whether hits of the rule are alerts by themselves.
    pub fn alerts_alone(&self, rule: u32) -> bool {
        let one = &self.engine.rules()[rule as usize];
        self.correlations.alerts_alone(rule) && one.severity >= self.min_level
    }

    /// What the hits are to correlations.
    pub fn gathered(&self, place: &Place, events: &EventBatch, hits: &[sigma::Hit]) -> Gathered {
        let event = |row: usize| (Timestamp(events.times.value(row)), events.item_ids.value(row).to_owned());
        let observations = self.correlations.observe(&self.engine, &events.columns, hits, &event);
        let mut rows: Vec<usize> = hits
            .iter()
            .filter(|hit| self.correlations.fields(hit.rule).is_some())
            .map(|hit| hit.row as usize)
            .collect();
        rows.dedup();
        let seen = rows.into_iter().map(|row| {
            let record = events.raw.value(row).to_owned();
            let seen = Seen { place: place.clone(), host: host(&events.columns, row), record };
            (events.item_ids.value(row).into(), seen)
        });
        Gathered { observations, seen: seen.collect() }
    }

    fn alert(&self, place: &Place, events: &EventBatch, hit: &sigma::Hit) -> Alert {
        let (row, number) = (hit.row as usize, hit.rule as usize);
        let rule = &self.engine.rules()[number];
        Alert {
            time: Timestamp(events.times.value(row)),
            level: rule.severity,
            rule: rule.title.clone(),
            rule_id: rule.id.clone(),
            host: host(&events.columns, row),
            techniques: rule.techniques(),
            place: place.clone(),
            item: events.item_ids.value(row).to_owned(),
            reasons: self.engine.explain(number, &events.columns, row).ok().flatten().unwrap_or_default(),
            record: events.raw.value(row).to_owned(),
            correlation: None,
        }
    }
}

/// Where alerts are written: the file, or the standard output.
pub fn output(file: Option<&Path>) -> Result<Box<dyn Write + Send>> {
    Ok(match file {
        Some(path) => {
            Box::new(BufWriter::new(File::create(path).with_context(|| format!("writing {}", path.display()))?))
        }
        None => Box::new(BufWriter::new(std::io::stdout())),
    })
}

/// Prints the summary on the error output.
pub fn report(format: SummaryFormat, summary: &Summary) -> Result<()> {
    match format {
        SummaryFormat::Text => eprint!("{}", summary.text()),
        SummaryFormat::Json => eprintln!("{}", serde_json::to_string(summary)?),
        SummaryFormat::None => {}
    }
    Ok(())
}

/// What scripts are told.
pub fn exit_code(summary: &Summary) -> ExitCode {
    match summary {
        Summary { failed, .. } if !failed.is_empty() => ExitCode::from(FAILED),
        Summary { alerts: 0, .. } => ExitCode::SUCCESS,
        _ => ExitCode::from(FOUND),
    }
}

/// Whether whoever read our output has gone, as `head` does: that is an end, not a failure.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The machine that an event is about, as sources call it.
pub fn host(columns: &RecordBatch, row: usize) -> Option<String> {
    let names = ["Computer", "Hostname", "host.name"];
    names.iter().find_map(|name| text(columns, name, row)).map(str::to_owned)
}

/// The text of a dictionary column.
fn text<'a>(columns: &'a RecordBatch, name: &str, row: usize) -> Option<&'a str> {
    let column = columns.column_by_name(name)?;
    if column.is_null(row) {
        return None;
    }
    let dictionary = column.as_dictionary_opt::<UInt32Type>()?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    Some(values.value(dictionary.keys().value(row) as usize))
}
