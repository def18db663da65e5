//! Lines and polygons on Earth, given as GeoJSON. The geometry is that of the crate `geography`.
//!
//! A shape is read once where it is the same for many rows. What is not a sound shape gives null.

use std::collections::HashMap;

use arrow_array::ArrayRef;
use datafusion::error::Result;
use geography::buffer::Buffer;
use geography::densify::Densify;
use geography::{EARTH_RADIUS_M, Line, Region, Vector, geojson, overlay, simplify, wkt};
use kernel::Value;
use serde_json::Value as Json;

use super::strings::{array, text};
use super::{BadValue, Call, Entry, bad_value, columns, rows, tried};
use crate::query::cells::CellsBuilder;
use crate::query::convert;
use crate::query::dynamic::Dynamic;

pub(super) const ENTRIES: &[Entry] = &[
    columns("geo_point_in_polygon", |call| {
        by_shape(call, 2, geojson::region, |region, row| {
            Ok(row.place(0).map_or(Value::Null, |place| Value::Bool(region.contains(place))))
        })
    }),
    columns("geo_distance_point_to_line", |call| {
        by_shape(call, 2, line, |line, row| Ok(metres(row.place(0).and_then(|place| line.distance(place)))))
    }),
    columns("geo_distance_point_to_polygon", |call| {
        by_shape(call, 2, geojson::region, |region, row| {
            Ok(metres(row.place(0).and_then(|place| region.distance(place))))
        })
    }),
    columns("geo_closest_point_on_line", |call| {
        by_shape(call, 2, line, |line, row| Ok(point(row.place(0).and_then(|place| line.closest(place)))))
    }),
    columns("geo_closest_point_on_polygon", |call| {
        by_shape(call, 2, geojson::region, |region, row| {
            Ok(point(row.place(0).and_then(|place| region.closest(place))))
        })
    }),
    columns("geo_polygon_area", |call| {
        by_shape(call, 0, geojson::region, |region, _| Ok(Value::Real(region.area() * EARTH_RADIUS_M * EARTH_RADIUS_M)))
    }),
    columns("geo_polygon_perimeter", |call| {
        by_shape(call, 0, geojson::region, |region, _| Ok(metres(Some(region.perimeter()))))
    }),
    columns("geo_polygon_centroid", |call| {
        by_shape(call, 0, geojson::region, |region, _| Ok(point(region.centroid())))
    }),
    columns("geo_line_length", |call| by_shape(call, 0, line, |line, _| Ok(metres(Some(line.length()))))),
    columns("geo_line_centroid", |call| by_shape(call, 0, line, |line, _| Ok(point(line.centroid())))),
    columns("geo_line_interpolate_point", |call| {
        by_shape(call, 0, line, |line, row| Ok(point(row.real(1).and_then(|share| line.at(share)))))
    }),
    columns("geo_line_locate_point", |call| {
        by_shape(call, 0, line, |line, row| {
            Ok(row.place(1).and_then(|place| line.share_before(place)).map_or(Value::Null, Value::Real))
        })
    }),
    columns("geo_line_simplify", |call| {
        by_shape(call, 0, line, |line, row| {
            let simple = row.tolerance(1).and_then(|tolerance| simplify::simplified_line(line, tolerance));
            Ok(simple.map_or(Value::Null, |chains| Value::Dynamic(geojson::lines_written(&chains))))
        })
    }),
    columns("geo_polygon_simplify", |call| {
        by_shape(call, 0, geojson::region, |region, row| {
            let Some(tolerance) = row.tolerance(1) else { return Ok(Value::Null) };
            let simple = [simplify::simplified_region(region, tolerance)?];
            Ok(geojson::areas_written(&simple).map_or(Value::Null, Value::Dynamic))
        })
    }),
    columns("geo_line_buffer", |call| {
        by_shape(call, 0, line, |line, row| row.buffer(1)?.map_or(Ok(Value::Null), |buffer| area(buffer.of_line(line))))
    }),
    columns("geo_polygon_buffer", |call| {
        by_shape(call, 0, geojson::region, |region, row| {
            row.buffer(1)?.map_or(Ok(Value::Null), |buffer| area(buffer.of_region(region)))
        })
    }),
    columns("geo_intersects_2lines", |call| {
        by_shapes(call, line, line, |first, second| Ok(Value::Bool(overlay::lines_meet(first, second))))
    }),
    columns("geo_intersects_2polygons", |call| {
        by_shapes(call, geojson::region, geojson::region, |first, second| {
            Ok(Value::Bool(overlay::regions_meet(first, second)))
        })
    }),
    columns("geo_intersects_line_with_polygon", |call| {
        by_shapes(call, line, geojson::region, |line, region| Ok(Value::Bool(overlay::line_meets_region(line, region))))
    }),
    columns("geo_intersection_2lines", |call| {
        by_shapes(call, line, line, |first, second| {
            Ok(Value::Dynamic(geojson::common_written(&overlay::common_of_lines(first, second))))
        })
    }),
    columns("geo_intersection_2polygons", |call| {
        by_shapes(call, geojson::region, geojson::region, |first, second| {
            Ok(Value::Dynamic(geojson::common_written(&overlay::common_area(first, second)?)))
        })
    }),
    columns("geo_intersection_line_with_polygon", |call| {
        by_shapes(call, line, geojson::region, |line, region| {
            Ok(Value::Dynamic(geojson::common_written(&overlay::common_line(line, region))))
        })
    }),
    tried("geo_point_buffer", |args| {
        let place = longitude_latitude(args.first(), args.get(1));
        let (Some(place), Some(buffer)) = (place, buffer(args.get(2), args.get(3)).map_err(blamed)?) else {
            return Ok(Value::Null);
        };
        Ok(Value::Dynamic(geojson::area_written(&buffer.of_place(place))))
    }),
    rows("geo_line_densify", |args| match (args.first(), densify(args)) {
        (Some(Value::Dynamic(shape)), Some(densify)) => densify.line(shape).map_or(Value::Null, Value::Dynamic),
        _ => Value::Null,
    }),
    tried("geo_polygon_densify", |args| match (args.first(), densify(args)) {
        (Some(Value::Dynamic(shape)), Some(densify)) => {
            Ok(densify.polygon(shape).map_err(blamed)?.map_or(Value::Null, Value::Dynamic))
        }
        _ => Ok(Value::Null),
    }),
    rows("geo_union_lines_array", |args| {
        let lines: Option<Vec<Line>> = array(args, 0).and_then(|all| all.iter().map(geojson::line).collect());
        match lines.filter(|lines| !lines.is_empty()) {
            Some(lines) => Value::Dynamic(geojson::lines_written(&overlay::union_of_lines(&lines))),
            None => Value::Null,
        }
    }),
    tried("geo_union_polygons_array", |args| match regions(args)? {
        Some(regions) => area(overlay::union_all(regions)).map_err(blamed),
        None => Ok(Value::Null),
    }),
    tried("geo_simplify_polygons_array", |args| {
        let tolerance = tolerance(args.get(1), args.len() > 1, 0.0..=7_800_000.0);
        let (Some(regions), Some(tolerance)) = (regions(args)?, tolerance) else { return Ok(Value::Null) };
        let simple = simplify::simplified_together(&regions, tolerance).map_err(blamed)?;
        Ok(geojson::areas_written(&simple).map_or(Value::Null, Value::Dynamic))
    }),
    rows("geo_from_wkt", |args| wkt::read(text(args, 0)).map_or(Value::Null, Value::Dynamic)),
];

