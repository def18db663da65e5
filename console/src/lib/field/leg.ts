/** A leg of a mission while it is drawn up. */
import type { MissionLeg } from "$lib/api/types";

export interface DraftLeg {
  /** Of the form alone. */
  id: number;
  from: string;
  to: string;
  area: string;
  corridor: string;
  /** As the browser's field gives it, in local time. */
  planned: string;
}

let made = 0;

export function emptyLeg(): DraftLeg {
  made += 1;
  return { id: made, from: "", to: "", area: "", corridor: "", planned: "" };
}

/** What the server is told of it. */
export function toLeg({ from, to, area, corridor, planned }: DraftLeg): MissionLeg {
  return { from, to, area, corridor: corridor || null, planned: planned === "" ? null : new Date(planned).toISOString() };
}
