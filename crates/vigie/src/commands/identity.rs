//! `vigie identity`: what a file would do, what somebody has and why, who had what on a day.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::ExitCode;

use ::identity::compute::Line;
use ::identity::feed::{Batch, BatchState, Delivery, Manifest};
use ::identity::person::Person;
use ::identity::plan::{Counts, PlanDetail};
use ::identity::{Identity, PAST_COLUMNS, PastQuestion};
use anyhow::{Context, Result, bail, ensure};
use kernel::{Actor, Timestamp};
use serde_json::{Value as Json, json};

use crate::cli::{self, Access, Explain, Form, List, Simulate};
use crate::platform::Ground;
use crate::terminal;

const ABOVE: u8 = 1;
const UNUSABLE: u8 = 2;
/// People of a house, at most.
const MOST: u32 = 1_000_000;

/// Does what is asked, on the state database itself, beside a server that runs or without one.
pub async fn run(command: &cli::Identity, ground: Ground) -> Result<ExitCode> {
    let store = ground.store().await?;
    let identity = Identity::new(store.clone());
    let done = match command {
        cli::Identity::Simulate(arguments) => simulate(arguments, &identity).await,
        cli::Identity::Explain(arguments) => explain(arguments, &identity).await,
        cli::Identity::Access(arguments) => access(arguments, &identity).await,
    };
    store.close().await;
    done
}

async fn simulate(arguments: &Simulate, identity: &Identity) -> Result<ExitCode> {
    let body = std::fs::read(&arguments.file).with_context(|| format!("reading {}", arguments.file.display()))?;
    let manifest: Manifest = match &arguments.manifest {
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?
        }
        None => Manifest::default(),
    };
    let actor = Actor::system("command-line");
    let delivery = Delivery { feed: arguments.feed.clone(), body, manifest };
    let (batch, proposal) = identity.try_delivery(&delivery, &actor).await?;
    let plan = match batch.state {
        BatchState::Applied | BatchState::Held => {
            let title = format!("{} of {}", arguments.file.display(), arguments.feed);
            let title: String = title.chars().take(200).collect();
            Some(identity.simulate(&title, &proposal, &actor).await?)
        }
        BatchState::Rejected | BatchState::Refused => None,
    };
    let above = above(arguments, &batch, plan.as_ref().map(|detail| detail.plan.counts));
    let text = match arguments.format {
        Form::Text => simulated_text(&batch, plan.as_ref(), &above),
        Form::Json => format!("{:#}\n", simulated_json(&batch, plan.as_ref(), &above)),
    };
    terminal::print(&text)?;
    Ok(match (batch.state, above.is_empty()) {
        (BatchState::Rejected | BatchState::Refused, _) => ExitCode::from(UNUSABLE),
        (BatchState::Applied, true) => ExitCode::SUCCESS,
        (BatchState::Applied | BatchState::Held, _) => ExitCode::from(ABOVE),
    })
}

/// What of it is more than was allowed.
fn above(arguments: &Simulate, batch: &Batch, counts: Option<Counts>) -> Vec<String> {
    let leavers = u64::try_from(batch.leavers).unwrap_or(0);
    let closed = counts.map_or(0, |counts| counts.closed());
    let over = |what: &str, found: u64, most: Option<u64>| {
        let most = most.filter(|most| found > *most)?;
        Some(format!("{found} {what}; {most} are allowed here"))
    };
    let found = [
        over("people leave", leavers, arguments.max_leavers),
        over("accounts are disabled or deleted", closed, arguments.max_closed),
    ];
    found.into_iter().flatten().collect()
}

fn simulated_text(batch: &Batch, plan: Option<&PlanDetail>, above: &[String]) -> String {
    let mut text = format!("{}: {} records\n", batch.state, batch.records);
    let people =
        [("join", batch.joiners), ("move", batch.movers), ("leave", batch.leavers), ("wait", batch.quarantined)];
    for (word, count) in people {
        let _ = writeln!(text, "  {count:>6} {word}");
    }
    let _ = writeln!(text, "  {:>6} unchanged", batch.unchanged);
    for finding in &batch.findings {
        let _ = writeln!(text, "! {finding}");
    }
    for change in batch.changes.as_array().into_iter().flatten() {
        let word = |name: &str| change[name].as_str().unwrap_or_default();
        let _ = writeln!(text, "  {:<8} {}", word("change"), word("name"));
    }
    if let Some(PlanDetail { plan, items, .. }) = plan {
        let counts = plan.counts;
        let _ = writeln!(
            text,
            "accounts: {} created, {} enabled, {} disabled, {} deleted, {} renamed, {} moved; {} entitlements given, {} taken",
            counts.create,
            counts.enable,
            counts.disable,
            counts.delete,
            counts.rename,
            counts.r#move,
            counts.granted,
            counts.revoked
        );
        for item in items {
            let person = item.person_name.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  {:<10} {person}: {}", item.system, item.summary);
        }
        let _ = writeln!(text, "kept as {}", plan.id);
    }
    for line in above {
        let _ = writeln!(text, "! {line}");
    }
    text
}

fn simulated_json(batch: &Batch, plan: Option<&PlanDetail>, above: &[String]) -> Json {
    json!({ "batch": batch, "plan": plan.map(|detail| json!({ "plan": detail.plan, "items": detail.items })), "above": above })
}

