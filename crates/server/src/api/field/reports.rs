//! Incidents as the radio room keeps them, and who can help.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::body::{Body, Filter, Upload};
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use field::report;
use field::road::{Found, Need, Season};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parse_id;
use super::register::{ImportedRecords, imported_word};
use crate::api::users::clean_reason;
use crate::api::words::Instant;

/// An incident that was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldReport {
    pub id: String,
    /// `IR-0042`, with `EXERCISE` before it when nothing of it is real.
    pub label: String,
    pub who: String,
    pub place: Option<String>,
    pub what: String,
    pub severity: String,
    pub happened: Instant,
    pub opened: Instant,
    pub exercise: bool,
    /// Keys of the people who are involved.
    pub people: Vec<String>,
    pub vehicles: Vec<String>,
    /// Each is told.
    pub organisations: Vec<String>,
    pub mission: Option<String>,
    /// The alarm that says who was told and answered.
    pub alarm: Option<String>,
    /// The case that was opened for it.
    pub incident: Option<String>,
    pub incident_label: Option<String>,
    /// Situation reports so far.
    pub situation_reports: i64,
    pub closed: Option<Instant>,
    pub outcome: Option<String>,
}

/// Reports, open ones first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldReports {
    pub reports: Vec<FieldReport>,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldReportLine {
    pub line: i64,
    /// `flash`, `situation`, `action`, `link` or `closed`.
    pub kind: String,
    /// Of a situation report.
    pub number: Option<i64>,
    pub text: String,
    pub author_name: String,
    pub at: Instant,
}

/// A case of any desk that belongs with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldReportLink {
    pub incident: String,
    pub label: String,
    pub linked: Instant,
}

/// A report with everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldReportDetail {
    pub report: FieldReport,
    pub lines: Vec<FieldReportLine>,
    pub links: Vec<FieldReportLink>,
}

/// What is added to a report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum FieldReportCommand {
    /// The next numbered situation report; with `send` it goes to the focal points of the organisations concerned.
    Situation {
        text: String,
        #[serde(default)]
        send: bool,
    },
    /// Something that was said or done.
    Action {
        text: String,
    },
    /// Another incident, of whichever desk, belongs with it.
    Link {
        incident: String,
    },
    Close {
        outcome: String,
    },
}

/// What is looked for.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FacilityNeed {
    pub latitude: f64,
    pub longitude: f64,
    /// `hospital`, `police`, …; absent: any.
    pub kind: Option<String>,
    /// Words that its capability must have, apart by commas or blanks: `trauma, blood`.
    pub capability: Option<String>,
    /// `dry` (when absent) or `wet`.
    pub season: Option<String>,
}

/// A facility, as far away as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FoundFacility {
    /// Key.
    pub facility: String,
    pub name: String,
    pub kind: String,
    pub capability: String,
    pub phone: String,
    /// Minutes to drive.
    pub minutes: f64,
    pub kilometres: f64,
    /// No road graph led there: a guess by distance, to be shown as one.
    pub crow_flies: bool,
    pub hours: String,
    pub verified: Option<Instant>,
    /// A detour, a doubtful date.
    pub notes: Vec<String>,
    /// Why it is of no use now.
    pub excluded: Option<String>,
}

/// Facilities in the order in which to call them; the excluded ones last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FoundFacilities {
    pub now: Instant,
    pub facilities: Vec<FoundFacility>,
}

/// Roads as GeoJSON.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRoads {
    /// A FeatureCollection of `LineString` features with `key`, `name`, `surface`, `speed_kmh`, `wet_speed_kmh`, `one_way`,
    /// `closed`.
    pub geojson: String,
    /// Says what would happen and writes nothing.
    #[serde(default)]
    pub trial: bool,
    pub reason: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_field_reports, Action::ReadField, list_field_reports);
    routes.add(__path_get_field_report, Action::ReadField, get_field_report);
    routes.add(__path_command_field_report, Action::OperateField, command_field_report);
    routes.add(__path_find_facilities, Action::ReadField, find_facilities);
    routes.add(__path_import_roads, Action::ManageField, import_roads);
}

/// Reported incidents, open ones first.
#[utoipa::path(get, path = "/api/v1/field/reports", tag = "field", responses((status = 200, body = FieldReports)))]
async fn list_field_reports(State(app): State<Arc<App>>) -> Result<Json<FieldReports>, Problem> {
    let reports = app.field.reports().await?;
    Ok(Json(FieldReports { reports: reports.into_iter().map(report_word).collect() }))
}

