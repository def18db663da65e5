import { expect, test } from "vitest";
import { completed, countdown } from "$lib/field";

test.each([
  ["2026-11-21T12:05:00Z", "05:00", "soon"],
  ["2026-11-21T12:05:01Z", "05:01", "calm"],
  ["2026-11-21T13:30:05Z", "1:30:05", "calm"],
  ["2026-11-21T12:00:00Z", "00:00", "soon"],
  ["2026-11-21T11:58:59Z", "+01:01", "past"],
  ["2026-11-21T09:00:00Z", "+3:00:00", "past"],
])("a contact due at %s", (due, text, tone) => {
  expect(countdown(due, new Date("2026-11-21T12:00:00Z"))).toEqual({ text, tone });
});

test("a proposal replaces the word and leaves a blank", () => {
  expect(completed("36 arr", { text: "3621", says: "", start: 0, end: 2 })).toEqual({ line: "3621 arr", at: 5 });
  expect(completed("inc whe", { text: "where:", says: "", start: 4, end: 7 })).toEqual({ line: "inc where:", at: 10 });
});
