//! `vigie rules`: what rules are worth before they are in force, and why one is silent.

mod kql;
mod select;
mod test;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use kernel::Clock;
use kernel::diagnostic::Level;
use sigma::{Engine, Lists, Mappings, Problem};

use crate::cli::{Coverage, Rules};
use crate::terminal;

/// Runs one of the subcommands; `coverage` is asked for what needs the lake.
pub fn run(
    command: &Rules,
    clock: &dyn Clock,
    coverage: impl FnOnce(&Coverage) -> Result<ExitCode>,
) -> Result<ExitCode> {
    match command {
        Rules::Coverage(arguments) => coverage(arguments),
        Rules::Check { paths, json } => check(paths, *json),
        Rules::Test(arguments) => test::run(arguments, clock),
        Rules::Kql(arguments) => kql::run(arguments),
        Rules::Why(arguments) => why::run(arguments, clock),
    }
}

/// Checks all rules under `paths`. Exit code 1 when a rule is refused.
fn check(paths: &[PathBuf], json: bool) -> Result<ExitCode> {
    for path in paths {
        anyhow::ensure!(path.exists(), "{} does not exist", path.display());
    }
    let set = sigma::load(paths, &Lists::default());
    let refused = set.refused().count();
    let (files, ignored) = (set.files, set.ignored.len());
    let mut problems = set.problems;
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    problems.extend(sigma::lint::lint(&engine));
    problems.extend(sigma::lint::correlations(&set.correlations, &engine));
    problems.sort_by(|a, b| (&a.file, a.line, a.code).cmp(&(&b.file, b.line, b.code)));
    for problem in &problems {
        terminal::print(&line(problem, json)?)?;
    }
    let unreachable = engine.reaches().iter().filter(|reach| reach.unreachable.is_some()).count();
    let summary = format!(
        "{} files ({} other files left alone): {} rules and {} correlations loaded, {refused} refused, {unreachable} cannot fire, {} findings\n",
        terminal::thousands(files as u64),
        terminal::thousands(ignored as u64),
        terminal::thousands(engine.rules().len() as u64),
        terminal::thousands(set.correlations.len() as u64),
        terminal::thousands(problems.len() as u64),
    );
    if json {
        eprint!("{summary}")
    } else {
        terminal::print(&summary)?
    }
    Ok(if refused > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(problem: &Problem, json: bool) -> Result<String> {
    if json {
        return Ok(serde_json::to_string(problem)? + "\n");
    }
    let level = match problem.level {
        Level::Error => "refused",
        Level::Warning => "warning",
        Level::Hint => "hint",
    };
    Ok(format!("{level:8} {}\n", terminal::one_line(&problem.to_string(), 600)))
}
