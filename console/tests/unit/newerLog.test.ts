import { describe, expect, it } from "vitest";
import type { DutyEntry, DutyLog } from "$lib/api/types";
import { grown, shown } from "$lib/field/newerLog";

const entry = (number: number, corrects: number | null = null) => ({ number, corrects, corrected_by: null }) as unknown as DutyEntry;
const page = (from: number, count: number, next: number | null = null): DutyLog => ({
  entries: Array.from({ length: count }, (_, at) => entry(from - at)),
  next,
});

describe("the log grows by what is new", () => {
  it("takes new entries in front and marks what they correct", () => {
    const after = grown(page(3, 3), { entries: [entry(6, 2), entry(5, 2), entry(4)], next: null });
    expect(after?.entries.map(({ number, corrected_by }) => [number, corrected_by])).toEqual([
      [6, null],
      [5, null],
      [4, null],
      [3, null],
      [2, 6],
      [1, null],
    ]);
    expect(after?.next).toBeNull();
  });

  it("keeps a page's length and says where the next begins", () => {
    const after = grown(page(shown, shown), { entries: [entry(shown + 1)], next: null });
    expect([after?.entries.length, after?.entries[0]?.number, after?.next]).toEqual([shown, shown + 1, 2]);
  });

  it("is read whole when there was more than a page", () => {
    expect(grown(page(3, 3), page(90, 60, 31))).toBeUndefined();
  });
});
