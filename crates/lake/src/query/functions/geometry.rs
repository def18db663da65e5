//! Lines and polygons on Earth, given as GeoJSON. The geometry is that of the crate `geography`.
//!
//! A shape is read once where it is the same for many rows. What is not a sound shape gives null.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_array::ArrayRef;
use datafusion::error::Result;
use geography::buffer::Buffer;
use geography::densify::Densify;
use geography::{EARTH_RADIUS_M, Line, Region, Vector, geojson, overlay, simplify, wkt};
use kernel::Value;
use parking_lot::Mutex;
use serde_json::Value as Json;

use super::strings::{array, text};
use super::{BadValue, Call, Entry, bad_value, columns, rows, tried};
use crate::query::cells::{Cells, CellsBuilder};
use crate::query::convert;
use crate::query::dynamic::Dynamic;

pub(super) const ENTRIES: &[Entry] = &[
    columns("geo_point_in_polygon", |call| {
        by_shape(call, 2, |region: &Region, row| {
            Ok(row.place(0).map_or(Value::Null, |place| Value::Bool(region.contains(place))))
        })
    }),
    columns("geo_distance_point_to_line", |call| {
        by_shape(call, 2, |line: &Line, row| Ok(metres(row.place(0).and_then(|place| line.distance(place)))))
    }),
    columns("geo_distance_point_to_polygon", |call| {
        by_shape(call, 2, |region: &Region, row| Ok(metres(row.place(0).and_then(|place| region.distance(place)))))
    }),
    columns("geo_closest_point_on_line", |call| {
        by_shape(call, 2, |line: &Line, row| Ok(point(row.place(0).and_then(|place| line.closest(place)))))
    }),
    columns("geo_closest_point_on_polygon", |call| {
        by_shape(call, 2, |region: &Region, row| Ok(point(row.place(0).and_then(|place| region.closest(place)))))
    }),
    columns("geo_polygon_area", |call| {
        by_shape(call, 0, |region: &Region, _| Ok(Value::Real(region.area() * EARTH_RADIUS_M * EARTH_RADIUS_M)))
    }),
    columns("geo_polygon_perimeter", |call| {
        by_shape(call, 0, |region: &Region, _| Ok(metres(Some(region.perimeter()))))
    }),
    columns("geo_polygon_centroid", |call| by_shape(call, 0, |region: &Region, _| Ok(point(region.centroid())))),
    columns("geo_line_length", |call| by_shape(call, 0, |line: &Line, _| Ok(metres(Some(line.length()))))),
    columns("geo_line_centroid", |call| by_shape(call, 0, |line: &Line, _| Ok(point(line.centroid())))),
    columns("geo_line_interpolate_point", |call| {
        by_shape(call, 0, |line: &Line, row| Ok(point(row.real(1).and_then(|share| line.at(share)))))
    }),
    columns("geo_line_locate_point", |call| {
        by_shape(call, 0, |line: &Line, row| {
            Ok(row.place(1).and_then(|place| line.share_before(place)).map_or(Value::Null, Value::Real))
        })
    }),
    columns("geo_line_simplify", |call| {
        by_shape(call, 0, |line: &Line, row| {
            let simple = row.tolerance(1).and_then(|tolerance| simplify::simplified_line(line, tolerance));
            Ok(simple.map_or(Value::Null, |chains| Value::Dynamic(geojson::lines_written(&chains))))
        })
    }),
    columns("geo_polygon_simplify", |call| {
        by_shape(call, 0, |region: &Region, row| {
            let Some(tolerance) = row.tolerance(1) else { return Ok(Value::Null) };
            let simple = [simplify::simplified_region(region, tolerance)?];
            Ok(geojson::areas_written(&simple).map_or(Value::Null, Value::Dynamic))
        })
    }),
    columns("geo_line_buffer", |call| {
        by_shape(call, 0, |line: &Line, row| {
            row.buffer(1)?.map_or(Ok(Value::Null), |buffer| area(buffer.of_line(line)))
        })
    }),
    columns("geo_polygon_buffer", |call| {
        by_shape(call, 0, |region: &Region, row| {
            row.buffer(1)?.map_or(Ok(Value::Null), |buffer| area(buffer.of_region(region)))
        })
    }),
    columns("geo_intersects_2lines", |call| {
        by_shapes(call, |first: &Line, second: &Line| Ok(Value::Bool(overlay::lines_meet(first, second))))
    }),
    columns("geo_intersects_2polygons", |call| {
        by_shapes(call, |first: &Region, second: &Region| Ok(Value::Bool(overlay::regions_meet(first, second))))
    }),
    columns("geo_intersects_line_with_polygon", |call| {
        by_shapes(call, |line: &Line, region: &Region| Ok(Value::Bool(overlay::line_meets_region(line, region))))
    }),
    columns("geo_intersection_2lines", |call| {
        by_shapes(call, |first: &Line, second: &Line| {
            Ok(Value::Dynamic(geojson::common_written(&overlay::common_of_lines(first, second))))
        })
    }),
    columns("geo_intersection_2polygons", |call| {
        by_shapes(call, |first: &Region, second: &Region| {
            Ok(Value::Dynamic(geojson::common_written(&overlay::common_area(first, second)?)))
        })
    }),
    columns("geo_intersection_line_with_polygon", |call| {
        by_shapes(call, |line: &Line, region: &Region| {
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
/// Shapes of one batch that are kept read.
const SHAPES_KEPT: usize = 1_024;
/// Shapes of queries that are kept read. A query is at most a megabyte, so these are, too.
const CONSTANTS_KEPT: usize = 64;

/// Shapes that queries are written with, by their text.
type Kept<T> = Mutex<HashMap<String, Option<Arc<T>>>>;

/// What a function asks about.
trait Shape: Sized + 'static {
    fn read(shape: &Json) -> Result<Option<Self>, geography::Error>;

    fn kept() -> &'static Kept<Self>;
}

impl Shape for Line {
    fn read(shape: &Json) -> Result<Option<Line>, geography::Error> {
        Ok(geojson::line(shape))
    }

    fn kept() -> &'static Kept<Line> {
        static LINES: LazyLock<Kept<Line>> = LazyLock::new(Mutex::default);
        &LINES
    }
}

impl Shape for Region {
    fn read(shape: &Json) -> Result<Option<Region>, geography::Error> {
        geojson::region(shape)
    }

    fn kept() -> &'static Kept<Region> {
        static REGIONS: LazyLock<Kept<Region>> = LazyLock::new(Mutex::default);
        &REGIONS
    }
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
fn by_shape<T: Shape>(
    call: &Call<'_>,
    at: usize,
    answer: impl Fn(&T, &Row<'_>) -> Result<Value, geography::Error>,
) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(call.returns);
    let mut shapes = Shapes::of(&call.args[at]);
    for row in 0..call.rows {
        let shape = shapes.at(row).map_err(at_fault)?;
        let value = shape.map_or(Ok(Value::Null), |shape| answer(&shape, &Row { call, row }));
        builder.push(value.map_err(at_fault)?);
    }
    Ok(builder.finish())
}

/// Answers row by row about the shapes that the first two arguments are; null where one is none.
fn by_shapes<A: Shape, B: Shape>(
    call: &Call<'_>,
    answer: impl Fn(&A, &B) -> Result<Value, geography::Error>,
) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(call.returns);
    let (mut firsts, mut seconds) = (Shapes::of(&call.args[0]), Shapes::of(&call.args[1]));
    for row in 0..call.rows {
        let value = match (firsts.at(row).map_err(at_fault)?, seconds.at(row).map_err(at_fault)?) {
            (Some(first), Some(second)) => answer(&first, &second).map_err(at_fault)?,
            _ => Value::Null,
        };
        builder.push(value);
    }
    Ok(builder.finish())
}

/// The shapes of one argument, each read once: one that is the same for all rows for all batches, others for a batch.
struct Shapes<'c, T> {
    cells: &'c Cells,
    constant: Option<Option<Arc<T>>>,
    known: HashMap<&'c str, Option<Arc<T>>>,
}

impl<'c, T: Shape> Shapes<'c, T> {
    fn of(cells: &'c Cells) -> Shapes<'c, T> {
        Shapes { cells, constant: None, known: HashMap::new() }
    }

    fn at(&mut self, row: usize) -> Result<Option<Arc<T>>, geography::Error> {
        if let Some(constant) = &self.constant {
            return Ok(constant.clone());
        }
        if self.cells.is_null(row) {
            return Ok(None);
        }
        let text = self.cells.text(row);
        if let Some(known) = self.known.get(text) {
            return Ok(known.clone());
        }
        let shape = if self.cells.is_constant() { kept(text)? } else { read(text)? };
        if self.cells.is_constant() {
            self.constant = Some(shape.clone());
        } else {
            if self.known.len() >= SHAPES_KEPT {
                self.known.clear();
            }
            self.known.insert(text, shape.clone());
        }
        Ok(shape)
    }
}

/// The shape of a text, read once for all batches and queries.
fn kept<T: Shape>(text: &str) -> Result<Option<Arc<T>>, geography::Error> {
    if let Some(known) = T::kept().lock().get(text) {
        return Ok(known.clone());
    }
    let shape = read(text)?;
    let mut kept = T::kept().lock();
    if kept.len() >= CONSTANTS_KEPT {
        kept.clear();
    }
    kept.insert(text.to_owned(), shape.clone());
    Ok(shape)
}

fn read<T: Shape>(text: &str) -> Result<Option<Arc<T>>, geography::Error> {
    Ok(T::read(&Dynamic::new(text).to_json())?.map(Arc::new))
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
