//! `vigie rules coverage`: which ATT&CK techniques the rules would see, given the events in the lake, and which they
//! saw.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use detect::coverage::{self, EventKind, Kinds, RuleGround, Standing, TechniqueCoverage};
use detect::{Detect, RuleFilter, RuleState};
use indicatif::ProgressBar;
use intake::EventBatch;
use kernel::Timestamp;
use sigma::{Engine, Mappings, RuleSet};
use tokio::runtime::Handle;

use super::find;
use crate::cli::Coverage;
use crate::commands::find::alert::Place;
use crate::history::{self, Hunting, Look};
use crate::platform::{Ground, rules};
use crate::{shipped_rules, terminal};

/// How far back events are looked at when no time is given.
const LOOKED_AT_DAYS: i64 = 30;
const DAY_US: i64 = 86_400_000_000;

/// What the state database knows of a rule.
struct Known {
    is_on: bool,
    alerts: u64,
}

/// Prints coverage by technique, and writes the layer.
pub async fn run(arguments: &Coverage, ground: Ground) -> Result<ExitCode> {
    let set = rule_set(&arguments.rules, &ground)?;
    // Without data there are only rules; looking must not make a data folder.
    let has_data = ground.config.data_dir.exists();
    let (seen, known) = match has_data {
        true => (Some(event_kinds(arguments, &ground).await?), known(&ground).await?),
        false => (None, BTreeMap::new()),
    };
    let mut grounds = grounds(set, seen.as_deref(), &known);
    if arguments.rules.is_empty() {
        grounds.extend(scheduled(&ground, &known)?);
    }
    let techniques = coverage::by_technique(&grounds);
    if let Some(path) = &arguments.layer {
        let layer = coverage::navigator_layer("Vigie", &description(arguments, has_data), &techniques);
        std::fs::write(path, serde_json::to_vec_pretty(&layer)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    if arguments.json {
        for one in &techniques {
            terminal::print(&(serde_json::to_string(one)? + "\n"))?;
        }
    } else {
        print(&techniques, &grounds)?;
    }
    if !has_data {
        eprintln!(
            "there is no data folder {}: rules alone, without events and alerts",
            ground.config.data_dir.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn rule_set(paths: &[PathBuf], ground: &Ground) -> Result<RuleSet> {
    if paths.is_empty() {
        let lists = rules::lists(ground.config.placeholders.as_deref())?;
        return Ok(shipped_rules::sigma(&ground.config.sigma_rules, &[], &lists));
    }
    find::rule_set(paths)
}

/// The kinds of events in the lake.
async fn event_kinds(arguments: &Coverage, ground: &Ground) -> Result<Vec<EventKind>> {
    let now = ground.clock.now();
    let from = arguments.from.unwrap_or_else(|| now.plus_micros(-LOOKED_AT_DAYS * DAY_US));
    let (lake, replay) = ground.lake().await?;
    drop(replay);
    let histories = history::histories(&lake, &[], Some(from), None, 0).await?;
    let hunting = Hunting {
        lake: lake.clone(),
        handle: Handle::current(),
        histories,
        from: Timestamp::MIN,
        log_sources: history::log_sources(&ground.store().await?, None).await?,
        bar: ProgressBar::hidden(),
    };
    let mut kinds = Kinds::default();
    let outcome = tokio::task::block_in_place(|| {
        hunting.all(&Noting, |part| {
            kinds.add(part);
            Ok(())
        })
    });
    lake.close().await?;
    for failed in outcome?.failed {
        eprintln!("not read: {}", terminal::one_line(&failed, 300));
    }
    if kinds.left_out > 0 {
        let count = terminal::thousands(kinds.left_out);
        eprintln!(
            "{count} events are of more kinds than are told apart; rules for them may be shown as without events"
        );
    }
    Ok(kinds.into_list())
}

/// Notes the kinds of events.
struct Noting;

impl Look for Noting {
    type Part = Kinds;

    fn look(&self, _: &Place, events: &EventBatch, part: &mut Kinds) {
        part.note(&events.columns);
    }
}

/// Which rules are switched off, and how many alerts each has raised.
async fn known(ground: &Ground) -> Result<BTreeMap<String, Known>> {
    let detect = Detect::new(ground.store().await?);
    let all = detect.rules(&RuleFilter { limit: u32::MAX, ..RuleFilter::default() }).await?;
    let known = all
        .into_iter()
        .map(|rule| (rule.id, Known { is_on: rule.state != RuleState::Disabled, alerts: rule.alert_count }));
    Ok(known.collect())
}

/// Rules with their ground.
fn grounds(set: RuleSet, seen: Option<&[EventKind]>, known: &BTreeMap<String, Known>) -> Vec<RuleGround> {
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    let of = |id: &str| known.get(id).map_or((true, 0), |known| (known.is_on, known.alerts));
    coverage::grounds(&engine, &set.correlations, seen, &of)
}

/// Rules on a schedule.
fn scheduled(ground: &Ground, known: &BTreeMap<String, Known>) -> Result<Vec<RuleGround>> {
    let rules = shipped_rules::scheduled(&ground.config.kql_rules)?.into_iter().map(|rule| {
        let (is_on, alerts) = known.get(&rule.id).map_or((true, 0), |known| (known.is_on, known.alerts));
        let standing = coverage::scheduled_standing(is_on && !rule.broken, alerts);
        let (id, title, techniques) = (rule.id, rule.title, rule.techniques);
        RuleGround { id, title, techniques, tactics: Vec::new(), standing, missing: Vec::new(), alerts }
    });
    Ok(rules.collect())
}

fn description(arguments: &Coverage, has_data: bool) -> String {
    let rules = if arguments.rules.is_empty() { "rules in force" } else { "rules given" };
    match (has_data, arguments.from) {
        (false, _) => format!("Of the {rules}; events and alerts were not looked at."),
        (true, Some(from)) => format!("Of the {rules}, the events since {from}, and all alerts."),
        (true, None) => format!("Of the {rules}, the events of the last {LOOKED_AT_DAYS} days, and all alerts."),
    }
}

fn print(techniques: &[TechniqueCoverage], grounds: &[RuleGround]) -> Result<()> {
    let mut table = terminal::table(&["technique", "standing", "rules", "alerts", "seen best by"]);
    for one in techniques {
        let indent = if one.technique.contains('.') { "  " } else { "" };
        table.add_row([
            format!("{indent}{}", one.technique),
            one.standing.words().to_owned(),
            terminal::thousands(one.rules),
            terminal::thousands(one.alerts),
            one.best.first().map(|title| terminal::one_line(title, 80)).unwrap_or_default(),
        ]);
    }
    let mut text = format!("{table}\n\n");
    for standing in Standing::ALL.into_iter().rev() {
        let is_parent = |one: &&TechniqueCoverage| !one.technique.contains('.');
        let covered = techniques.iter().filter(is_parent).filter(|one| one.standing == standing).count();
        let rules = grounds.iter().filter(|ground| ground.standing == standing).count();
        if rules > 0 {
            let (covered, rules) = (terminal::thousands(covered as u64), terminal::thousands(rules as u64));
            text.push_str(&format!("{:38} {rules} rules, the best for {covered} techniques\n", standing.words()));
        }
    }
    let untagged = grounds.iter().filter(|ground| ground.techniques.is_empty()).count();
    if untagged > 0 {
        text.push_str(&format!("{} rules name no technique\n", terminal::thousands(untagged as u64)));
    }
    terminal::print(&text)
}
