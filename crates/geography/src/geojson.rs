//! Shapes as GeoJSON (RFC 7946), longitude first.

use serde_json::{Value as Json, json};

use crate::line::Line;
use crate::overlay::{Common, union_all};
use crate::region::Region;
use crate::vector::Vector;
use crate::{Error, ring};

/// The line of a `LineString` or `MultiLineString`; `None` where the value is neither or breaks the rules of lines.
pub fn line(shape: &Json) -> Option<Line> {
    let coordinates = shape.get("coordinates")?;
    match shape.get("type")?.as_str()? {
        "LineString" => Line::new(vec![places(coordinates)?]),
        "MultiLineString" => Line::new(coordinates.as_array()?.iter().map(places).collect::<Option<_>>()?),
        _ => None,
    }
}

/// The area of a `Polygon` or `MultiPolygon`, polygons that overlap as one area; `None` where the value is neither or
/// breaks the rules of polygons.
///
/// # Errors
/// As [`crate::overlay::union_all`].
pub fn region(shape: &Json) -> Result<Option<Region>, Error> {
    let Some(mut polygons) = polygons(shape) else { return Ok(None) };
    if polygons.len() == 1 { Ok(polygons.pop()) } else { union_all(polygons).map(Some) }
}

/// The polygons of a `Polygon` or `MultiPolygon` one by one.
fn polygons(shape: &Json) -> Option<Vec<Region>> {
    let coordinates = shape.get("coordinates")?.as_array()?;
    match shape.get("type")?.as_str()? {
        "Polygon" => Some(vec![polygon(coordinates)?]),
        "MultiPolygon" if !coordinates.is_empty() => {
            coordinates.iter().map(|rings| polygon(rings.as_array()?)).collect()
        }
        _ => None,
    }
}

fn polygon(rings: &[Json]) -> Option<Region> {
    Region::nested(rings.iter().map(closed).collect::<Option<_>>()?)
}

/// A ring, which ends where it begins; the end is left out.
fn closed(ring: &Json) -> Option<ring::Ring> {
    let mut places = places(ring)?;
    (places.len() >= 4 && places.first() == places.last()).then(|| places.pop())?;
    Some(places)
}

fn places(list: &Json) -> Option<Vec<Vector>> {
    list.as_array()?
        .iter()
        .map(|position| place_at(position).map(|[longitude, latitude]| Vector::from_degrees(longitude, latitude))?)
        .collect()
}

/// Longitude and latitude of a position, which may have a height, too.
pub(crate) fn place_at(position: &Json) -> Option<[f64; 2]> {
    match position.as_array()?.as_slice() {
        [longitude, latitude] | [longitude, latitude, _] => Some([longitude.as_f64()?, latitude.as_f64()?]),
        _ => None,
    }
}

/// A place as `Point`.
pub fn point(place: Vector) -> Json {
    json!({ "type": "Point", "coordinates": place.to_degrees() })
}

/// Chains as `LineString` or `MultiLineString`; none at all as an empty collection.
pub fn lines_written(chains: &[Vec<Vector>]) -> Json {
    written(&[], chains, &[])
}

/// An area as `Polygon` or `MultiPolygon`; an empty one as an empty collection.
pub fn area_written(region: &Region) -> Json {
    written(&[], &[], &[region])
}

/// Areas as they are, side by side, in one `Polygon` or `MultiPolygon`; `None` where all are empty.
pub fn areas_written(regions: &[Region]) -> Option<Json> {
    let regions: Vec<&Region> = regions.iter().filter(|region| !region.is_empty()).collect();
    (!regions.is_empty()).then(|| written(&[], &[], &regions))
}

/// What shapes have in common: one shape, or a collection of places, lines and areas in this order.
pub fn common_written(common: &Common) -> Json {
    written(&common.places, &common.lines, &[&common.area])
}

fn written(places: &[Vector], chains: &[Vec<Vector>], regions: &[&Region]) -> Json {
    let polygons: Vec<Json> = regions
        .iter()
        .flat_map(|region| region.shells())
        .map(|(shell, holes)| std::iter::once(shell).chain(holes).map(|ring| ring_written(ring)).collect())
        .collect();
    let parts = [
        one_or_many("Point", places.iter().map(|place| json!(place.to_degrees())).collect()),
        one_or_many("LineString", chains.iter().map(|chain| chain_written(chain)).collect()),
        one_or_many("Polygon", polygons),
    ];
    let mut parts: Vec<Json> = parts.into_iter().flatten().collect();
    match (parts.len(), parts.pop()) {
        (1, Some(shape)) => shape,
        (_, last) => {
            parts.extend(last);
            json!({ "type": "GeometryCollection", "geometries": parts })
        }
    }
}

fn one_or_many(name: &str, mut parts: Vec<Json>) -> Option<Json> {
    match (parts.len(), parts.pop()) {
        (_, None) => None,
        (1, Some(only)) => Some(json!({ "type": name, "coordinates": only })),
        (_, Some(last)) => {
            parts.push(last);
            Some(json!({ "type": format!("Multi{name}"), "coordinates": parts }))
        }
    }
}

fn chain_written(chain: &[Vector]) -> Json {
    chain.iter().map(|place| json!(place.to_degrees())).collect()
}

/// A ring with its first corner at its end again.
pub(crate) fn ring_written(ring: &[Vector]) -> Json {
    ring.iter().chain(ring.first()).map(|place| json!(place.to_degrees())).collect()
}