/// A reported incident with everything that was said and done.
#[utoipa::path(get, path = "/api/v1/field/reports/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = FieldReportDetail)))]
async fn get_field_report(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<FieldReportDetail>, Problem> {
    let whole = app.field.report(parse_id("report", &id)?).await?;
    let names = Names::load(&app.store).await?;
    let line = |one: report::ReportLine| FieldReportLine {
        line: one.line,
        kind: one.kind,
        number: one.number,
        text: told(&one.text),
        author_name: names.actor(&one.author),
        at: one.at.into(),
    };
    let link = |one: report::ReportLink| FieldReportLink {
        incident: one.incident.to_string(),
        label: one.label,
        linked: one.linked.into(),
    };
    Ok(Json(FieldReportDetail {
        report: report_word(whole.report),
        lines: whole.lines.into_iter().map(line).collect(),
        links: whole.links.into_iter().map(link).collect(),
    }))
}

/// Adds a situation report or an action, links another incident, closes.
#[utoipa::path(post, path = "/api/v1/field/reports/{id}/commands", tag = "field", params(("id" = String, Path)), request_body = FieldReportCommand, responses((status = 200, body = FieldReport)))]
async fn command_field_report(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<FieldReportCommand>,
) -> Result<Json<FieldReport>, Problem> {
    let command = match request {
        FieldReportCommand::Situation { text, send } => report::ReportCommand::Situation { text, send },
        FieldReportCommand::Action { text } => report::ReportCommand::Action { text },
        FieldReportCommand::Link { incident } => {
            let found = app.respond.incident(parse_id("incident", &incident)?).await?;
            report::ReportCommand::Link { incident: found.id, label: format!("{}: {}", found.label(), found.title) }
        }
        FieldReportCommand::Close { outcome } => report::ReportCommand::Close { outcome },
    };
    let order = report::ReportOrder { report: parse_id("report", &id)?, actor: caller.actor(), command };
    Ok(Json(report_word(app.field.command_report(&order).await?)))
}

/// Who can help soonest, by road where roads are known.
#[utoipa::path(get, path = "/api/v1/field/facilities/nearest", tag = "field", params(FacilityNeed), responses((status = 200, body = FoundFacilities)))]
async fn find_facilities(
    State(app): State<Arc<App>>,
    Filter(need): Filter<FacilityNeed>,
) -> Result<Json<FoundFacilities>, Problem> {
    let season = need.season.as_deref().unwrap_or("dry").parse::<Season>();
    let words = need.capability.as_deref().unwrap_or_default().split([',', ' ', ';']);
    let need = Need {
        latitude: need.latitude,
        longitude: need.longitude,
        kind: need.kind,
        capability: words.map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect(),
        season: season.map_err(|problem| Problem::invalid(problem).with("field", "season"))?,
    };
    let found = app.field.nearest_facilities(&need).await?;
    let facilities = found.into_iter().map(facility_word).collect();
    Ok(Json(FoundFacilities { now: app.field.now().into(), facilities }))
}

/// Imports roads from GeoJSON, all or nothing. As CSV they are imported like any noun of the register.
#[utoipa::path(post, path = "/api/v1/field/roads/import", tag = "field", request_body = ImportRoads, responses((status = 200, body = ImportedRecords)))]
async fn import_roads(
    State(app): State<Arc<App>>,
    caller: Caller,
    Upload(request): Upload<ImportRoads>,
) -> Result<Json<ImportedRecords>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let done = app.field.import_roads(&request.geojson, request.trial, &caller.actor(), &reason).await?;
    Ok(Json(imported_word(done, &request.geojson)))
}

fn report_word(one: report::Report) -> FieldReport {
    FieldReport {
        id: one.id.to_string(),
        label: one.label(),
        who: one.who,
        place: one.place,
        what: one.what,
        severity: one.severity,
        happened: one.happened.into(),
        opened: one.opened.into(),
        exercise: one.exercise,
        people: one.people,
        vehicles: one.vehicles,
        organisations: one.organisations,
        mission: one.mission.map(|mission| mission.to_string()),
        alarm: one.alarm.map(|alarm| alarm.to_string()),
        incident: one.incident.map(|incident| incident.to_string()),
        incident_label: one.incident_label,
        situation_reports: one.situations,
        closed: one.closed.map(Into::into),
        outcome: one.outcome,
    }
}

fn facility_word(one: Found) -> FoundFacility {
    FoundFacility {
        facility: one.facility,
        name: one.name,
        kind: one.kind,
        capability: one.capability,
        phone: one.phone,
        minutes: one.minutes,
        kilometres: one.kilometres,
        crow_flies: one.crow_flies,
        hours: one.hours,
        verified: one.verified.map(Into::into),
        notes: one.notes.iter().map(told).collect(),
        excluded: one.excluded.as_ref().map(told),
    }
}
