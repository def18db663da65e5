// Islands on the antimeridian: drawn on one side of it, beyond 180 degrees, instead of by a line round the whole world. Pure.
import type { FeatureCollection, Geometry, Position } from "geojson";

/** A ring whose points follow one another without a leap. One that goes round a pole cannot, and stays as it is. */
export function ring(points: readonly Position[]): Position[] {
  let turn = 0;
  let before = points[0]?.[0] ?? 0;
  const out = points.map((point) => {
    const [longitude = 0, ...rest] = point;
    if (longitude - before > 180) turn -= 360;
    if (longitude - before < -180) turn += 360;
    before = longitude;
    return [longitude + turn, ...rest];
  });
  return turn === 0 ? out : [...points];
}

function geometry(shape: Geometry): Geometry {
  switch (shape.type) {
    case "Polygon":
      return { ...shape, coordinates: shape.coordinates.map(ring) };
    case "MultiPolygon":
      return { ...shape, coordinates: shape.coordinates.map((polygon) => polygon.map(ring)) };
    case "GeometryCollection":
      return { ...shape, geometries: shape.geometries.map(geometry) };
    default:
      return shape;
  }
}

export const unwrapped = (all: FeatureCollection): FeatureCollection => ({
  ...all,
  features: all.features.map((feature) => ({ ...feature, geometry: geometry(feature.geometry) })),
});
