// What the wall board shows, worked out from what the room last told. Pure: the time is a parameter.
import type { FieldAlarm } from "$lib/api/types";

/** How old the board is, and whether that is to be shouted. */
export interface Staleness {
  /** Whole minutes without news. */
  minutes: number;
  stale: boolean;
}

/** A board is refreshed every twenty seconds; after this many without news somebody must not trust it. */
const stale_ms = 60_000;

export function staleness(read_ms: number | null, now_ms: number): Staleness {
  const age_ms = read_ms === null ? Number.POSITIVE_INFINITY : Math.max(0, now_ms - read_ms);
  return { minutes: Number.isFinite(age_ms) ? Math.floor(age_ms / 60_000) : 0, stale: age_ms > stale_ms };
}

/** What a life may depend on at once. */
const worst: readonly FieldAlarm["kind"][] = ["sos", "needs-help", "contact-overdue"];

/**
 * Alarms for a wall that everybody can see: never a silent one, whoever's session draws the wall. Those that nobody sees to
 * first, calls for help before them, the newest of each first: what does not fit is what matters least.
 */
export function wallAlarms(alarms: readonly FieldAlarm[]): FieldAlarm[] {
  // A drill never stands above what is real.
  const rank = ({ state, kind, exercise }: FieldAlarm) => (exercise ? 100 : 0) + (state === "acknowledged" ? 10 : 0) + (worst.includes(kind) ? worst.indexOf(kind) : worst.length);
  return alarms
    .filter(({ silent, kind, state }) => !silent && kind !== "duress" && state !== "closed")
    .sort((left, right) => rank(left) - rank(right) || right.missed.localeCompare(left.missed));
}

/** How many rows of alarms and of missions a wall has room for; the rest is counted. */
export const wallRows = { alarms: 5, missions: 8 } as const;

/** `14:25` in the zone of the duty station. */
export function wallClock(now: Date, timeZone: string, locale: string): string {
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat(locale, { ...parts, timeZone }).format(now);
  } catch {
    return new Intl.DateTimeFormat(locale, { ...parts, timeZone: "UTC" }).format(now);
  }
}
