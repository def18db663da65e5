//! Places on Earth numbered by cells: S2 and H3.

use geography::cover::{ROUGH_STEP, Reach};
use geography::flat::FlatArea;
use geography::hexagon::Hexagon;
use geography::square::{FINEST_SQUARE, Square};
use geography::{EARTH_RADIUS_M, Vector, geojson};
use kernel::Value;
use serde_json::Value as Json;

use super::strings::{number, text};
use super::{BadValue, Entry, rows, tried};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("geo_point_to_s2cell", |args| {
        let level = optional(args, 2, LEVEL).and_then(|level| u64::try_from(level).ok());
        let cell = place(args).zip(level).and_then(|(place, level)| Square::of(place, level));
        Value::String(cell.map(Square::token).unwrap_or_default())
    }),
    rows("geo_s2cell_to_central_point", |args| {
        Square::read(text(args, 0)).map_or(Value::Null, |cell| Value::Dynamic(geojson::point(cell.centre())))
    }),
    rows("geo_s2cell_to_polygon", |args| {
        Square::read(text(args, 0)).map_or(Value::Null, |cell| Value::Dynamic(cell.polygon()))
    }),
    rows("geo_s2cell_neighbors", |args| match Square::read(text(args, 0)) {
        Some(cell) => Value::Dynamic(geography::hashed(cell.neighbours().into_iter().map(Square::token)).into()),
        None => Value::Null,
    }),
    tried("geo_polygon_to_s2cells", |args| {
        let Some(region) = shape(args, 0).map(geojson::region).transpose().map_err(blamed)?.flatten() else {
            return Ok(Value::Null);
        };
        Ok(covered(args, |distance| Reach::of_region(&region, distance)))
    }),
    rows("geo_line_to_s2cells", |args| match shape(args, 0).and_then(geojson::line) {
        Some(line) => covered(args, |distance| Reach::of_line(&line, distance)),
        None => Value::Null,
    }),
    rows("geo_point_to_h3cell", |args| {
        let cell = optional(args, 2, RESOLUTION).zip(real(args, 0).zip(real(args, 1)));
        let cell = cell.and_then(|(resolution, (longitude, latitude))| Hexagon::of(longitude, latitude, resolution));
        Value::String(cell.map(Hexagon::text).unwrap_or_default())
    }),
    rows("geo_h3cell_to_central_point", |args| {
        Hexagon::read(text(args, 0)).map_or(Value::Null, |cell| Value::Dynamic(cell.central_point()))
    }),
    rows("geo_h3cell_to_polygon", |args| {
        Hexagon::read(text(args, 0)).map_or(Value::Null, |cell| Value::Dynamic(cell.polygon()))
    }),
    rows("geo_h3cell_level", |args| {
        Hexagon::read(text(args, 0)).map_or(Value::Null, |cell| Value::Int(i32::from(cell.resolution())))
    }),
    rows("geo_h3cell_parent", |args| {
        let parent = Hexagon::read(text(args, 0)).zip(resolution(args)).and_then(|(cell, size)| cell.parent(size));
        Value::String(parent.map(Hexagon::text).unwrap_or_default())
    }),
    rows("geo_h3cell_children", |args| {
        let children = Hexagon::read(text(args, 0)).zip(resolution(args)).and_then(|(cell, size)| cell.children(size));
        children.map_or(Value::Null, |cells| Value::Dynamic(indexes(&cells)))
    }),
    rows("geo_h3cell_neighbors", |args| match Hexagon::read(text(args, 0)) {
        Some(cell) => Value::Dynamic(indexes(&cell.neighbours())),
        None => Value::Null,
    }),
    rows("geo_h3cell_rings", |args| {
        let rings = Hexagon::read(text(args, 0)).zip(number(args, 1)).and_then(|(cell, distance)| cell.rings(distance));
        rings.map_or(Value::Null, |rings| Value::Dynamic(rings.iter().map(|ring| indexes(ring)).collect()))
    }),
    tried("geo_polygon_to_h3cells", hexagons),
    rows("op_geo_cells_of", |args| {
        let cells =
            (0..=FINEST_SQUARE).step_by(ROUGH_STEP as usize).filter_map(|level| Square::of(place(args)?, level));
        Value::Dynamic(cells.map(|cell| Json::String(cell.token())).collect())
    }),
    tried("op_geo_cover_polygon", |args| {
        let region = shape(args, 0).map(geojson::region).transpose().map_err(blamed)?.flatten();
        let cells = region.zip(radius(args, 1));
        let cells = cells.map(|(region, distance)| Reach::of_region(&region, distance).rough_squares());
        Ok(Value::Dynamic(tokens(&cells.unwrap_or_default())))
    }),
    rows("op_geo_cover_line", |args| {
        let line = shape(args, 0).and_then(geojson::line).zip(radius(args, 1));
        let cells = line.map(|(line, distance)| Reach::of_line(&line, distance).rough_squares());
        Value::Dynamic(tokens(&cells.unwrap_or_default()))
    }),
];

