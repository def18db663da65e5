import { expect, test } from "vitest";
import { parseUtc, rangeParams, readRange, resolveRange } from "$lib/time/range";

const now = Date.parse("2026-11-21T14:00:00Z");
const read = (text: string) => readRange(new URLSearchParams(text));

test.each([
  ["", { preset: "24h" }],
  ["range=7d", { preset: "7d" }],
  ["range=9y", { preset: "24h" }],
  ["from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z", { from: "2026-11-21T00:00:00Z", to: "2026-11-22T00:00:00Z" }],
  ["from=yesterday&to=2026-11-22T00:00:00Z", { preset: "24h" }],
  ["from=2026-02-31T00:00:00Z&to=2026-11-22T00:00:00Z&range=1h", { preset: "1h" }],
])("%s is %j", (text, range) => expect(read(text)).toEqual(range));

test("a range survives its address", () => {
  for (const range of [{ preset: "24h" }, { preset: "all" }, { from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" }] as const) {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(rangeParams(range))) if (value !== null) params.set(name, value);
    expect(readRange(params)).toEqual(range);
  }
});

test("bounds are instants, and all time has none", () => {
  expect(resolveRange({ preset: "15m" }, now)).toEqual({ from: "2026-11-21T13:45:00.000Z", to: "2026-11-21T14:00:00.000Z" });
  expect(resolveRange({ preset: "all" }, now)).toEqual({});
});

test.each([
  ["2026-11-21 14:03", "2026-11-21T14:03:00.000Z"],
  [" 2026-11-21T14:03:09.1234567Z ", "2026-11-21T14:03:09.123Z"],
  ["2026-11-21", "2026-11-21T00:00:00.000Z"],
  ["2026-02-31 10:00", null],
  ["21/11/2026", null],
  ["2026-11-21 25:00", null],
  ["", null],
])("typed %j is %j", (text, iso) => expect(parseUtc(text)).toBe(iso));
