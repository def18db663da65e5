// The engine of the map, with its worker as a file of our own: the content policy allows no script made of text.
import { addProtocol, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { FileSource, PMTiles, Protocol } from "pmtiles";
import "maplibre-gl/dist/maplibre-gl.css";

export { Map as Engine, Marker, NavigationControl, ScaleControl } from "maplibre-gl";

setWorkerUrl(workerUrl);
const protocol = new Protocol();
addProtocol("pmtiles", protocol.tile);

export interface TileFile {
  /** To be named in a source of the style. */
  url: string;
  raster: boolean;
  /** Layers of vector tiles by name. */
  layers: string[];
}

/** A map file from the reader's own disk, or by its address at the server, of which only ranges are read. Throws when it is no PMTiles archive. */
export async function openTiles(from: File | string): Promise<TileFile> {
  const tiles = new PMTiles(typeof from === "string" ? new URL(from, location.origin).href : new FileSource(from));
  const header = await tiles.getHeader();
  const metadata = (await tiles.getMetadata()) as { vector_layers?: { id: string }[] };
  protocol.add(tiles);
  return { url: `pmtiles://${tiles.source.getKey()}`, raster: header.tileType !== 1, layers: (metadata.vector_layers ?? []).map(({ id }) => id) };
}
