// A report on events of the past, read for people; and KQL cut into coloured pieces.
import { expect, test } from "vitest";
import type { FiringGate, FiringReport } from "$lib/api/types";
import { boundsOf, fieldsOf, outcomeOf } from "$lib/detection/why";
import { spansOf } from "$lib/kql/spans";

const gate = (passed: number, filled: Record<string, number | null> = {}): FiringGate => ({
  name: "g", passed, can_hold: true, tests: [],
  fields: Object.entries(filled).map(([field, count]) => ({ field, source_field: count === null ? null : field, filled: count ?? 0 })),
});
const report = (over: Partial<FiringReport>): FiringReport => ({ from: "", to: "", events: 10, complete: true, fired: 0, gates: [gate(4)], ...over });

test.each<[Partial<FiringReport>, string]>([
  [{ fired: 2, unreachable: "x" }, "fired"],
  [{ unreachable: "x" }, "unreachable"],
  [{ events: 0, gates: [gate(0)] }, "no-events"],
  [{ gates: [gate(0), gate(0)] }, "none-passed"],
  [{ gates: [] }, "none-passed"],
  [{ gates: [gate(0), gate(1)] }, "near"],
])("%j came out as %s", (over, expected) => expect(outcomeOf(report(over))).toBe(expected));

test("fields of a gate: those that are missing most come first", () => {
  const read = (of: FiringGate) => fieldsOf(of).map(({ field, fill }) => `${field.field}:${fill}`).join(" ");
  expect(read(gate(4, { d: 4, c: 3, b: 0, a: null, e: 5 }))).toBe("a:absent b:never c:sometimes d:always e:always");
  expect(read(gate(0, { b: 0, a: null }))).toBe("a:absent b:unknown");
});

test("all time has a beginning, and a chosen time is kept", () => {
  const now = Date.UTC(2026, 0, 2);
  expect(boundsOf({ preset: "all" }, now)).toEqual({ from: "1970-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" });
  expect(boundsOf({ preset: "24h" }, now)).toEqual({ from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" });
  expect(boundsOf({ from: "a", to: "b" }, now)).toEqual({ from: "a", to: "b" });
});

test("a text in colours is the text, whatever the tokens say", () => {
  const text = "T | where é";
  const token = (start: number, end: number, kind: string) => ({ start, end, kind });
  const all = [token(4, 9, "keyword"), token(0, 1, "table"), token(0, 3, "over"), token(5, 6, "inside"), token(10, 99, "beyond"), token(2, 2, "empty")];
  const spans = spansOf(text, all);
  expect(spans.map(({ text: piece }) => piece).join("")).toBe(text);
  expect(spans.filter(({ kind }) => kind).map(({ text: piece, kind }) => `${piece}:${kind}`)).toEqual(["T:table", "where:keyword"]);
  expect(spansOf("", [])).toEqual([]);
});
