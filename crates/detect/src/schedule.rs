//! Runs scheduled rules when they are due.

use std::sync::Arc;

use kernel::port::{Answer, EventLake, QueryError, QueryRequest, TableGrant, TimeRange};
use kernel::{Entity, Timestamp, Value};
use sha2::{Digest, Sha256};
use store::{Housekeeping, Row, params};

use crate::alert::{AlertEvent, Hit, KEPT_RAW_BYTES, MatchReason, cut};
use crate::error::Error;
use crate::rule::RuleKind;
use crate::scheduled::ScheduledRule;
use crate::{Detect, sql};

/// Rows of one answer that become hits; a rule that returns more is too wide to be one.
const MOST_ROWS: u64 = 10_000;

/// How the last run of a rule went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRun {
    pub at: Timestamp,
    pub rows: u64,
    pub elapsed_us: u64,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl RuleRun {
    pub(crate) fn of(row: &Row) -> Result<RuleRun, store::Error> {
        Ok(RuleRun {
            at: row.time("ran_us")?,
            rows: row.count("result_rows")?,
            elapsed_us: row.count("elapsed_us")?,
            error: row.text_opt("error")?.map(str::to_owned),
        })
    }
}

/// What one look at the schedule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScheduleRound {
    pub ran: u32,
    pub failed: u32,
    pub raised: u32,
    /// When the next rule is due; `None`: there is none.
    pub next: Option<Timestamp>,
}

/// A rule whose time has come.
struct Due {
    id: String,
    digest: String,
    rule: ScheduledRule,
    covered: Option<Timestamp>,
}

impl Detect {
    /// Runs every rule that is due at `now`, one after the other. A run whose query fails is tried again at its next
    /// time, over the window that it missed as well. `tables` are those that rules may read; `None`: all.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; what ran before is kept.
    pub async fn run_due(
        &self,
        now: Timestamp,
        lake: &dyn EventLake,
        tables: Option<Arc<[TableGrant]>>,
    ) -> Result<ScheduleRound, Error> {
        let mut round = ScheduleRound::default();
        for row in self.store.fetch_all(&sql::DUE_RULES, params![now]).await? {
            let due = Due {
                id: row.text("id")?.to_owned(),
                digest: row.text("digest")?.to_owned(),
                rule: row.json("schedule")?,
                covered: row.time_opt("covered_us")?,
            };
            match self.run_one(&due, now, lake, tables.clone()).await? {
                Ok(raised) => round.raised += raised,
                Err(()) => round.failed += 1,
            }
            round.ran += 1;
        }
        let next = self.store.fetch_optional(&sql::NEXT_DUE, params![]).await?;
        round.next = next.map(|row| row.time_opt("next_us")).transpose()?.flatten();
        Ok(round)
    }

    async fn run_one(
        &self,
        due: &Due,
        now: Timestamp,
        lake: &dyn EventLake,
        tables: Option<Arc<[TableGrant]>>,
    ) -> Result<Result<u32, ()>, Error> {
        let run = due.rule.run_at(now, due.covered);
        let mut request = QueryRequest::new(due.rule.query.as_str(), now);
        request.range = Some(TimeRange { from: run.from, to: run.to });
        request.limits.rows = MOST_ROWS;
        request.tables = tables;
        let outcome = lake.query(request).await.and_then(one_table);
        let (rows, elapsed_us, error) = match &outcome {
            Ok(answer) => (answer.rows.len() as u64, answer.elapsed_us, None),
            Err(error) => (0, 0, Some(error.to_string())),
        };
        let mut raised = 0;
        if let Ok(answer) = &outcome
            && due.rule.operator.fires(rows, due.rule.threshold)
        {
            let batch = format!("rule/{}/{}", due.id, run.to.micros());
            raised = self.record(&batch, hits(due, answer, run.to)).await?.raised.len();
        }
        // Only after the alerts are stored is the window covered; until then a crash runs it again.
        let covered = if error.is_none() { Some(run.to) } else { due.covered };
        let mut tx = self.store.housekeeping(Housekeeping::RuleSchedule).await?;
        tx.execute(&sql::SAVE_RUN, params![&due.id, run.next, covered, now, rows, elapsed_us, error.as_deref()])
            .await?;
        tx.commit().await?;
        if let Some(error) = error {
            tracing::warn!(rule = due.id, error, "a scheduled rule could not be run");
            return Ok(Err(()));
        }
        Ok(Ok(u32::try_from(raised).unwrap_or(u32::MAX)))
    }
}

/// Which of several tables holds the hits is not for us to guess.
fn one_table(answer: Answer) -> Result<Answer, QueryError> {
    if answer.further.is_empty() {
        return Ok(answer);
    }
    let message = "the query of a rule gives one table; make a rule for each branch of `fork` or `facet`".to_owned();
    let first = kernel::Diagnostic::error("KQL0030", kernel::Span::new(0, 0), message);
    Err(QueryError::Invalid(vec![first]))
}

/// Each row is a hit; an answer without rows that fires (fewer than so many) is one without an event.
fn hits(due: &Due, answer: &Answer, at: Timestamp) -> Vec<Hit> {
    if answer.rows.is_empty() {
        let reason = MatchReason { field: "rows".into(), predicate: "the query returned none".into(), value: None };
        return vec![hit(due, Vec::new(), at, "{}".to_owned(), reason)];
    }
    let column = |name: &str| answer.columns.iter().position(|column| column.name == name);
    let time = column("TimeGenerated");
    let rows = answer.rows.iter().map(|row| {
        let mapped = due.rule.entities.iter().filter_map(|mapping| {
            let text = cell_text(row.get(column(&mapping.column)?)?);
            (!text.is_empty()).then(|| Entity::new(mapping.kind, &text))
        });
        let entities = mapped.collect();
        let at = match time.and_then(|time| row.get(time)) {
            Some(Value::DateTime(ticks)) => Timestamp::from_ticks(*ticks),
            _ => at,
        };
        let object: serde_json::Map<String, serde_json::Value> =
            answer.columns.iter().zip(row).map(|(column, value)| (column.name.clone(), value.to_json())).collect();
        let reason = MatchReason {
            field: "rows".into(),
            predicate: format!("the query returned {}, the threshold is {}", answer.rows.len(), due.rule.threshold),
            value: None,
        };
        hit(due, entities, at, serde_json::Value::Object(object).to_string(), reason)
    });
    rows.collect()
}

fn hit(due: &Due, entities: Vec<Entity>, at: Timestamp, row: String, reason: MatchReason) -> Hit {
    let item_id = format!("row-{}", &hex::encode(Sha256::digest(&row))[..32]);
    Hit {
        rule_id: due.id.clone(),
        rule_kind: RuleKind::Kql,
        rule_digest: due.digest.clone(),
        rule_revision: None,
        title: due.rule.title.clone(),
        severity: due.rule.severity,
        techniques: due.rule.techniques.clone(),
        entities,
        event: AlertEvent { item_id, time: at, raw: cut(&row, KEPT_RAW_BYTES).to_owned(), reasons: vec![reason] },
        further: 0,
        until: at,
        quiet_us: due.rule.quiet_us(),
    }
}

fn cell_text(value: &Value) -> String {
    match value.to_json() {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}