/// Metres that an approximation may be off unless a call says otherwise.
const TOLERANCE_M: f64 = 10.0;
/// Shapes of one column that are kept read.
const SHAPES_KEPT: usize = 1_024;

fn line(shape: &Json) -> Result<Option<Line>, geography::Error> {
    Ok(geojson::line(shape))
}

/// The arguments of one row.
struct Row<'c> {
    call: &'c Call<'c>,
    row: usize,
}

impl Row<'_> {
    fn value(&self, at: usize) -> Option<Value> {
        self.call.args.get(at).map(|cells| cells.value(self.row))
    }

    fn real(&self, at: usize) -> Option<f64> {
        self.value(at).as_ref().and_then(convert::to_real)
    }

    /// The place whose longitude and latitude are the arguments from `at` on.
    fn place(&self, at: usize) -> Option<Vector> {
        Vector::from_degrees(self.real(at)?, self.real(at + 1)?)
    }

    /// Radians; between 0.1 and 10,000 metres.
    fn tolerance(&self, at: usize) -> Option<f64> {
        tolerance(self.value(at).as_ref(), self.call.args.len() > at, 0.1..=10_000.0)
    }

    fn buffer(&self, at: usize) -> Result<Option<Buffer>, geography::Error> {
        buffer(self.value(at).as_ref(), self.value(at + 1).as_ref())
    }
}

/// Answers row by row about the shape that argument `at` is; what is none gives null.
fn by_shape<T>(
    call: &Call<'_>,
    at: usize,
    read: fn(&Json) -> Result<Option<T>, geography::Error>,
    answer: impl Fn(&T, &Row<'_>) -> Result<Value, geography::Error>,
) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(call.returns);
    let mut shapes = Shapes { call, at, read, known: HashMap::new() };
    for row in 0..call.rows {
        let shape = shapes.of(row).map_err(at_fault)?;
        let value = shape.as_ref().map_or(Ok(Value::Null), |shape| answer(shape, &Row { call, row }));
        builder.push(value.map_err(at_fault)?);
    }
    Ok(builder.finish())
}

