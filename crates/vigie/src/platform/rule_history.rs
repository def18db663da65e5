//! A rule on events of the lake, for the console: why did it not fire?

use std::sync::Arc;

use anyhow::{Result, bail};
use async_trait::async_trait;
use indicatif::ProgressBar;
use intake::EventBatch;
use kernel::port::TimeRange;
use lake::Lake;
use server::{Looked, RuleHistory};
use sigma::near::FiringReport;
use sigma::{Engine, Mappings, Rule};
use store::Store;
use tokio::runtime::Handle;

use crate::commands::find::alert::Place;
use crate::history::{self, Hunting, Look};

/// Events that one look takes at most.
const MOST_EVENTS: u64 = 2_000_000;

/// Over the lake of the running server.
pub struct LakeHistory {
    pub lake: Lake,
    pub store: Store,
}

/// What a worker found in one piece.
#[derive(Default)]
struct Part {
    report: Option<FiringReport>,
    problem: Option<String>,
}

#[async_trait]
impl RuleHistory for LakeHistory {
    async fn why(&self, rule: Arc<Rule>, range: TimeRange) -> Result<Looked, String> {
        let (histories, log_sources) = (self.histories(range).await, history::log_sources(&self.store, None).await);
        let hunting = Hunting {
            lake: self.lake.clone(),
            handle: Handle::current(),
            histories: histories.map_err(|error| format!("{error:#}"))?,
            from: range.from,
            log_sources: log_sources.map_err(|error| format!("{error:#}"))?,
            bar: ProgressBar::hidden(),
        };
        let looked = tokio::task::spawn_blocking(move || look(hunting, rule)).await;
        looked.map_err(|error| error.to_string())?.map_err(|error| format!("{error:#}"))
    }
}

impl LakeHistory {
    async fn histories(&self, range: TimeRange) -> Result<Vec<lake::History>> {
        history::histories(&self.lake, &[], Some(range.from), Some(range.to), 0).await
    }
}

fn look(hunting: Hunting, rule: Arc<Rule>) -> Result<Looked> {
    let engine = Engine::compile(vec![rule], &Mappings::shipped());
    let empty = arrow_array::RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty()));
    let mut whole = engine.why(0, &empty, &|_| kernel::Timestamp(0), &|_| String::new())?;
    let mut complete = true;
    let outcome = hunting.all(&Asking(&engine), |part| {
        if let Some(problem) = part.problem {
            bail!(problem);
        }
        if let Some(report) = part.report {
            whole.merge(report);
        }
        complete = whole.events < MOST_EVENTS;
        // What is not looked at is said; going on would hold a core for as long as the lake is large.
        if complete { Ok(()) } else { bail!("enough") }
    });
    match outcome {
        Ok(summary) => Ok(Looked { report: whole, complete: summary.failed.is_empty() }),
        Err(_) if !complete => Ok(Looked { report: whole, complete }),
        Err(error) => Err(error),
    }
}

/// Asks the one rule of the engine about every event.
struct Asking<'a>(&'a Engine);

impl Look for Asking<'_> {
    type Part = Part;

    fn look(&self, _: &Place, events: &EventBatch, part: &mut Part) {
        let time = |row: usize| kernel::Timestamp(events.times.value(row));
        let item = |row: usize| events.item_ids.value(row).to_owned();
        match (self.0.why(0, &events.columns, &time, &item), &mut part.report) {
            (Ok(more), Some(report)) => report.merge(more),
            (Ok(more), none) => *none = Some(more),
            (Err(error), _) => part.problem = Some(error.to_string()),
        }
    }
}
