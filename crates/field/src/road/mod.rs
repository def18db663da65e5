//! Who can help, and how soon by road.

mod graph;
mod hours;
mod nearest;

use std::sync::Arc;

use geography::{Vector, geojson};
use kernel::{Actor, Diagnostic, Span};
use serde_json::{Value as Json, json};
use store::params;

pub use graph::{Graph, Road, Season, Surface, Times, Way};
pub use hours::Hours;
pub use nearest::{Found, Need, nearest};

use crate::error::{Error, Refusal};
use crate::register::{Import, Imported, Record, nouns, records};
use crate::room::Field;
use crate::speech::say;
use crate::sql;

/// Roads as they were last read, and by what one sees that they have changed.
pub(crate) type RoadsRead = Option<((i64, i64), Arc<Graph>)>;

impl Field {
    /// Facilities by how soon they can help, with reasons for those that cannot.
    ///
    /// # Errors
    /// [`Error::Refused`] for a place outside of the globe.
    pub async fn nearest_facilities(&self, need: &Need) -> Result<Vec<Found>, Error> {
        if Vector::from_degrees(need.longitude, need.latitude).is_none() {
            return Err(Refusal::bad("latitude", say!("degrees from -90 to 90, longitude from -180 to 180")).into());
        }
        if let Some(kind) = need.kind.as_deref().filter(|kind| !nouns::FACILITY_KINDS.contains(kind)) {
            let kinds = nouns::FACILITY_KINDS.to_vec();
            return Err(Refusal::bad("kind", say!("`{kind}` is none of {kinds}", kind, kinds)).into());
        }
        let (directory, graph) = (self.directory().await?, self.road_graph().await?);
        let facilities: Vec<&Record> = directory.records("facility").collect();
        Ok(nearest(need, &facilities, &graph, self.now(), directory.zone()))
    }

    /// The roads of the register; read anew only after they were changed.
    async fn road_graph(&self) -> Result<Arc<Graph>, Error> {
        let row = self.store.fetch_optional(&sql::ROADS_STAMP, params![]).await?;
        let row = row.ok_or_else(|| Error::missing("count", "of roads"))?;
        let stamp = (row.int("roads")?, row.int_opt("latest")?.unwrap_or(0));
        let known = self.roads.read().clone();
        if let Some((_, graph)) = known.filter(|(known, _)| *known == stamp) {
            return Ok(graph);
        }
        let records = records::all(&self.store, &nouns::ROAD).await?;
        let in_use = records.iter().filter(|record| record.retired.is_none());
        let roads: Vec<Road> = in_use.filter_map(road).collect();
        let graph = Arc::new(Graph::new(&roads));
        *self.roads.write() = Some((stamp, graph.clone()));
        Ok(graph)
    }

    /// Reads roads from GeoJSON: each `LineString` feature is a road, by its `key`, `name`, `surface`, `speed_kmh`,
    /// `wet_speed_kmh`, `one_way` and `closed`; all or nothing.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; what is wrong with the file is told in the findings.
    pub async fn import_roads(&self, text: &str, trial: bool, actor: &Actor, reason: &str) -> Result<Imported, Error> {
        match roads_as_csv(text) {
            Ok(csv) => {
                let (noun, reason) = ("road".to_owned(), reason.to_owned());
                let import = Import { noun, csv, trial, actor: actor.clone(), reason };
                let mut done = self.import(&import).await?;
                for finding in &mut done.findings {
                    // A row of the intermediate table is a feature of the file.
                    let before = import.csv.get(..finding.span.start as usize).unwrap_or_default();
                    let feature = before.bytes().filter(|byte| *byte == b'\n').count();
                    finding.message = format!("feature {feature}: {}", finding.message);
                    finding.span = Span::default();
                }
                Ok(done)
            }
            Err(problem) => {
                let finding = Diagnostic::error("FLD0207", Span::default(), problem)
                    .with_help("a FeatureCollection of LineString features, longitude first");
                Ok(Imported { findings: vec![finding], ..Imported::default() })
            }
        }
    }
}

fn road(record: &Record) -> Option<Road> {
    let shape: Json = serde_json::from_str(record.text("shape")).ok()?;
    let line = geojson::line(&shape)?;
    let ends = [line.edges().first()?.0, line.edges().last()?.1];
    let surface: Surface = record.text("surface").parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "kilometres per hour")]
    let said = |column: &str| record.whole(column).map(|kmh| kmh as f64);
    let dry = said("speed_kmh").unwrap_or(surface.usual_kmh(Season::Dry));
    let wet = said("wet_speed_kmh").unwrap_or_else(|| surface.usual_kmh(Season::Wet).min(dry));
    Some(Road {
        key: record.key.clone(),
        name: record.text("name").to_owned(),
        line,
        ends,
        kmh: [dry, wet],
        one_way: record.whole("one_way") == Some(1),
        closed: record.text_opt("closed"),
    })
}

/// The columns of roads that features name.
const COLUMNS: [&str; 6] = ["name", "surface", "speed_kmh", "wet_speed_kmh", "one_way", "closed"];

fn roads_as_csv(text: &str) -> Result<String, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let features = json.get("features").and_then(Json::as_array).ok_or("it has no `features`")?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["key", "shape"].into_iter().chain(COLUMNS);
    writer.write_record(header).map_err(|error| error.to_string())?;
    for (at, feature) in features.iter().enumerate() {
        let geometry = feature.get("geometry").cloned().unwrap_or_default();
        if geometry.get("type").and_then(Json::as_str) != Some("LineString") {
            return Err(format!("feature {} is no LineString", at + 1));
        }
        let property = |name: &str| match feature.get("properties").and_then(|known| known.get(name)) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Number(number)) => number.as_f64().map_or(String::new(), |value| format!("{value:.0}")),
            Some(Json::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
            _ => String::new(),
        };
        let or = |name: &str, otherwise: &str| {
            Some(property(name)).filter(|text| !text.is_empty()).unwrap_or_else(|| otherwise.to_owned())
        };
        let mut row = vec![or("key", &format!("R-{}", at + 1)), json!(geometry).to_string()];
        row.extend(COLUMNS.map(|name| match name {
            "surface" => or(name, Surface::Gravel.as_str()),
            "one_way" => or(name, "no"),
            other => property(other),
        }));
        writer.write_record(&row).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
