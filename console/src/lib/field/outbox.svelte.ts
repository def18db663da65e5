// Lines that were entered while the server could not be reached. They wait in the browser's storage, say at what time they
// were typed, and are sent in their order, each once: with a key, and not at all when the log has them already.
import { api, take } from "$lib/api/client";
import { asProblem } from "$lib/api/problem";
import { session } from "$lib/api/session.svelte";
import type { DutyEntry } from "$lib/api/types";
import { keptDesk } from "./keptDesk";
import { timedLine } from "./line";
import { alreadyEntered, asWords, nextLine, readQueue, type QueuedLine } from "./queue";
import { newKey } from "./key";

const storageKey = "vigie.field.outbox";
const retry_ms = 10_000;

class Outbox {
  lines = $state.raw<QueuedLine[]>(readQueue(stored()));
  #busy = false;

  /** Keeps a line until it can be sent. It says when it was typed, so that it can be late without being wrong. */
  keep(line: string, now: Date): void {
    const by = session.user ?? keptDesk(now)?.reader;
    this.#set([...this.lines, { key: newKey(), line: timedLine(line, now), typed: line, at: now.toISOString(), ...(by && { by: { id: by.id, name: by.name } }) }]);
  }

  /** Whether a line is the reader's to send: theirs, or of nobody known. */
  isOwn({ by }: QueuedLine): boolean {
    const reader = session.user ?? keptDesk(new Date())?.reader;
    return !by || by.id === reader?.id;
  }

  discard(key: string): void {
    this.#set(this.lines.filter((one) => one.key !== key));
  }

  /** What the server refuses as a line is entered as words. */
  enterAsWords(key: string): void {
    this.#set(this.lines.map((one) => (one.key === key ? asWords(one) : one)));
  }

  /** Sends what waits for as long as the component lives. `onsent` is told after each line that was taken. */
  start(onsent: () => unknown): () => void {
    const flush = () => void this.flush(onsent);
    flush();
    const timer = setInterval(flush, retry_ms);
    addEventListener("online", flush);
    return () => (clearInterval(timer), removeEventListener("online", flush));
  }

  async flush(onsent: () => unknown): Promise<void> {
    const next = () => nextLine(this.lines, (one) => this.isOwn(one));
    if (this.#busy || session.state !== "in" || !next()) return;
    this.#busy = true;
    try {
      const { entries } = await take(api.GET("/api/v1/field/log", { params: { query: { limit: 200 } } }));
      for (let line = next(); line; line = next()) {
        const { key } = line;
        const refused = alreadyEntered(line, entries) ? null : await enterOnce(line).then(() => null, refusal);
        if (refused === null) this.#set(this.lines.filter((one) => one.key !== key));
        else this.#set(this.lines.map((one) => (one.key === key ? { ...one, refused } : one)));
        onsent();
      }
    } catch {
      // No answer: later.
    }
    this.#busy = false;
  }

  #set(lines: QueuedLine[]): void {
    this.lines = lines;
    try {
      localStorage.setItem(storageKey, JSON.stringify(lines));
    } catch {
      // Storage refused: they wait as long as the page is open.
    }
  }
}

/** The same key twice is the same entry to a server that knows keys; another ignores it. */
const enterOnce = ({ key, line, at }: QueuedLine): Promise<DutyEntry> =>
  // The time that it says is told from when it was typed, days later, too.
  take(api.POST("/api/v1/field/log", { body: { line, typed: at }, headers: { "Idempotency-Key": key } }));

/** An answer that refuses: a person decides. Anything else is no answer. */
function refusal(error: unknown): string {
  const { body } = asProblem(error);
  if (body.status >= 400 && body.status < 500 && body.status !== 401 && body.status !== 429) return body.detail ?? body.title;
  throw error;
}

function stored(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

export const outbox = new Outbox();
