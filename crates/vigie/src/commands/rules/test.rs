//! `vigie rules test`: the tests that rules name, each against the rule alone, with the gates of its log source.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use intake::Format;
use kernel::{Clock, Timestamp};
use serde::Serialize;
use sigma::near::FiringReport;
use sigma::regression::{self, EventFormat, RuleTest, Wanted};
use sigma::{Engine, Lists, Mappings, Rule};

use crate::cli::TestRules;
use crate::commands::scan::decode;
use crate::platform::samples::above;
use crate::terminal::{self, one_line, thousands};

/// How a test came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Passed,
    Failed,
    /// The file is not there.
    Missing,
}

/// One test, run.
#[derive(Debug, Serialize)]
struct Outcome {
    verdict: Verdict,
    rule: String,
    title: String,
    test: String,
    wanted: Option<Wanted>,
    matches: u64,
    /// What is wrong.
    reason: Option<String>,
}

/// Runs every test and prints what did not pass, or each as JSON.
pub fn run(arguments: &TestRules, clock: &dyn Clock) -> Result<ExitCode> {
    for path in &arguments.paths {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    let set = sigma::load(&arguments.paths, &Lists::default());
    let refused = set.refused().count();
    let mappings = Mappings::shipped();
    let (mut outcomes, mut without) = (Vec::new(), Vec::new());
    for rule in &set.rules {
        match regression::tests_path(rule) {
            Some(info) => outcomes.extend(of_rule(rule, info, &mappings, clock.now())),
            None => without.push(rule.title.as_str()),
        }
    }
    for outcome in &outcomes {
        if arguments.json {
            terminal::print(&(serde_json::to_string(outcome)? + "\n"))?;
        } else if outcome.verdict != Verdict::Passed {
            terminal::print(&line(outcome))?;
        }
    }
    let count = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count() as u64;
    let (passed, failed, missing) = (count(Verdict::Passed), count(Verdict::Failed), count(Verdict::Missing));
    let summary = format!(
        "{} tests of {} rules: {} passed, {} failed, {} missing; {} rules without a test, {refused} files refused\n",
        thousands(outcomes.len() as u64),
        thousands((set.rules.len() - without.len()) as u64),
        thousands(passed),
        thousands(failed),
        thousands(missing),
        thousands(without.len() as u64),
    );
    if arguments.json {
        eprint!("{summary}")
    } else {
        terminal::print(&summary)?
    }
    let bad = failed > 0 || refused > 0 || (missing > 0 && !arguments.allow_missing);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(outcome: &Outcome) -> String {
    let verdict = if outcome.verdict == Verdict::Missing { "missing" } else { "failed" };
    let reason = outcome.reason.as_deref().unwrap_or_default();
    let title = format!("{} ({}), {}", outcome.title, outcome.rule, outcome.test);
    format!("{verdict:8} {}: {}\n", one_line(&title, 200), one_line(reason, 400))
}

/// Every test of a rule; one that says what is wrong when they cannot be read.
fn of_rule(rule: &Arc<Rule>, info: &str, mappings: &Mappings, now: Timestamp) -> Vec<Outcome> {
    let alone = |verdict, reason: String| {
        let (rule, title) = (rule.id.clone(), rule.title.clone());
        let reason = Some(reason);
        vec![Outcome { verdict, rule, title, test: info.to_owned(), wanted: None, matches: 0, reason }]
    };
    let Some(place) = above(&rule.file, info) else {
        return alone(Verdict::Missing, format!("no folder above {} has {info}", rule.file.display()));
    };
    let listed = std::fs::read_to_string(&place).map_err(|error| error.to_string());
    let tests = match listed.and_then(|text| regression::tests(&text, rule)) {
        Ok(tests) => tests,
        Err(reason) => return alone(Verdict::Failed, format!("{}: {reason}", place.display())),
    };
    let engine = Engine::compile(vec![Arc::clone(rule)], mappings);
    tests.iter().map(|test| of_test(rule, test, &place, &engine, now)).collect()
}

fn of_test(rule: &Rule, test: &RuleTest, info: &Path, engine: &Engine, now: Timestamp) -> Outcome {
    let outcome = |verdict, matches, reason| Outcome {
        verdict,
        rule: rule.id.clone(),
        title: rule.title.clone(),
        test: test.name.clone(),
        wanted: Some(test.wanted),
        matches,
        reason,
    };
    let Some(events) = above(info, &test.path) else {
        return outcome(Verdict::Missing, 0, Some(format!("no folder above {} has {}", info.display(), test.path)));
    };
    match put(&events, test.format, engine, now) {
        Err(error) => outcome(Verdict::Failed, 0, Some(format!("{error:#}"))),
        Ok(report) if report.events == 0 => {
            outcome(Verdict::Failed, 0, Some(format!("{} has no event that can be read", events.display())))
        }
        Ok(report) if test.wanted.accepts(report.fired) => outcome(Verdict::Passed, report.fired, None),
        Ok(report) => outcome(Verdict::Failed, report.fired, Some(why(&report, test.wanted))),
    }
}

/// Puts the events of a file to the one rule of `engine`.
fn put(file: &Path, format: EventFormat, engine: &Engine, now: Timestamp) -> Result<FiringReport> {
    let format = match format {
        EventFormat::Evtx => Some(Format::Evtx),
        // Which JSON it is, its content tells.
        EventFormat::Json => None,
    };
    let mut whole: Option<FiringReport> = None;
    for chunk in intake::files::open(vec![file.to_owned()], format, intake::FileLimits::default()) {
        let chunk = chunk?;
        let events = decode(&chunk, None, now).events;
        let time = |row: usize| Timestamp(events.times.value(row));
        let item = |row: usize| events.item_ids.value(row).to_owned();
        let report = engine.why(0, &events.columns, &time, &item)?;
        match &mut whole {
            Some(whole) => whole.merge(report),
            None => whole = Some(report),
        }
    }
    whole.ok_or_else(|| anyhow::anyhow!("{} is empty", file.display()))
}

/// What kept the rule from doing as it should.
fn why(report: &FiringReport, wanted: Wanted) -> String {
    let found = format!("{} of {} events match, {wanted} should", report.fired, report.events);
    let nearest = report.nearest.as_ref().filter(|_| wanted != Wanted::None);
    let detail = match (nearest, &report.unreachable, &report.first) {
        (_, Some(reason), _) => format!("; it cannot fire: {reason}"),
        (Some(nearest), _, _) => {
            let changes = nearest.changes.iter().map(|change| {
                format!(
                    "{} {} (it is {})",
                    change.field.as_deref().unwrap_or("any field"),
                    change.asked,
                    change.values.join(", ")
                )
            });
            format!("; what stood in the way: {}", changes.collect::<Vec<_>>().join("; "))
        }
        (None, _, Some(first)) => {
            let reasons = first.reasons.iter().map(|reason| format!("{} {}", reason.field, reason.predicate));
            format!("; the first, {}, because {}", first.item, reasons.collect::<Vec<_>>().join("; "))
        }
        (None, _, None) => "; none passed the gates of its log source".to_owned(),
    };
    found + &detail
}
