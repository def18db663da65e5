// Which lines of other consoles are offered to whoever comes to the desk.
import { expect, test } from "vitest";
import { abandoned_ms, waitingDrafts, type ConsoleDraft } from "$lib/field/drafts";

const now = Date.parse("2026-11-30T03:00:00Z");
const draft = (console: string, age_ms: number, more: Partial<ConsoleDraft> = {}): ConsoleDraft => ({ console, author: "user:o", author_name: "Olga", line: "bf12 at", revision: 3, kept: new Date(now - age_ms).toISOString(), ...more });
const offered = (...drafts: ConsoleDraft[]) => waitingDrafts(drafts, "mine", "user:n", now).map((one) => one.console).join();

test("a line is offered when nobody types at it any more, the latest first", () => {
  expect(offered(draft("a", abandoned_ms + 5_000), draft("b", abandoned_ms))).toBe("b,a");
  expect(offered(draft("a", abandoned_ms - 1))).toBe("");
});

test("one's own line at another console is offered at once; this console's and empty ones never", () => {
  expect(offered(draft("a", 0, { author: "user:n" }), draft("mine", 99_000), draft("b", 99_000, { line: "  " }))).toBe("a");
});

test("a server's clock that is behind offers nothing too early", () => {
  expect(offered(draft("a", -60_000))).toBe("");
});