/// Answers row by row about the shapes that the first two arguments are; null where one is none.
fn by_shapes<A, B>(
    call: &Call<'_>,
    read_first: fn(&Json) -> Result<Option<A>, geography::Error>,
    read_second: fn(&Json) -> Result<Option<B>, geography::Error>,
    answer: impl Fn(&A, &B) -> Result<Value, geography::Error>,
) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(call.returns);
    let mut firsts = Shapes { call, at: 0, read: read_first, known: HashMap::new() };
    let mut seconds = Shapes { call, at: 1, read: read_second, known: HashMap::new() };
    for row in 0..call.rows {
        let value = match (firsts.of(row).map_err(at_fault)?, seconds.of(row).map_err(at_fault)?) {
            (Some(first), Some(second)) => answer(first, second).map_err(at_fault)?,
            _ => Value::Null,
        };
        builder.push(value);
    }
    Ok(builder.finish())
}

/// The shapes of one argument, each read once.
struct Shapes<'c, T> {
    call: &'c Call<'c>,
    at: usize,
    read: fn(&Json) -> Result<Option<T>, geography::Error>,
    known: HashMap<&'c str, Option<T>>,
}

impl<T> Shapes<'_, T> {
    fn of(&mut self, row: usize) -> Result<&Option<T>, geography::Error> {
        let cells = &self.call.args[self.at];
        // One text for all rows is not looked up by its length.
        let text = if cells.is_constant() && !self.known.is_empty() { "" } else { cells.text(row) };
        let key = if cells.is_constant() { "" } else { text };
        if !self.known.contains_key(key) {
            if self.known.len() >= SHAPES_KEPT {
                self.known.clear();
            }
            let shape = if cells.is_null(row) { None } else { (self.read)(&Dynamic::new(text).to_json())? };
            self.known.insert(key, shape);
        }
        Ok(&self.known[key])
    }
}

/// Radians of a tolerance in metres within `range`; of the default where the call has none.
fn tolerance(value: Option<&Value>, given: bool, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
    let metres = if given { value.and_then(convert::to_real)? } else { TOLERANCE_M };
    range.contains(&metres).then_some(metres / EARTH_RADIUS_M)
}

/// The buffer of a radius and a tolerance in metres; `None` where one is not valid.
fn buffer(radius: Option<&Value>, tolerance: Option<&Value>) -> Result<Option<Buffer>, geography::Error> {
    let tolerance = tolerance.map_or(Some(TOLERANCE_M), convert::to_real);
    match (radius.and_then(convert::to_real), tolerance) {
        (Some(radius), Some(tolerance)) => Buffer::new(radius / EARTH_RADIUS_M, tolerance / EARTH_RADIUS_M),
        _ => Ok(None),
    }
}

fn densify(args: &[Value]) -> Option<Densify> {
    let tolerance = tolerance(args.get(1), args.len() > 1, 0.1..=10_000.0)?;
    Some(Densify { tolerance, preserve_crossing: matches!(args.get(2), Some(Value::Bool(true))) })
}

/// The polygons of the array that the first argument is; `None` where it is none or holds something else.
fn regions(args: &[Value]) -> Result<Option<Vec<Region>>, BadValue> {
    let Some(shapes) = array(args, 0).filter(|shapes| !shapes.is_empty()) else { return Ok(None) };
    shapes.iter().map(|shape| geojson::region(shape).map_err(blamed)).collect()
}

fn longitude_latitude(longitude: Option<&Value>, latitude: Option<&Value>) -> Option<Vector> {
    Vector::from_degrees(longitude.and_then(convert::to_real)?, latitude.and_then(convert::to_real)?)
}

fn metres(radians: Option<f64>) -> Value {
    radians.map_or(Value::Null, |radians| Value::Real(radians * EARTH_RADIUS_M))
}

fn point(place: Option<Vector>) -> Value {
    place.map_or(Value::Null, |place| Value::Dynamic(geojson::point(place)))
}

fn area(region: Result<Region, geography::Error>) -> Result<Value, geography::Error> {
    region.map(|region| Value::Dynamic(geojson::area_written(&region)))
}

fn blamed(error: geography::Error) -> BadValue {
    BadValue(error.to_string())
}

fn at_fault(error: geography::Error) -> datafusion::error::DataFusionError {
    bad_value(error.to_string())
}
