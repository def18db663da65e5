// Whose movements, since when, and a track's address.
import { expect, test } from "vitest";
import { holderOf, sinceDays, trackHref } from "$lib/field/movements";
import { sizeOf } from "$lib/map/serverMap";

test("a holder is a kind and a key; anything else is nobody in particular", () => {
  expect(holderOf("vehicle:UN-1")).toEqual({ holder_kind: "vehicle", holder: "UN-1" });
  expect(holderOf("device:a:b")).toEqual({ holder_kind: "device", holder: "a:b" });
  for (const odd of ["", "vehicle", ":UN-1", "vehicle:"]) expect(holderOf(odd), odd).toEqual({});
});

test("a question goes back to the beginning of a day, and a track asks the same", () => {
  const from = sinceDays(7, new Date("2026-03-02T13:14:15Z"));
  expect(from).toBe("2026-02-23T00:00:00Z");
  expect(trackHref("gpx", { from })).toBe("/api/v1/courier/tracks?format=gpx&from=2026-02-23T00%3A00%3A00Z");
  expect(trackHref("kml", { from, holder_kind: "person", holder: "P 1&2" })).toContain("&holder_kind=person&holder=P+1%262");
});

test("the size of a map file is that of the whole", () => {
  expect([sizeOf("bytes 0-126/4711", "127"), sizeOf(null, "99"), sizeOf("bytes 0-126/*", null), sizeOf(null, null)]).toEqual([4711, 99, 0, 0]);
});
