// How the map is drawn. Colours are the tokens of the present look; sizes on the ground grow with the zoom. Pure.
import type { ExpressionSpecification, StyleSpecification } from "maplibre-gl";
import type { FeatureCollection, Geometry } from "geojson";
import type { TileFile } from "./maplibre";

export type Colours = Record<"sea" | "land" | "line" | "road" | "text" | "bad" | "warn" | "accent" | "good", string>;

/** The names of our tokens, by what they draw. */
export const tokens: Record<keyof Colours, string> = {
  sea: "--sunken", land: "--surface", line: "--line-strong", road: "--muted", text: "--text", bad: "--bad", warn: "--warn", accent: "--accent", good: "--good",
};

const equator_m_per_px = 78_271.517;

/** Metres on the ground as pixels, near `latitude`. */
function metres(property: string, latitude: number): ExpressionSpecification {
  const perPixel = equator_m_per_px * Math.cos((latitude * Math.PI) / 180);
  const at = (zoom: number) => ["max", 1.5, ["*", ["get", property], (2 * 2 ** zoom) / perPixel]];
  return ["interpolate", ["exponential", 2], ["zoom"], 0, at(0), 22, at(22)] as unknown as ExpressionSpecification;
}

const empty: FeatureCollection = { type: "FeatureCollection", features: [] };
const geojson = (data: FeatureCollection | Geometry) => ({ type: "geojson" as const, data });

export interface Base {
  land: FeatureCollection;
  borders: Geometry;
}

/** The whole style: base, the administrator's tiles over it, then our own records. */
export function styleOf(base: Base, tiles: TileFile | null, colours: Colours, latitude: number): StyleSpecification {
  const line = (id: string, source: string, paint: object, filter?: unknown[]) => ({ id, type: "line" as const, source, paint, ...(filter ? { filter } : {}) });
  const fill = (id: string, source: string, paint: object, filter?: unknown[]) => ({ id, type: "fill" as const, source, paint, ...(filter ? { filter } : {}) });
  const layers = [
    { id: "sea", type: "background", paint: { "background-color": colours.sea } },
    fill("land", "land", { "fill-color": colours.land, "fill-outline-color": colours.line }),
    line("borders", "borders", { "line-color": colours.line, "line-dasharray": [3, 2] }),
    ...tileLayers(tiles, colours),
    line("roads", "roads", { "line-color": colours.road, "line-width": 2 }, ["!", ["get", "closed"]]),
    line("roads-closed", "roads", { "line-color": colours.bad, "line-width": 3, "line-dasharray": [1, 1.5] }, ["get", "closed"]),
    line("corridors", "fences", { "line-color": colours.good, "line-opacity": 0.3, "line-width": metres("width_m", latitude) }, ["==", ["get", "kind"], "corridor"]),
    fill("no-go", "fences", { "fill-color": colours.bad, "fill-opacity": 0.25 }, ["==", ["get", "kind"], "no-go"]),
    line("no-go-edge", "fences", { "line-color": colours.bad, "line-width": 2 }, ["==", ["get", "kind"], "no-go"]),
    line("sites", "fences", { "line-color": colours.accent, "line-width": 2, "line-dasharray": [2, 1] }, ["==", ["get", "kind"], "site"]),
    fill("circles", "circles", { "fill-color": colours.accent, "fill-opacity": 0.18 }),
    line("circles-edge", "circles", { "line-color": colours.accent, "line-width": 1.5 }, ["==", ["get", "trust"], "good"]),
    line("circles-doubtful", "circles", { "line-color": colours.warn, "line-width": 2, "line-dasharray": [1, 1.5] }, ["!=", ["get", "trust"], "good"]),
  ];
  const sources = {
    land: geojson(base.land), borders: geojson(base.borders), roads: geojson(empty), fences: geojson(empty), circles: geojson(empty),
    ...(tiles ? { tiles: { type: tiles.raster ? ("raster" as const) : ("vector" as const), url: tiles.url, tileSize: 256 } } : {}),
  };
  return { version: 8, sources, layers } as unknown as StyleSpecification;
}

/** Tiles of any schema: what is an area is filled faintly, what is a line is drawn, whatever its layer is called. */
function tileLayers(tiles: TileFile | null, colours: Colours): object[] {
  if (!tiles) return [];
  if (tiles.raster) return [{ id: "tiles", type: "raster", source: "tiles" }];
  return tiles.layers.flatMap((layer) => [
    { id: `tiles-area-${layer}`, type: "fill", source: "tiles", "source-layer": layer, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": /water|ocean|sea|river/i.test(layer) ? colours.sea : colours.line, "fill-opacity": /water|ocean|sea/i.test(layer) ? 1 : 0.12 } },
    { id: `tiles-line-${layer}`, type: "line", source: "tiles", "source-layer": layer, filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": colours.road, "line-width": 1 } },
  ]);
}

