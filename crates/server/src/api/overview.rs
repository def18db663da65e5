//! The overview: what is going on now, each number with the KQL behind it.

use std::sync::Arc;

use crate::action::Action;
use crate::api::alerts::{self, AlertFilter};
use crate::api::{incidents, live};
use crate::app::App;
use crate::auth::users::Names;
use crate::body::Filter;
use crate::detection;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use kernel::port::{QueryLimits, QueryRequest};
use kernel::{Timestamp, Value};
use respond::OpenCount;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::alerts::Alert;
use crate::api::incidents::Incident;
use crate::api::live::Pulse;
use crate::api::words::{EntityWord, Instant, SeverityWord};

/// What is going on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    pub now: Instant,
    /// The window of everything below.
    pub from: Instant,
    pub pulse: Pulse,
    /// Records received in each step of the window, oldest first; absent while the lake cannot answer.
    pub events: Option<Series>,
    /// Alerts raised in each step of the window.
    pub alerts: Series,
    pub alerts_by_severity: Vec<SeverityCount>,
    pub open_incidents_by_severity: Vec<SeverityCount>,
    pub open_incidents: Measure,
    /// Open incidents that nobody owns.
    pub unassigned_incidents: Measure,
    pub top_rules: Vec<RuleCount>,
    pub top_entities: Vec<EntityCount>,
    pub techniques: Vec<TechniqueCount>,
    /// The most pressing open incidents.
    pub incidents: Vec<Incident>,
    /// The newest alerts.
    pub recent_alerts: Vec<Alert>,
}

/// How far back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OverviewWindow {
    /// 1 to 720; 24 when absent.
    pub hours: Option<u32>,
}

/// A number that can be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measure {
    pub value: u64,
    /// The KQL that makes it.
    pub query: String,
}

/// A number over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    pub step_s: u64,
    pub points: Vec<Point>,
    /// The KQL that makes it.
    pub query: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// The step's start.
    pub at: Instant,
    pub value: u64,
}

/// How many of one severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeverityCount {
    pub severity: SeverityWord,
    pub count: u64,
    pub query: String,
}

/// How many alerts of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleCount {
    pub rule_id: String,
    pub title: String,
    pub count: u64,
    pub query: String,
}

/// How many alerts name one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EntityCount {
    pub entity: EntityWord,
    pub count: u64,
    pub query: String,
}

/// How many alerts of one ATT&CK technique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TechniqueCount {
    pub technique: String,
    pub count: u64,
    pub query: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_overview, Action::ReadOverview, get_overview);
}

/// What is going on.
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", params(OverviewWindow), responses((status = 200, body = Overview)))]
async fn get_overview(
    State(app): State<Arc<App>>,
    Filter(window): Filter<OverviewWindow>,
) -> Result<Json<Overview>, Problem> {
    let hours = window.hours.unwrap_or(24);
    if !(1..=720).contains(&hours) {
        return Err(Problem::invalid("the window has 1 to 720 hours").with("field", "hours"));
    }
    let window = Window::ending(app.store.now(), hours);
    let names = Names::load(&app.store).await?;
    let open = respond::Filter { open: Some(true), ..respond::Filter::default() };
    let mut incidents = Vec::new();
    for incident in &app.respond.list(&open, None, MOST).await?.incidents {
        incidents.push(incidents::summary(&app, incident, &names).await?);
    }
    let newest = AlertFilter { limit: Some(MOST), ..AlertFilter::default() };
    let mut recent_alerts = detection::alerts(&app.detect, &newest).await?.alerts;
    alerts::fill_incidents(&app, &mut recent_alerts).await?;
    let counts = AlertCounts::of(&app, &window).await?;
    let by_severity = app.respond.open_counts().await?;
    Ok(Json(Overview {
        now: window.to.into(),
        from: window.from.into(),
        pulse: live::pulse(&app).await?,
        events: events(&app, &window, hours).await,
        incidents,
        recent_alerts,
        ..counted(&window, counts, &by_severity)
    }))
}

