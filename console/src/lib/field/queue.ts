// What waits to be entered, as it is kept: read back with care, and recognised in the log. Pure.
import type { DutyEntry } from "$lib/api/types";

export interface QueuedLine {
  /** Names the act, so that it is done once. */
  key: string;
  /** What is sent: with the time at which it was typed. */
  line: string;
  /** What was typed. */
  typed: string;
  /** When it was typed, ISO 8601, by the browser's clock. */
  at: string;
  /** Who typed it: it is sent under no other name. Absent: a page of before did not say. */
  by?: { id: string; name: string };
  /** Why the server did not take it: it waits until somebody mends or discards it, and holds up no other. */
  refused?: string;
}

/** A call for help goes first. */
const cries = /^\S+\s+sos\b|^hc\s+\S+\s+help\b/i;

/** Which line is sent next: of those that are the reader's and were not refused. */
export function nextLine(lines: readonly QueuedLine[], isOwn: (line: QueuedLine) => boolean): QueuedLine | undefined {
  const open = lines.filter((one) => isOwn(one) && one.refused === undefined);
  return open.find((one) => cries.test(one.typed)) ?? open[0];
}

/** The same said as mere words, which every log takes. */
export const asWords = (line: QueuedLine): QueuedLine => {
  const { refused: _, ...rest } = line;
  return { ...rest, key: `${line.key}-words`, line: `words: ${line.line}`, typed: `words: ${line.typed}` };
};

/** What an earlier page kept; anything may stand there, and what is no queue is an empty one. */
export function readQueue(text: string | null): QueuedLine[] {
  try {
    const kept: unknown = JSON.parse(text ?? "[]");
    const isLine = (one: unknown): one is QueuedLine =>
      typeof one === "object" && one !== null && ["key", "line", "typed", "at"].every((name) => typeof (one as Record<string, unknown>)[name] === "string");
    return Array.isArray(kept) ? kept.filter(isLine) : [];
  } catch {
    return [];
  }
}

/** The browser's clock may be wrong by so much against the server's. */
const skew_ms = 10 * 60_000;

/** Whether the log has it: the line was taken and only the answer was lost on the way. */
export function alreadyEntered({ line, typed, at }: QueuedLine, entries: readonly DutyEntry[]): boolean {
  const since = Date.parse(at) - skew_ms;
  return entries.some((entry) => Date.parse(entry.entered) >= since && (entry.line === line || (entry.line === typed && Date.parse(entry.entered) <= Date.parse(at) + skew_ms)));
}
