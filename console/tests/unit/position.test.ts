import { expect, test } from "vitest";
import { readEntry } from "$lib/router/position";

test("what a history entry holds is read back, and anything else is nothing", () => {
  expect(readEntry({ from: "/rules?state=enabled", position: { top: 12.5, row: 3 } })).toEqual({ from: "/rules?state=enabled", position: { top: 12.5, row: 3 } });
  for (const odd of [null, undefined, 3, "x", {}, { from: 1, position: [] }, { position: { top: -1, row: 0 } }, { position: { top: Number.NaN } }]) {
    expect(readEntry(odd)).toEqual(typeof odd === "object" && odd !== null ? { from: undefined, position: undefined } : {});
  }
  expect(readEntry({ position: { top: 1, row: 1.5 } }).position).toEqual({ top: 1, row: null });
});