/// Steps of a window.
const STEPS: u32 = 48;
/// Entries of each list.
const MOST: u32 = 10;
/// Techniques shown.
const MOST_TECHNIQUES: usize = 50;
/// The graph of events may take so long; the page does not wait for more.
const EVENTS_MS: u64 = 3_000;
/// The graph of events is drawn anew so often.
const EVENTS_KEPT_US: u64 = 15_000_000;

/// The window of the overview: whole steps up to now.
struct Window {
    from: Timestamp,
    to: Timestamp,
    step_s: u64,
}

impl Window {
    fn ending(to: Timestamp, hours: u32) -> Window {
        let step_s = u64::from(hours) * 3_600 / u64::from(STEPS);
        let back_us = i64::from(hours) * 3_600_000_000;
        Window { from: to.plus_micros(-back_us), to, step_s }
    }

    fn step_start(&self, step: u64) -> Instant {
        let us = i64::try_from(step * self.step_s * 1_000_000).unwrap_or(i64::MAX);
        self.from.plus_micros(us).into()
    }

    fn series(&self, values: impl IntoIterator<Item = u64>, query: String) -> Series {
        let points = (0..).zip(values).map(|(step, value)| Point { at: self.step_start(step), value }).collect();
        Series { step_s: self.step_s, points, query }
    }

    /// The rows of a table in this window, as the beginning of a query.
    fn table(&self, name: &str) -> String {
        format!("{name}\n| where TimeGenerated between (datetime({}) .. datetime({}))", self.from, self.to)
    }
}

/// Alerts of the window, counted in several ways.
struct AlertCounts {
    by_step: Vec<u64>,
    by_severity: Vec<detect::SeverityCount>,
    by_rule: Vec<detect::RuleCount>,
    by_entity: Vec<detect::EntityCount>,
    by_technique: Vec<detect::TechniqueCount>,
}

impl AlertCounts {
    async fn of(app: &App, window: &Window) -> Result<AlertCounts, Problem> {
        let (detect, from) = (&app.detect, window.from);
        // An alert raised at this very instant is in the window, too.
        let to = window.to.plus_micros(1);
        let step_us = i64::try_from(window.step_s * 1_000_000).unwrap_or(i64::MAX);
        let mut by_step = vec![0; STEPS as usize];
        for count in detect.alerts_by_step(from, to, step_us).await? {
            let step = usize::try_from((count.from.micros() - from.micros()) / step_us).unwrap_or(0);
            by_step[step.min(STEPS as usize - 1)] += count.alerts;
        }
        let mut by_technique = detect.techniques(from, to).await?;
        by_technique.truncate(MOST_TECHNIQUES);
        Ok(AlertCounts {
            by_step,
            by_severity: detect.alerts_by_severity(from, to).await?,
            by_rule: detect.top_rules(from, to, MOST).await?,
            by_entity: detect.top_entities(from, to, MOST).await?,
            by_technique,
        })
    }
}

fn text(value: &str) -> String {
    serde_json::Value::String(value.to_owned()).to_string()
}