/// S2 level unless the call says otherwise.
const LEVEL: i64 = 11;
/// H3 resolution unless the call says otherwise.
const RESOLUTION: i64 = 6;
/// More S2 cells than these are not listed.
const MOST_SQUARES: usize = 65_536;
/// More H3 cells than these are not listed.
const MOST_HEXAGONS: usize = 61_680;

fn covered<'s>(args: &[Value], reach: impl FnOnce(f64) -> Reach<'s>) -> Value {
    let level = optional(args, 1, LEVEL).and_then(|level| u64::try_from(level).ok());
    let level = level.filter(|level| *level <= FINEST_SQUARE);
    let cells = level.zip(radius(args, 2)).and_then(|(level, distance)| reach(distance).squares(level, MOST_SQUARES));
    cells.map_or(Value::Null, |cells| Value::Dynamic(tokens(&cells)))
}

/// Unlike all other functions, this one takes edges as straight lines on a flat map.
fn hexagons(args: &[Value]) -> Result<Value, BadValue> {
    let Some(shape) = shape(args, 0) else { return Ok(Value::Null) };
    let region = geojson::region(shape).map_err(blamed)?;
    let (Some(region), Some(distance), Some(resolution)) = (region, radius(args, 2), optional(args, 1, RESOLUTION))
    else {
        return Ok(Value::Null);
    };
    let area = if distance > 0.0 {
        let tolerance = BUFFER_TOLERANCE_M / EARTH_RADIUS_M;
        let buffer = geography::buffer::Buffer::new(distance, tolerance).map_err(blamed)?;
        let wider = buffer.map(|buffer| buffer.of_region(&region)).transpose().map_err(blamed)?;
        wider.and_then(|wider| FlatArea::read(&geojson::area_written(&wider)))
    } else {
        FlatArea::read(shape)
    };
    let cells = area.and_then(|area| area.hexagons(resolution, MOST_HEXAGONS));
    Ok(cells.map_or(Value::Null, |cells| Value::Dynamic(indexes(&cells))))
}

/// Metres that the outline of an enlarged polygon may be off.
const BUFFER_TOLERANCE_M: f64 = 10.0;

fn tokens(cells: &[Square]) -> Json {
    cells.iter().map(|cell| Json::String(cell.token())).collect()
}

fn indexes(cells: &[Hexagon]) -> Json {
    cells.iter().map(|cell| Json::String(cell.text())).collect()
}

/// The whole number at `at`, or the default where the call ends before it; `None` where it is null.
fn optional(args: &[Value], at: usize, default: i64) -> Option<i64> {
    if args.len() > at { number(args, at) } else { Some(default) }
}

/// The resolution that a call may end with: `Some(None)` where it has none.
fn resolution(args: &[Value]) -> Option<Option<i64>> {
    if args.len() > 1 { number(args, 1).map(Some) } else { Some(None) }
}

/// Radians of the metres at `at`, 0 where the call ends before it; `None` where they are not valid.
fn radius(args: &[Value], at: usize) -> Option<f64> {
    let metres = if args.len() > at { real(args, at)? } else { 0.0 };
    (metres >= 0.0 && metres.is_finite()).then_some(metres / EARTH_RADIUS_M)
}

fn real(args: &[Value], at: usize) -> Option<f64> {
    args.get(at).and_then(convert::to_real)
}

fn place(args: &[Value]) -> Option<Vector> {
    Vector::from_degrees(real(args, 0)?, real(args, 1)?)
}

fn shape(args: &[Value], at: usize) -> Option<&Json> {
    match args.get(at) {
        Some(Value::Dynamic(shape)) => Some(shape),
        _ => None,
    }
}

fn blamed(error: geography::Error) -> BadValue {
    BadValue(error.to_string())
}
