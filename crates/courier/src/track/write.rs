//! Writing tracks.

use serde_json::json;

use super::Track;
use crate::xml::Pen;

/// GPX 1.1: a track for each device.
pub fn write_gpx(tracks: &[Track]) -> String {
    let mut pen = Pen::document();
    pen.begin("gpx", &[("version", "1.1"), ("creator", "Vigie"), ("xmlns", "http://www.topografix.com/GPX/1/1")]);
    for track in tracks {
        pen.begin("trk", &[]).line("name", track.name()).begin("trkseg", &[]);
        for point in &track.points {
            let (latitude, longitude) = (point.latitude.to_string(), point.longitude.to_string());
            pen.begin("trkpt", &[("lat", &latitude), ("lon", &longitude)]);
            pen.line_of("ele", point.altitude_m.map(|metres| metres.to_string()).as_deref());
            pen.line("time", &point.time.to_string()).end();
        }
        pen.end().end();
    }
    pen.finish()
}

/// KML 2.2 with `gx:Track`: a placemark for each device, which viewers can play.
pub fn write_kml(tracks: &[Track]) -> String {
    let mut pen = Pen::document();
    let names = [("xmlns", "http://www.opengis.net/kml/2.2"), ("xmlns:gx", "http://www.google.com/kml/ext/2.2")];
    pen.begin("kml", &names).begin("Document", &[]);
    for track in tracks {
        pen.begin("Placemark", &[]).line("name", track.name()).begin("gx:Track", &[]);
        for point in &track.points {
            pen.line("when", &point.time.to_string());
        }
        for point in &track.points {
            let altitude = point.altitude_m.map(|metres| format!(" {metres}")).unwrap_or_default();
            pen.line("gx:coord", &format!("{} {}{altitude}", point.longitude, point.latitude));
        }
        pen.end().end();
    }
    pen.finish()
}

/// GeoJSON: a line for each device, with the times of its points beside it.
pub fn write_geojson(tracks: &[Track]) -> String {
    let feature = |track: &Track| {
        let coordinates: Vec<Vec<f64>> = track
            .points
            .iter()
            .map(|point| [point.longitude, point.latitude].into_iter().chain(point.altitude_m).collect())
            .collect();
        let times: Vec<String> = track.points.iter().map(|point| point.time.to_string()).collect();
        json!({ "type": "Feature", "geometry": { "type": "LineString", "coordinates": coordinates },
            "properties": { "device": track.device, "name": track.name(), "coordTimes": times } })
    };
    let features: Vec<serde_json::Value> = tracks.iter().map(feature).collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}
