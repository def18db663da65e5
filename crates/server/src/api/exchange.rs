//! Files for other people's programs: tracks of the field, alerts of CAP.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use courier::cap;
use courier::track::{Track, TrackPoint, write_geojson, write_gpx, write_kml};
use field::position::PositionFilter;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::words::Instant;

/// Positions of one file at most.
const MOST_POINTS: u32 = 2_000;

/// Whose track, since when, in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrackExport {
    /// gpx, kml or geojson.
    format: String,
    /// `vehicle`, `person` or `device`, with `holder`; without them, everybody.
    holder_kind: Option<String>,
    /// Key.
    holder: Option<String>,
    /// Only fixes from then on.
    from: Option<Instant>,
}

/// Where an alert holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertArea {
    pub description: String,
    /// The middle of a circle and its radius in kilometres; the three go together.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub radius_km: Option<f64>,
    /// A ring of at least three places; it is closed if it is not.
    #[serde(default)]
    pub polygon: Vec<AlertPoint>,
}

/// A place in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertPoint {
    pub latitude: f64,
    pub longitude: f64,
}

/// An alert for others, in the words of CAP 1.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertToWrite {
    /// Unique for us; no blanks.
    pub identifier: String,
    /// Our name in the world, such as a host name.
    pub sender: String,
    /// It is not real: the status is Exercise, and the headline says so.
    pub exercise: bool,
    /// Alert, Update or Cancel; the last two need `references`.
    pub msg_type: String,
    /// Earlier alerts as `sender,identifier,sent`.
    pub references: Option<String>,
    /// `en`, `fr`, `ar`, …
    pub language: String,
    /// Security, Safety, Rescue, Transport, Health, …
    pub category: String,
    pub event: String,
    /// Immediate, Expected, Future, Past, Unknown.
    pub urgency: String,
    /// Extreme, Severe, Moderate, Minor, Unknown.
    pub severity: String,
    /// Observed, Likely, Possible, Unlikely, Unknown.
    pub certainty: String,
    pub expires: Option<Instant>,
    pub headline: String,
    pub description: String,
    pub instruction: Option<String>,
    pub areas: Vec<AlertArea>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_export_tracks, Action::ReadField, export_tracks);
    routes.add(__path_write_alert, Action::OperateField, write_alert);
}

/// Tracks as a file; what is in quarantine is left out.
#[utoipa::path(get, path = "/api/v1/courier/tracks", tag = "courier", params(TrackExport), responses((status = 200, body = String, content_type = "application/octet-stream")))]
async fn export_tracks(State(app): State<Arc<App>>, Filter(wanted): Filter<TrackExport>) -> Result<Response, Problem> {
    let filter = PositionFilter {
        holder: wanted.holder_kind.zip(wanted.holder.map(|key| key.to_uppercase())),
        mission: None,
        from: wanted.from.map(|from| from.0),
    };
    let directory = app.field.directory().await?;
    let mut tracks: BTreeMap<(String, String), Track> = BTreeMap::new();
    for one in app.field.positions(&filter, MOST_POINTS).await? {
        if one.trust == field::position::Trust::Quarantined {
            continue;
        }
        let label = Some(directory.name(&one.holder_kind, &one.holder));
        let track = tracks.entry((one.holder_kind, one.holder)).or_insert_with(|| Track {
            device: one.device,
            label,
            points: Vec::new(),
        });
        let (time, latitude, longitude) = (one.fix.at, one.fix.latitude, one.fix.longitude);
        track.points.push(TrackPoint { time, latitude, longitude, altitude_m: one.altitude_m });
    }
    let mut tracks: Vec<Track> = tracks.into_values().collect();
    tracks.iter_mut().for_each(|track| track.points.sort_by_key(|point| point.time));
    let (kind, text) = match wanted.format.as_str() {
        "gpx" => ("application/gpx+xml", write_gpx(&tracks)),
        "kml" => ("application/vnd.google-earth.kml+xml", write_kml(&tracks)),
        "geojson" => ("application/geo+json", write_geojson(&tracks)),
        other => return Err(Problem::invalid(format!("format: `{other}` is none of gpx, kml, geojson"))),
    };
    let name = format!("attachment; filename=\"tracks.{}\"", wanted.format);
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

/// Writes an alert of CAP 1.2. An exercise has the status Exercise.
#[utoipa::path(post, path = "/api/v1/courier/cap", tag = "courier", request_body = AlertToWrite, responses((status = 200, body = String, content_type = "application/cap+xml")))]
async fn write_alert(State(app): State<Arc<App>>, Body(wanted): Body<AlertToWrite>) -> Result<Response, Problem> {
    let alert = alert(wanted, app.store.now())?;
    let written = cap::write(&alert).map_err(|faults| Problem::invalid(faults.join("; ")))?;
    Ok(([(header::CONTENT_TYPE, "application/cap+xml")], written).into_response())
}

/// A circle, a polygon or both; a place by its name alone says nothing to a machine.
fn area(area: AlertArea) -> Result<cap::Area, Problem> {
    let mut ring: Vec<(f64, f64)> = area.polygon.iter().map(|point| (point.latitude, point.longitude)).collect();
    if ring.first() != ring.last() {
        ring.extend(ring.first().copied());
    }
    let polygons = if ring.is_empty() { Vec::new() } else { vec![ring] };
    let circles = match (area.latitude, area.longitude, area.radius_km) {
        (Some(latitude), Some(longitude), Some(radius_km)) => vec![(latitude, longitude, radius_km)],
        (None, None, None) if !polygons.is_empty() => Vec::new(),
        _ => {
            let problem = "an area is a circle (latitude, longitude, radius_km together), a polygon, or both";
            return Err(Problem::invalid(problem).with("field", "areas"));
        }
    };
    Ok(cap::Area { description: area.description, polygons, circles })
}

fn alert(wanted: AlertToWrite, now: Timestamp) -> Result<cap::Alert, Problem> {
    let headline = if wanted.exercise { format!("EXERCISE: {}", wanted.headline) } else { wanted.headline };
    Ok(cap::Alert {
        identifier: wanted.identifier,
        sender: wanted.sender,
        sent: now,
        status: if wanted.exercise { "Exercise" } else { "Actual" }.to_owned(),
        msg_type: wanted.msg_type,
        scope: "Public".to_owned(),
        source: None,
        restriction: None,
        addresses: None,
        codes: Vec::new(),
        note: wanted.exercise.then(|| "EXERCISE EXERCISE EXERCISE".to_owned()),
        references: wanted.references,
        incidents: None,
        infos: vec![cap::Info {
            language: Some(wanted.language),
            categories: vec![wanted.category],
            event: wanted.event,
            responses: Vec::new(),
            urgency: wanted.urgency,
            severity: wanted.severity,
            certainty: wanted.certainty,
            effective: None,
            onset: None,
            expires: wanted.expires.map(|at| at.0),
            sender_name: None,
            headline: Some(headline),
            description: Some(wanted.description),
            instruction: wanted.instruction,
            web: None,
            contact: None,
            areas: wanted.areas.into_iter().map(area).collect::<Result<_, _>>()?,
        }],
    })
}