/// Everything that is counted, each with its query.
fn counted(window: &Window, counts: AlertCounts, open: &[OpenCount]) -> Overview {
    let alerts = window.table("Alerts");
    let bins = format!("{alerts}\n| summarize count() by bin(TimeGenerated, {}s)\n| render timechart", window.step_s);
    let open_query = |more: &str| format!("Incidents\n| where Status != \"closed\"{more}");
    let severity = |row: detect::SeverityCount| SeverityCount {
        severity: row.severity.into(),
        count: row.alerts,
        query: format!("{alerts}\n| where Severity == {}", text(row.severity.as_str())),
    };
    Overview {
        now: window.to.into(),
        from: window.from.into(),
        pulse: live::Pulse::empty(window.to),
        events: None,
        alerts: window.series(counts.by_step, bins),
        alerts_by_severity: counts.by_severity.into_iter().map(severity).collect(),
        open_incidents_by_severity: open
            .iter()
            .map(|row| SeverityCount {
                severity: row.severity.into(),
                count: row.incidents,
                query: open_query(&format!("\n| where Severity == {}", text(row.severity.as_str()))),
            })
            .collect(),
        open_incidents: Measure { value: open.iter().map(|row| row.incidents).sum(), query: open_query("") },
        unassigned_incidents: Measure {
            value: open.iter().map(|row| row.unowned).sum(),
            query: open_query("\n| where isempty(Owner)"),
        },
        top_rules: counts
            .by_rule
            .into_iter()
            .map(|row| RuleCount {
                query: format!("{alerts}\n| where RuleId == {}", text(&row.rule_id)),
                rule_id: row.rule_id,
                title: row.title,
                count: row.alerts,
            })
            .collect(),
        top_entities: counts
            .by_entity
            .into_iter()
            .map(|row| EntityCount {
                query: format!("{alerts}\n| where tostring(Entities) has {}", text(&row.key)),
                entity: EntityWord { kind: row.kind, name: row.key.clone(), key: row.key },
                count: row.alerts,
            })
            .collect(),
        techniques: counts
            .by_technique
            .into_iter()
            .map(|row| TechniqueCount {
                query: format!("{alerts}\n| where tostring(Techniques) has {}", text(&row.technique)),
                technique: row.technique,
                count: row.alerts,
            })
            .collect(),
        incidents: Vec::new(),
        recent_alerts: Vec::new(),
    }
}

/// Records by time of receipt; asked of the lake at most every [`EVENTS_KEPT_US`] for one width of window.
async fn events(app: &App, window: &Window, hours: u32) -> Option<Series> {
    let now_us = app.clock.monotonic_us();
    let fresh = |kept: &&EventsKept| kept.hours == hours && now_us.saturating_sub(kept.at_us) < EVENTS_KEPT_US;
    let kept = app.events_kept.lock().as_ref().filter(fresh).map(|kept| kept.series.clone());
    if let Some(series) = kept {
        return series;
    }
    let series = ask_events(app, window).await;
    *app.events_kept.lock() = Some(EventsKept { hours, at_us: now_us, series: series.clone() });
    series
}

/// The last answer, for everybody who looks at the overview at the same time.
pub struct EventsKept {
    hours: u32,
    at_us: u64,
    series: Option<Series>,
}

/// Over the tables of the lake that hold any source's records.
async fn ask_events(app: &App, window: &Window) -> Option<Series> {
    let tables: Vec<String> = app
        .lake
        .tables()
        .into_iter()
        .filter(|table| table.column("_TimeReceived").is_some())
        .map(|table| format!("({} | project _TimeReceived)", table.name))
        .collect();
    let [first, rest @ ..] = &tables[..] else { return None };
    let union = if rest.is_empty() { first.clone() } else { format!("union {}", tables.join(", ")) };
    let query = format!(
        "{union}\n| where _TimeReceived between (datetime({}) .. datetime({}))\n\
         | summarize count() by bin(_TimeReceived, {}s)",
        window.from, window.to, window.step_s
    );
    let limits = QueryLimits { time_ms: EVENTS_MS, rows: 10_000, ..QueryLimits::default() };
    let request = QueryRequest { limits, ..QueryRequest::new(query.clone(), app.store.now()) };
    let answer = match app.lake.query(request).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(%error, "the overview has no graph of events");
            return None;
        }
    };
    let mut values = vec![0; STEPS as usize];
    for row in &answer.rows {
        let [Value::DateTime(ticks), Value::Long(count)] = row[..] else { continue };
        let offset_us = Timestamp::from_ticks(ticks).micros() - window.from.micros();
        let step =
            usize::try_from(offset_us.max(0) / 1_000_000).unwrap_or(0) / usize::try_from(window.step_s).unwrap_or(1);
        if let Some(value) = values.get_mut(step) {
            *value += u64::try_from(count).unwrap_or(0);
        }
    }
    Some(window.series(values, format!("{query}\n| render timechart")))
}
