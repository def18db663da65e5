//! Tracks in files: GPX 1.1, KML 2.2 (with `gx:Track`) and GeoJSON (RFC 7946), in and out.

mod read;
mod write;

use kernel::Timestamp;

pub use read::{read_geojson, read_gpx, read_kml};
pub use write::{write_geojson, write_gpx, write_kml};

/// One point of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackPoint {
    pub time: Timestamp,
    pub latitude: f64,
    pub longitude: f64,
    pub altitude_m: Option<f64>,
}

/// Where a device has been, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub device: String,
    /// What people call it.
    pub label: Option<String>,
    pub points: Vec<TrackPoint>,
}

impl Track {
    /// As people call it, else the device.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::{Item, Reading};
    use proptest::prelude::*;

    fn track() -> Track {
        let point = |minutes: i64, latitude: f64| TrackPoint {
            time: Timestamp(1_795_262_400_000_000 + minutes * 60_000_000),
            latitude,
            longitude: 125.57,
            altitude_m: (minutes == 0).then_some(35.5),
        };
        Track {
            device: "bf12".to_owned(),
            label: Some("Car <12> & co".to_owned()),
            points: vec![point(0, -8.55), point(5, -8.56)],
        }
    }

    fn points(reading: &Reading) -> Vec<TrackPoint> {
        let point = |item: &Item| match item {
            Item::Position(at) => Some(TrackPoint {
                time: at.fix_time?,
                latitude: at.latitude,
                longitude: at.longitude,
                altitude_m: at.altitude_m,
            }),
            _ => None,
        };
        reading.items.iter().filter_map(point).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let tracks = [track()];
        let gpx = read_gpx(Some("bf12"), write_gpx(&tracks).as_bytes());
        let kml = read_kml(Some("bf12"), write_kml(&tracks).as_bytes());
        let geojson = read_geojson(Some("bf12"), write_geojson(&tracks).as_bytes());
        for (name, reading) in [("gpx", gpx), ("kml", kml), ("geojson", geojson)] {
            assert_eq!(points(&reading), track().points, "{name}: {reading:?}");
            assert_eq!(reading.findings, Vec::<String>::new(), "{name}");
            let Item::Position(first) = &reading.items[0] else { panic!() };
            assert_eq!(first.label.as_deref(), Some("Car <12> & co"), "{name}");
        }
    }

    #[test]
    fn one_bad_point_does_not_lose_the_others() {
        let gpx = "<gpx><wpt lat='1' lon='2'><name>Gate</name></wpt><trk><trkseg>\
            <trkpt lat='1' lon='2'><time>2026-11-21T12:00:00Z</time></trkpt><trkpt lat='91' lon='2'/><trkpt lon='2'/>\
            </trkseg></trk></gpx>";
        let reading = read_gpx(Some("x"), gpx.as_bytes());
        assert_eq!((reading.items.len(), reading.findings.len()), (1, 3), "{reading:?}");
        assert!(read_gpx(None, gpx.as_bytes()).findings[0].contains("device"));
        let collection = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[2,1]},
            "properties":{"time":"2026-11-21T12:00:00Z","device":"y"}},{"type":"Feature","geometry":{"type":"Polygon"}}]}"#;
        let reading = read_geojson(None, collection.as_bytes());
        assert_eq!((reading.items.len(), reading.findings.len()), (1, 1), "{reading:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for reading in [read_gpx(Some("x"), &bytes), read_kml(Some("x"), &bytes), read_geojson(Some("x"), &bytes)] {
                prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
            }
        }
    }
}
