// The duty log as it grows: after the first page only what is new is asked for. Pure.
import type { DutyLog } from "$lib/api/types";

/** Entries that the desk shows. */
export const shown = 60;

/**
 * The page after `newer`, which was asked for with the number of its latest entry. Undefined: entries may be missing between
 * the two, and the page has to be read whole.
 */
export function grown(page: DutyLog, newer: DutyLog): DutyLog | undefined {
  if (newer.next != null) return undefined;
  const corrections = new Map(newer.entries.toReversed().flatMap(({ corrects, number }) => (corrects == null ? [] : [[corrects, number]])));
  const older = page.entries.map((entry) => {
    const corrected_by = corrections.get(entry.number);
    return corrected_by === undefined ? entry : { ...entry, corrected_by };
  });
  const entries = [...newer.entries, ...older].slice(0, shown);
  const cut = newer.entries.length + older.length > shown;
  return { entries, next: cut ? (entries.at(-1)?.number ?? null) : page.next };
}
