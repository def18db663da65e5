// The question that shows events as rows in their tables.
import { parseInstant } from "$lib/i18n/format";
import { literal } from "$lib/kql/compose";
import { hrefOf } from "$lib/router/place";

interface Evidence {
  events: readonly { item_id: string; time: string }[];
}

const most = 100;
/** Around the events: the clock of a record may be a little off that of its alert. */
const margin_ms = 60_000;

/** By the ids of the rows, which no other row ever has, and bounded by time, so that few files are read. */
export function eventsQuery(detail: Evidence): string {
  const ids = detail.events.slice(0, most).map(({ item_id }) => literal(item_id, "string"));
  return `union withsource = Table *\n| where _ItemId in (${ids.join(", ")})`;
}

export function eventsHref(detail: Evidence): string {
  const times = detail.events.flatMap(({ time }) => parseInstant(time)?.getTime() ?? []);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const bounds = times.length === 0
    ? { range: "all" }
    : { from: new Date(first - margin_ms).toISOString(), to: new Date(last + margin_ms).toISOString() };
  return hrefOf("ask", null, { q: eventsQuery(detail), run: "1", ...bounds });
}
