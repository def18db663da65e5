// The map's data as GeoJSON: circles of uncertainty, fences, roads. Pure; coordinates are longitude, latitude in degrees.
import type { Feature, FeatureCollection, Geometry, Polygon, Position } from "geojson";
import type { FieldPosition, RegisterRecord } from "$lib/api/types";
import { spotOf, type Spot } from "./place";

const earth_m = 6_371_008.8;
const steps = 64;
/** From this accuracy on a fix is a circle and never a pin, m. */
export const circle_m = 1_000;
const radians = (degrees: number) => (degrees * Math.PI) / 180;
const degrees = (value: number) => (value * 180) / Math.PI;

/** The circle of `radius_m` metres round a place: where it may have been. */
export function circleOf({ latitude, longitude }: Pick<Spot, "latitude" | "longitude">, radius_m: number): Polygon {
  const [away, lat, lon] = [Math.max(radius_m, 1) / earth_m, radians(latitude), radians(longitude)];
  const ring: Position[] = Array.from({ length: steps }, (_, at) => {
    const bearing = (2 * Math.PI * at) / steps;
    const there = Math.asin(Math.sin(lat) * Math.cos(away) + Math.cos(lat) * Math.sin(away) * Math.cos(bearing));
    const east = lon + Math.atan2(Math.sin(bearing) * Math.sin(away) * Math.cos(lat), Math.cos(away) - Math.sin(lat) * Math.sin(there));
    return [degrees(east), degrees(there)];
  });
  return { type: "Polygon", coordinates: [[...ring, ring[0] as Position]] };
}

const collection = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });

/** A circle for every position on the map; `trust` tells how its edge is drawn. What is in quarantine is nobody's position. */
export function circles(positions: readonly FieldPosition[]): FeatureCollection {
  return collection(
    positions
      .filter(({ trust }) => trust !== "quarantined")
      .map((one) => ({ type: "Feature", geometry: circleOf(one, one.accuracy_m), properties: { trust: one.trust, coarse: one.accuracy_m >= circle_m } })),
  );
}

/** The shape of a record, as the register keeps it; null when it is no GeoJSON. */
export function shapeOf(record: RegisterRecord): Geometry | null {
  try {
    const shape = JSON.parse(record.fields["shape"] ?? "") as Geometry | Feature;
    const geometry = shape.type === "Feature" ? shape.geometry : shape;
    return "coordinates" in geometry && !record.retired ? geometry : null;
  } catch {
    return null;
  }
}

/** Fences and roads with what their drawing depends on: kind, width in metres, whether nobody can drive there. */
export function shapes(records: readonly RegisterRecord[], fallbackWidth_m: number): FeatureCollection {
  return collection(
    records.flatMap((record) => {
      const geometry = shapeOf(record);
      if (!geometry) return [];
      const { kind = "", width_m = "", closed = "" } = record.fields;
      return [{ type: "Feature" as const, geometry, properties: { key: record.key, kind, width_m: Number(width_m) || fallbackWidth_m, closed: closed !== "" } }];
    }),
  );
}

/** What lies further from the others, degrees, is looked for in the list and does not draw the first view out. */
const far_degrees = 5;

/**
 * West, south, east, north round what lies together, degrees; null when there is nothing. A single place gets some ground
 * round it. A tracker that tells nonsense, or somebody abroad, is no reason to show half the world.
 */
export function boundsOf(spots: readonly Pick<Spot, "latitude" | "longitude">[]): [number, number, number, number] | null {
  if (spots.length === 0) return null;
  const near = (one: (typeof spots)[number]) =>
    spots.filter(({ latitude, longitude }) => Math.abs(latitude - one.latitude) <= far_degrees && Math.abs(longitude - one.longitude) <= far_degrees);
  const shown = spots.map(near).reduce((most, group) => (group.length > most.length ? group : most));
  const [lats, lons] = [shown.map(({ latitude }) => latitude), shown.map(({ longitude }) => longitude)];
  const margin = 0.02;
  return [Math.min(...lons) - margin, Math.min(...lats) - margin, Math.max(...lons) + margin, Math.max(...lats) + margin];
}

export interface Placed extends Spot {
  key: string;
  kind: "premises" | "facility" | "position";
  /** What is shown in the list beside the name: a capability, who carries it. */
  says: string;
}

/** The own gazetteer: code names and local names of everything that has a place. */
export function gazetteer(premises: readonly RegisterRecord[], facilities: readonly RegisterRecord[], positions: readonly FieldPosition[]): Placed[] {
  const fixed = (records: readonly RegisterRecord[], kind: "premises" | "facility") =>
    records.flatMap((record) => {
      const spot = spotOf(record);
      return spot ? [{ ...spot, key: record.key, kind, says: record.fields["kind"] ?? "" }] : [];
    });
  const carried = positions
    .filter(({ trust }) => trust !== "quarantined")
    .map(({ sign, name, holder, latitude, longitude }) => ({ key: sign ?? holder, name, latitude, longitude, kind: "position" as const, says: holder }));
  return [...carried, ...fixed(premises, "premises"), ...fixed(facilities, "facility")];
}

/** Entries of the gazetteer whose code name or name holds `text`; a code name that begins with it comes first. */
export function findPlaces(places: readonly Placed[], text: string): Placed[] {
  const sought = text.trim().toLowerCase();
  if (sought === "") return [];
  const rank = ({ key }: Placed) => (key.toLowerCase().startsWith(sought) ? 0 : 1);
  return places.filter(({ key, name }) => key.toLowerCase().includes(sought) || name.toLowerCase().includes(sought)).sort((one, other) => rank(one) - rank(other));
}
