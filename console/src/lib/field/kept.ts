// What the desk last showed, kept in the browser for the hour without a link: the duty log and the missions as they stood on the
// page, for whoever was signed in, and for no longer than their session. Alarms are not kept: a silent one must not be. Pure.
import type { DutyEntry, Mission } from "$lib/api/types";

export interface Reader {
  id: string;
  name: string;
}

export type KeptMission = Pick<Mission, "id" | "label" | "title" | "state" | "contact" | "leader" | "last_place" | "due">;
export type KeptEntry = Pick<DutyEntry, "id" | "number" | "kind" | "happened" | "entered" | "clock_suspect" | "author_name" | "line" | "meaning" | "outcome" | "corrected_by">;

export interface KeptDesk {
  reader: Reader;
  /** When the page was drawn, ISO 8601, by the browser's clock. */
  at: string;
  /** Not shown from then on: the session would have ended. */
  until: string;
  officer: string | null;
  missions: KeptMission[];
  entries: KeptEntry[];
}

/** Nothing is kept for longer, whatever the session's length. */
const longest_ms = 24 * 3_600_000;

interface Session {
  user: Reader;
  /** Seconds without an act after which the session ends. */
  idle_s: number;
  expires: string;
}

/** What is kept of a desk that was shown at `now`. */
export function keptOf(session: Session, desk: { officer: string | null; missions: readonly Mission[]; entries: readonly DutyEntry[] }, now: Date): KeptDesk {
  const until = Math.min(now.getTime() + Math.min(session.idle_s * 1000, longest_ms), Date.parse(session.expires));
  return {
    reader: { id: session.user.id, name: session.user.name },
    at: now.toISOString(),
    until: new Date(until).toISOString(),
    officer: desk.officer,
    missions: desk.missions.map(({ id, label, title, state, contact, leader, last_place, due }) => ({ id, label, title, state, contact, leader, last_place, due })),
    entries: desk.entries.map(({ id, number, kind, happened, entered, clock_suspect, author_name, line, meaning, outcome, corrected_by }) => ({ id, number, kind, happened, entered, clock_suspect, author_name, line, meaning, outcome, corrected_by })),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const hasTexts = (value: unknown, ...names: string[]): boolean => isRecord(value) && names.every((name) => typeof value[name] === "string");

/** What an earlier page kept; null: nothing, not in our shape, or no longer to be shown. A clock put back shows nothing more. */
export function readKept(text: string | null, now: Date): KeptDesk | null {
  try {
    const kept: unknown = JSON.parse(text ?? "null");
    if (!isRecord(kept) || !hasTexts(kept, "at", "until") || !hasTexts(kept["reader"], "id", "name")) return null;
    const { missions, entries } = kept;
    const whole = Array.isArray(missions) && missions.every((one) => hasTexts(one, "id", "label", "title", "state", "contact"));
    if (!whole || !Array.isArray(entries) || !entries.every((one) => hasTexts(one, "id", "kind", "happened", "entered", "meaning") && Array.isArray((one as Record<string, unknown>)["outcome"]))) return null;
    const desk = kept as unknown as KeptDesk;
    const fresh = now.getTime() < Date.parse(desk.until) && Date.parse(desk.at) - now.getTime() < 60_000;
    return fresh ? desk : null;
  } catch {
    return null;
  }
}
