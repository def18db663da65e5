// What others are typing at their consoles, and which of it is offered to whoever comes to the desk. Pure.

export interface ConsoleDraft {
  /** The window in which it is typed. */
  console: string;
  author: string;
  author_name: string;
  line: string;
  revision: number;
  /** When the server kept it, ISO 8601. */
  kept: string;
}

/** Somebody who has not typed for so long has gone, or their console has. */
export const abandoned_ms = 10_000;

/** Lines of other windows that wait for somebody: the reader's own at once, others' once nobody types at them. `now` is the server's. */
export function waitingDrafts(drafts: readonly ConsoleDraft[], own: string, reader: string | null, now_ms: number): ConsoleDraft[] {
  const waits = (one: ConsoleDraft) => one.console !== own && one.line.trim() !== "" && (one.author === reader || now_ms - Date.parse(one.kept) >= abandoned_ms);
  return drafts.filter(waits).sort((one, other) => Date.parse(other.kept) - Date.parse(one.kept));
}
