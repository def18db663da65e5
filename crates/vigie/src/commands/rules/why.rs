//! `vigie rules why`: what a rule did on files, and what kept it from firing.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kernel::{Clock, Timestamp};
use sigma::near::{FieldFill, FiringReport, GateReport, NearEvent, Outcome, Part};
use sigma::{Engine, Mappings};

use super::select;
use crate::cli::Why;
use crate::commands::scan::decode;
use crate::terminal::{self, one_line, thousands};

/// Width of a value from an event.
const VALUE_WIDTH: usize = 160;

/// Puts the rule to all files and says what happened. Exit code 1 when it did not fire.
pub fn run(arguments: &Why, clock: &dyn Clock) -> Result<ExitCode> {
    for path in &arguments.paths {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    let rule = select::one(&arguments.rules, &arguments.rule)?;
    let engine = Engine::compile(vec![Arc::clone(&rule)], &Mappings::shipped());
    let limits = intake::FileLimits::default();
    let mut report: Option<FiringReport> = None;
    for chunk in intake::files::open(arguments.paths.clone(), arguments.as_format, limits) {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                eprintln!("not read: {error}");
                continue;
            }
        };
        let events = decode(&chunk, arguments.log_source.as_ref(), clock.now()).events;
        let time = |row: usize| Timestamp(events.times.value(row));
        let item = |row: usize| format!("{} · {}", chunk.label, events.item_ids.value(row));
        let more = engine.why(0, &events.columns, &time, &item)?;
        match &mut report {
            Some(report) => report.merge(more),
            None => report = Some(more),
        }
    }
    let report = report.context("no file could be read")?;
    let text = if arguments.json { serde_json::to_string(&report)? + "\n" } else { text(&report)? };
    terminal::print(&text)?;
    Ok(if report.fired > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(report: &FiringReport) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(out, "{} ({})", one_line(&report.title, 200), one_line(&report.rule, 100))?;
    writeln!(out, "Log source {}; {} events looked at.", report.logsource, thousands(report.events))?;
    match (report.fired, &report.unreachable) {
        (0, Some(reason)) => writeln!(out, "It cannot fire: {reason}.")?,
        (0, None) => writeln!(out, "It did not fire.")?,
        (fired, _) => writeln!(out, "It fired on {} events.", thousands(fired))?,
    }
    if let Some(first) = &report.first {
        writeln!(out, "\nThe first at {}: {}", first.time, one_line(&first.item, 200))?;
        for reason in &first.reasons {
            let value = reason.value.as_deref().map_or("absent".to_owned(), shown);
            writeln!(out, "  {} {}: {value}", reason.field, one_line(&reason.predicate, 200))?;
        }
    }
    for gate in &report.gates {
        write_gate(&mut out, gate, report)?;
    }
    let never = report.never_filled();
    if !never.is_empty() {
        writeln!(out, "\nNo event filled {}.", never.join(", "))?;
    }
    if report.fired == 0
        && let Some(nearest) = &report.nearest
    {
        write_nearest(&mut out, nearest)?;
    }
    Ok(out)
}

fn write_gate(out: &mut String, gate: &GateReport, report: &FiringReport) -> std::fmt::Result {
    writeln!(out, "\nGate {}: {} events passed", gate.gate, thousands(gate.passed))?;
    if !gate.can_hold {
        writeln!(out, "  The condition cannot hold with the fields that such events carry.")?;
    }
    if gate.passed == 0 {
        for test in &gate.tests {
            let other = test.other.as_deref().map_or(String::new(), |value| format!("; another has {}", shown(value)));
            let (asked, held) = (one_line(&test.asked, 200), thousands(test.held));
            writeln!(out, "  {} {asked}: {held} of {}{other}", test.field, thousands(report.events))?;
        }
        return Ok(());
    }
    for field in &gate.fields {
        writeln!(out, "  {}", field_line(field, gate.passed))?;
    }
    Ok(())
}

fn field_line(field: &FieldFill, passed: u64) -> String {
    let name = match &field.column {
        None => return format!("{}: such events never carry it", field.field),
        Some(column) if *column == field.field => field.field.clone(),
        Some(column) => format!("{} (here {column})", field.field),
    };
    match field.filled {
        0 => format!("{name}: never filled"),
        filled if filled == passed => format!("{name}: always filled"),
        filled => format!("{name}: filled in {}", thousands(filled)),
    }
}

fn write_nearest(out: &mut String, nearest: &NearEvent) -> std::fmt::Result {
    writeln!(out, "\nThe nearest event, by the gate {}, at {}:", nearest.gate, nearest.time)?;
    writeln!(out, "  {}", one_line(&nearest.item, 200))?;
    for part in &nearest.parts {
        write_part(out, part)?;
    }
    match nearest.distance {
        None => writeln!(out, "\nNo event of this kind can fire it: such events lack a field that it needs."),
        Some(1) => writeln!(out, "\nOne test stood in the way:"),
        Some(tests) => writeln!(out, "\n{tests} tests stood in the way:"),
    }?;
    nearest.changes.iter().try_for_each(|change| {
        let wanted = if change.held { "must not hold" } else { "must hold" };
        writeln!(out, "  {}: {} {wanted}; {}", change.detection, asked(change), has(change))
    })
}

fn write_part(out: &mut String, part: &Part) -> std::fmt::Result {
    let mark = if part.held { "held" } else { "failed" };
    writeln!(out, "  {mark:6} {}", one_line(&part.condition, 300))?;
    for test in &part.tests {
        let mark = if test.held { "+" } else { "-" };
        writeln!(out, "         {mark} {}; {}", asked(test), has(test))?;
    }
    if part.further > 0 {
        writeln!(out, "           and {} more tests", part.further)?;
    }
    Ok(())
}

fn asked(outcome: &Outcome) -> String {
    let field = outcome.field.as_deref().unwrap_or("any field");
    format!("{field} {}", one_line(&outcome.asked, 200))
}

fn has(outcome: &Outcome) -> String {
    match (&outcome.field, outcome.values.as_slice()) {
        (None, _) => "looked for in the whole event".to_owned(),
        (Some(_), []) => "the event has none".to_owned(),
        (Some(_), values) => {
            let values: Vec<String> = values.iter().map(|value| shown(value)).collect();
            format!("it is {}", values.join(", "))
        }
    }
}

fn shown(value: &str) -> String {
    format!("`{}`", one_line(value, VALUE_WIDTH))
}
