// The address at which a number shows the KQL behind it.
import { hrefOf } from "$lib/router/place";

/** Opens `query` in Ask and runs it. The query bounds its own time, so the picker must not bound it again. */
export function askHref(query: string): string {
  return hrefOf("ask", null, { q: query, range: "all", run: "1" });
}
