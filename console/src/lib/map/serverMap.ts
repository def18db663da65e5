// The map file that the server has been given (`field.map_file`), if any: asked for by its first bytes, since it may be gigabytes.
import { problemOf } from "$lib/api/problem";

export const serverMapPath = "/api/v1/field/map/base.pmtiles";

export type ServerMap = { bytes: number } | { missing: string };

/** Whether the server has a map file, and how large it is; else why not, in the server's words. */
export async function askServerMap(signal: AbortSignal): Promise<ServerMap> {
  const response = await fetch(serverMapPath, { headers: { Range: "bytes=0-126" }, credentials: "same-origin", signal });
  if (response.status === 404) {
    const { body } = await problemOf(response);
    return { missing: body.help ?? body.detail };
  }
  if (!response.ok) throw await problemOf(response);
  await response.body?.cancel();
  return { bytes: sizeOf(response.headers.get("Content-Range"), response.headers.get("Content-Length")) };
}

/** `bytes 0-126/4711` says the whole size after the stroke. */
export function sizeOf(range: string | null, length: string | null): number {
  const whole = Number(range?.split("/")[1] ?? length);
  return Number.isFinite(whole) ? whole : 0;
}
