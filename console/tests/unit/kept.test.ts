import { expect, test } from "vitest";
import type { DutyEntry, Mission } from "$lib/api/types";
import { keptOf, readKept } from "$lib/field/kept";

const now = new Date("2026-11-30T14:00:00Z");
const session = { user: { id: "u-1", name: "nadia", roles: ["administrator"] }, idle_s: 1800, expires: "2026-12-07T14:00:00.000000Z" };
const entry = { id: "log-1", number: 1, kind: "note", happened: "2026-11-30T13:00:00Z", entered: "2026-11-30T13:00:00Z", clock_suspect: false, author: "user:u-1", author_name: "Nadia", line: "all quiet", meaning: "note: all quiet", outcome: [], corrected_by: null } as unknown as DutyEntry;
const mission = { id: "mission-1", label: "M-0001", title: "School visit", state: "en-route", contact: "ok", leader: "BF11", last_place: null, due: null, manifest: [{ person: "P-1", name: "Ana Soares" }] } as unknown as Mission;
const shown = { officer: "Nadia", missions: [mission], entries: [entry] };
const text = JSON.stringify(keptOf(session, shown, now));
const after = (minutes: number) => new Date(now.getTime() + minutes * 60_000);

test("what the page shows is kept, and nothing that it does not show", () => {
  const kept = readKept(text, after(1));
  expect(kept?.entries[0]?.meaning).toBe("note: all quiet");
  expect(kept?.reader).toEqual({ id: "u-1", name: "nadia" });
  for (const hidden of ["Ana Soares", "administrator", "user:u-1"]) expect(text).not.toContain(hidden);
});

test("it is shown for as long as the session would last, a day at most, and not by a clock that was put back", () => {
  expect(readKept(text, after(29))).not.toBeNull();
  expect(readKept(text, after(30))).toBeNull();
  expect(readKept(text, after(-2))).toBeNull();
  const long = JSON.stringify(keptOf({ ...session, idle_s: 1e7 }, shown, now));
  expect([readKept(long, after(23 * 60)) !== null, readKept(long, after(24 * 60))]).toEqual([true, null]);
  const ending = JSON.stringify(keptOf({ ...session, expires: "2026-11-30T14:05:00.000000Z" }, shown, now));
  expect(readKept(ending, after(6))).toBeNull();
});

test("whatever else stands in the storage is nothing", () => {
  const whole = JSON.parse(text) as Record<string, unknown>;
  const broken = Object.keys(whole).filter((name) => name !== "officer").map((name) => JSON.stringify({ ...whole, [name]: 7 }));
  for (const one of [null, "", "{", "[]", "7", '"text"', ...broken, JSON.stringify({ ...whole, entries: [{}] }), JSON.stringify({ ...whole, missions: [null] })]) expect(readKept(one, after(1)), String(one)).toBeNull();
});