/// One person by number, address, id or name.
async fn person(identity: &Identity, text: &str) -> Result<Person> {
    if let Ok(id) = text.parse() {
        return Ok(identity.person_view(id).await?.person);
    }
    let found = identity.search_people(text, 50).await?;
    let is_it = |person: &&Person| {
        let sheet = &person.sheet;
        let same = |known: Option<&String>| known.is_some_and(|known| known.eq_ignore_ascii_case(text));
        same(sheet.number.as_ref()) || same(sheet.mail.as_ref()) || sheet.display_name().eq_ignore_ascii_case(text)
    };
    let exact: Vec<&Person> = found.iter().filter(is_it).collect();
    match (exact.as_slice(), found.as_slice()) {
        ([one], _) => Ok((*one).clone()),
        ([], [one]) => Ok(one.clone()),
        ([], []) => bail!("nobody has the number, the address or the name `{text}`"),
        _ => {
            let line = |person: &Person| {
                format!("  {} {}", person.sheet.number.as_deref().unwrap_or("-"), person.sheet.display_name())
            };
            let names: Vec<String> = found.iter().map(line).collect();
            bail!("`{text}` may be any of these; give the number:\n{}", names.join("\n"))
        }
    }
}

/// `hr C-10 → Everybody has an account → Everybody`.
fn why(line: &Line) -> String {
    line.why.iter().map(|step| step.title.as_str()).collect::<Vec<_>>().join(" → ")
}

async fn explain(arguments: &Explain, identity: &Identity) -> Result<ExitCode> {
    let person = person(identity, &arguments.person).await?;
    let view = identity.person_view(person.id).await?;
    let is_asked = |line: &&Line| arguments.grant.as_ref().is_none_or(|grant| line.grant.to_string() == *grant);
    let lines: Vec<&Line> = view.access.iter().filter(is_asked).collect();
    let accounts = view.accounts.iter().map(|account| {
        json!({ "system": account.system, "login": account.login, "status": account.status, "progress": account.progress,
            "holds": account.seen.as_ref().map(|seen| &seen.entitlements) })
    });
    let text = match arguments.format {
        Form::Json => {
            let sheet = json!({ "id": person.id, "number": person.sheet.number, "name": person.sheet.display_name() });
            let body = json!({ "person": sheet, "phase": view.phase, "access": lines, "accounts": accounts.collect::<Vec<_>>() });
            format!("{body:#}\n")
        }
        Form::Text => {
            let number = person.sheet.number.as_deref().unwrap_or("no number");
            let mut text = format!("{} ({number})\n", person.sheet.display_name());
            for line in &lines {
                let until = line.until.filter(|until| *until < Timestamp::MAX).map(|until| format!(", until {until}"));
                let asleep = if line.asleep { ", asleep" } else { "" };
                let _ = writeln!(text, "{}{}{asleep}\n    {}", line.grant, until.unwrap_or_default(), why(line));
            }
            for account in &view.accounts {
                let _ = writeln!(text, "account {} in {}: {}", account.login, account.system, account.status);
            }
            text
        }
    };
    terminal::print(&text)?;
    Ok(if lines.is_empty() && arguments.grant.is_some() { ExitCode::from(ABOVE) } else { ExitCode::SUCCESS })
}

/// A day's end in the zone of the house, or an instant.
fn instant(text: &str, zone: &str) -> Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let at = ::identity::engagement::end_of_day(text, zone);
    at.with_context(|| {
        format!("`{text}` is neither a day such as 2026-11-30 nor an instant such as 2026-11-30T08:00:00Z")
    })
}

/// What a spreadsheet would run as a formula begins with an apostrophe.
fn shown_as_is(value: &str) -> Cow<'_, str> {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}").into() } else { value.into() }
}

async fn access(arguments: &Access, identity: &Identity) -> Result<ExitCode> {
    let now = identity.now();
    let zone = identity.policy().await?.settings.time_zone.clone();
    let when = |text: Option<&String>| text.map_or(Ok(now), |text| instant(text, &zone));
    let (on, known) = (when(arguments.on.as_ref())?, when(arguments.known.as_ref())?);
    ensure!(known <= now, "what will be known on {known} is not known yet");
    let people = match &arguments.person {
        Some(text) => vec![person(identity, text).await?],
        None => identity.search_people("", MOST).await?,
    };
    let hidden: BTreeSet<_> = if arguments.restricted { BTreeSet::new() } else { identity.restricted_people().await? };
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(PAST_COLUMNS)?;
    let question = PastQuestion { on, known, system: arguments.system.clone(), entitlement: None };
    let (mut lines, mut left_out) = (String::new(), 0);
    for person in people {
        if hidden.contains(&person.id) {
            left_out += 1;
            continue;
        }
        for row in identity.past_rows(person.id, &question).await? {
            match arguments.format {
                List::Csv => out.write_record(row.iter().map(|value| shown_as_is(value).into_owned()))?,
                List::Json => {
                    let object: serde_json::Map<String, Json> =
                        PAST_COLUMNS.iter().zip(row).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                    let _ = writeln!(lines, "{}", Json::Object(object));
                }
            }
        }
    }
    if left_out > 0 {
        eprintln!("{left_out} people whose record is seen by few are left out; --restricted has them, too");
    }
    match arguments.format {
        List::Csv => terminal::print(&String::from_utf8(out.into_inner().context("writing CSV")?)?)?,
        List::Json => terminal::print(&lines)?,
    }
    Ok(ExitCode::SUCCESS)
}
