//! A rule seen from other sides: as KQL, on the events of the lake, in the ATT&CK matrix.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use detect::RuleKind;
use kernel::port::TimeRange;
use serde::{Deserialize, Serialize};
use sigma::kql_text::{self, NotInKql, Tables};
use sigma::{Mappings, near};
use utoipa::{IntoParams, ToSchema};

use crate::action::Action;
use crate::api::alerts::MatchReason;
use crate::api::words::Instant;
use crate::app::App;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;

/// How far back events are looked at when no time is given.
const LOOKED_AT_US: i64 = 24 * 3_600_000_000;

/// A rule as KQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleKql {
    /// Absent when the rule cannot be said in KQL.
    pub text: Option<String>,
    /// Why not.
    pub refused: Option<String>,
    /// Ways by which events reach the rule that the text does not cover.
    pub left_out: Vec<LeftOutGate>,
}

/// A gate that the text does not cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOutGate {
    pub gate: String,
    pub reason: String,
}

/// Which events.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhyFilter {
    /// From this event time on; 24 hours before `to` when absent.
    pub from: Option<Instant>,
    /// Before this event time; now when absent.
    pub to: Option<Instant>,
}

/// What happened to a rule on the events of a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FiringReport {
    pub from: Instant,
    pub to: Instant,
    /// Events looked at, whatever their log source.
    pub events: u64,
    /// All events of the time were looked at; else as many as a look may take.
    pub complete: bool,
    pub fired: u64,
    /// The ways by which events reach the rule.
    pub gates: Vec<FiringGate>,
    /// Why the rule cannot fire on any event; absent when it can.
    pub unreachable: Option<String>,
    /// The earliest event on which it fired.
    pub first: Option<FiredEvent>,
    /// Of the events that passed a gate and did not fire the rule, the nearest; of equals the latest.
    pub nearest: Option<NearEvent>,
}

/// A gate of the rule's log source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FiringGate {
    pub name: String,
    /// Events that passed it.
    pub passed: u64,
    /// Whether the condition can hold with the fields that such events carry.
    pub can_hold: bool,
    /// What it asks of an event.
    pub tests: Vec<GateTest>,
    pub fields: Vec<FieldFill>,
}

/// One line of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateTest {
    pub field: String,
    /// In words.
    pub asked: String,
    /// Events for which it held.
    pub held: u64,
    /// A value for which it did not hold.
    pub other: Option<String>,
}

/// Whether events fill a field of the rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldFill {
    /// As the rule calls it.
    pub field: String,
    /// As the source calls it; absent: such events never carry it.
    pub source_field: Option<String>,
    /// Events behind the gate that have a value in it.
    pub filled: u64,
}

/// An event on which the rule fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FiredEvent {
    pub time: Instant,
    /// `_ItemId`.
    pub item_id: String,
    pub reasons: Vec<MatchReason>,
}

/// The event that came nearest to firing the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NearEvent {
    pub time: Instant,
    /// `_ItemId`.
    pub item_id: String,
    pub gate: String,
    /// The least number of tests that would have to come out otherwise; absent: no number of them would do.
    pub distance: Option<u32>,
    pub parts: Vec<ConditionPart>,
    /// The tests that stood in the way.
    pub changes: Vec<TestOutcome>,
}

/// One part of a condition on one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConditionPart {
    /// The names of its detections, combined.
    pub condition: String,
    pub held: bool,
    pub tests: Vec<TestOutcome>,
    /// Tests that are left out.
    pub further: u64,
}

/// How one test came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestOutcome {
    pub detection: String,
    /// Absent: a keyword, looked for everywhere.
    pub field: Option<String>,
    /// As the source calls it; absent: such events never carry it.
    pub source_field: Option<String>,
    /// In words.
    pub asked: String,
    /// What the event has.
    pub values: Vec<String>,
    pub held: bool,
}

/// How well rules see techniques of ATT&CK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// By id; sub-techniques follow their technique.
    pub techniques: Vec<TechniqueCoverage>,
    /// Kinds of events that were seen, by which log sources are told to be connected.
    pub event_kinds: u64,
}

/// A technique, or a sub-technique by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TechniqueCoverage {
    /// `T1059` or `T1059.001`.
    pub technique: String,
    /// The tactics that the rules of it name.
    pub tactics: Vec<String>,
    /// The best that a rule of it can do: `not-in-force`, `no-events`, `no-fields`, `loaded`, `some-fields`, `ready`,
    /// `fired`.
    pub standing: String,
    pub rules: u64,
    /// Rules by their standing.
    pub by_standing: BTreeMap<String, u64>,
    pub alerts: u64,
    /// The rules that see best, by title.
    pub best: Vec<String>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_rule_kql, Action::ReadRules, rule_kql);
    routes.add(__path_rule_why, Action::Query, rule_why);
    routes.add(__path_coverage, Action::ReadRules, coverage);
    routes.add(__path_coverage_layer, Action::ReadRules, coverage_layer);
}

/// A rule as KQL that can be opened, run and edited. Its exceptions are part of it.
#[utoipa::path(get, path = "/api/v1/rules/{id}/kql", tag = "rules", params(("id" = String, Path)), responses((status = 200, body = RuleKql)))]
async fn rule_kql(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<RuleKql>, Problem> {
    let stored = app.detect.rule(&id).await?;
    if stored.kind == RuleKind::Kql {
        return Ok(Json(RuleKql { text: Some(stored.text), refused: None, left_out: Vec::new() }));
    }
    let Some(rule) = app.detect.in_force().rule(&id) else {
        let why = if stored.is_correlation() { "it correlates other rules" } else { "it is not in force" };
        return Ok(Json(RuleKql { text: None, refused: Some(why.to_owned()), left_out: Vec::new() }));
    };
    let gates = |left: Vec<kql_text::LeftOut>| {
        left.into_iter().map(|one| LeftOutGate { gate: one.gate, reason: one.reason }).collect()
    };
    Ok(Json(match kql_text::kql_text(&rule, &Mappings::shipped(), &Tables::shipped()) {
        Ok(kql) => RuleKql { text: Some(kql.text), refused: None, left_out: gates(kql.left_out) },
        Err(NotInKql::NeverFires(reason)) => RuleKql { text: None, refused: Some(reason), left_out: Vec::new() },
        Err(NotInKql::CannotSay(left)) => RuleKql {
            text: None,
            refused: Some("its log source has no table in which KQL could ask for it".to_owned()),
            left_out: gates(left),
        },
    }))
}

/// Why a rule fired, or did not fire, on the events of a time.
#[utoipa::path(get, path = "/api/v1/rules/{id}/why", tag = "rules", params(("id" = String, Path), WhyFilter), responses((status = 200, body = FiringReport)))]
async fn rule_why(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Filter(filter): Filter<WhyFilter>,
) -> Result<Json<FiringReport>, Problem> {
    let stored = app.detect.rule(&id).await?;
    let Some(rule) = app.detect.in_force().rule(&id) else {
        let detail = match (stored.kind, stored.is_correlation()) {
            (RuleKind::Kql, _) => "a scheduled rule is its query: run it to see what it finds",
            (RuleKind::Sigma, true) => "a correlation looks at other rules: ask why those did not fire",
            (RuleKind::Sigma, false) => "the rule is not in force",
        };
        return Err(Problem::invalid(detail));
    };
    let to = filter.to.map_or_else(|| app.clock.now(), |to| to.0);
    let from = filter.from.map_or_else(|| to.plus_micros(-LOOKED_AT_US), |from| from.0);
    if from >= to {
        return Err(Problem::invalid("the time ends before it begins").with("field", "to"));
    }
    let Ok(_place) = app.looks.try_acquire() else {
        return Err(Problem::too_many("another look at history is under way; they are taken one at a time", 10));
    };
    let looked = app.history.why(rule, TimeRange { from, to }).await;
    let looked = looked.map_err(|error| {
        tracing::error!(rule = id, error, "history could not be read");
        Problem::unavailable("the events could not be read; the log of the server says why", 30)
    })?;
    Ok(Json(report(looked.report, looked.complete, TimeRange { from, to })))
}

/// How well the rules in force see each technique of ATT&CK.
#[utoipa::path(get, path = "/api/v1/coverage", tag = "rules", responses((status = 200, body = Coverage)))]
async fn coverage(State(app): State<Arc<App>>) -> Result<Json<Coverage>, Problem> {
    let covered = app.detect.coverage().await?;
    let techniques = covered.techniques.into_iter().map(|one| TechniqueCoverage {
        tactics: one.tactics,
        standing: one.standing.as_str().to_owned(),
        by_standing: one.by_standing.into_iter().map(|(word, rules)| (word.as_str().to_owned(), rules)).collect(),
        technique: one.technique,
        rules: one.rules,
        alerts: one.alerts,
        best: one.best,
    });
    Ok(Json(Coverage { techniques: techniques.collect(), event_kinds: covered.event_kinds }))
}

/// The same as a layer of the ATT&CK Navigator, format 4.5.
#[utoipa::path(get, path = "/api/v1/coverage/layer", tag = "rules", responses((status = 200, body = serde_json::Value)))]
async fn coverage_layer(State(app): State<Arc<App>>) -> Result<Json<serde_json::Value>, Problem> {
    let covered = app.detect.coverage().await?;
    let description = "Rules in force, the events that arrive, and all alerts.";
    Ok(Json(detect::coverage::navigator_layer("Vigie", description, &covered.techniques)))
}

fn report(report: near::FiringReport, complete: bool, range: TimeRange) -> FiringReport {
    FiringReport {
        from: range.from.into(),
        to: range.to.into(),
        events: report.events,
        complete,
        fired: report.fired,
        gates: report.gates.into_iter().map(gate).collect(),
        unreachable: report.unreachable,
        first: report.first.map(fired),
        nearest: report.nearest.map(nearest),
    }
}

fn gate(gate: near::GateReport) -> FiringGate {
    let test =
        |test: near::GateTest| GateTest { field: test.field, asked: test.asked, held: test.held, other: test.other };
    let fill = |fill: near::FieldFill| FieldFill { field: fill.field, source_field: fill.column, filled: fill.filled };
    FiringGate {
        name: gate.gate,
        passed: gate.passed,
        can_hold: gate.can_hold,
        tests: gate.tests.into_iter().map(test).collect(),
        fields: gate.fields.into_iter().map(fill).collect(),
    }
}

fn fired(event: near::FiredEvent) -> FiredEvent {
    let reason =
        |reason: sigma::Reason| MatchReason { field: reason.field, predicate: reason.predicate, value: reason.value };
    FiredEvent {
        time: event.time.into(),
        item_id: event.item,
        reasons: event.reasons.into_iter().map(reason).collect(),
    }
}

fn nearest(event: near::NearEvent) -> NearEvent {
    let part = |part: near::Part| ConditionPart {
        condition: part.condition,
        held: part.held,
        tests: part.tests.into_iter().map(outcome).collect(),
        further: part.further as u64,
    };
    NearEvent {
        time: event.time.into(),
        item_id: event.item,
        gate: event.gate,
        distance: event.distance,
        parts: event.parts.into_iter().map(part).collect(),
        changes: event.changes.into_iter().map(outcome).collect(),
    }
}

fn outcome(outcome: near::Outcome) -> TestOutcome {
    TestOutcome {
        detection: outcome.detection,
        field: outcome.field,
        source_field: outcome.column,
        asked: outcome.asked,
        values: outcome.values,
        held: outcome.held,
    }
}
