import { expect, test } from "vitest";
import { cellText, orderOf, ticks, widthsOf, type Row } from "$lib/grid/cells";
import { columnWindow, offsetsOf, rowWindow, scrollInto } from "$lib/grid/window";

/** A small seeded generator: the same numbers every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 0x7fffffff;
}

test("the rows in view are always among those drawn, and never more than some eighty", () => {
  const random = generator(5);
  for (let round = 0; round < 2000; round++) {
    const [count, height] = [Math.floor(random() * 100_000), 100 + random() * 1200];
    const scroll = random() * Math.max(0, count * 26 - height);
    const { first, end } = rowWindow(scroll, height, 26, count);
    for (let row = 0; row < count; row += Math.max(1, Math.floor(count / 50))) {
      const seen = row * 26 < scroll + height && (row + 1) * 26 > scroll;
      if (seen) expect(row >= first && row < end, `row ${row} of ${count} at ${scroll}`).toBe(true);
    }
    expect(end - first).toBeLessThanOrEqual(Math.ceil(height / 26) + 18);
    expect(first >= 0 && end <= count).toBe(true);
  }
});

test("the columns in view are the same as a look at each of them finds", () => {
  const random = generator(9);
  for (let round = 0; round < 500; round++) {
    const widths = Array.from({ length: 1 + Math.floor(random() * 300) }, () => 48 + Math.floor(random() * 372));
    const offsets = offsetsOf(widths);
    const [scroll, view] = [random() * (offsets.at(-1) ?? 0), 200 + random() * 1500];
    const { first, end } = columnWindow(scroll, view, offsets);
    widths.forEach((width, at) => {
      const start = offsets[at] ?? 0;
      if (start < scroll + view && start + width > scroll) expect(at >= first && at < end, `column ${at}`).toBe(true);
    });
  }
});

test("an empty answer has nothing to draw", () => {
  expect(rowWindow(0, 400, 26, 0)).toEqual({ first: 0, end: 0 });
  expect(columnWindow(0, 800, offsetsOf([]))).toEqual({ first: 0, end: 0 });
});

test("scrolling moves as little as it must", () => {
  expect(scrollInto(100, 50, 90, 95)).toBe(90);
  expect(scrollInto(100, 50, 160, 170)).toBe(120);
  expect(scrollInto(100, 50, 110, 120)).toBe(100);
});

const sorted = (values: unknown[], type: string, descending = false) => {
  const rows: Row[] = values.map((value) => [value]);
  return [...orderOf(rows, type, { column: 0, descending })].map((at) => values[at]);
};

test("numbers sort as numbers, timespans as lengths, and nothing comes last either way", () => {
  expect(sorted([10, 9, null, 100], "long")).toEqual([9, 10, 100, null]);
  expect(sorted([10, 9, null, 100], "long", true)).toEqual([100, 10, 9, null]);
  expect(sorted(["1.00:00:00", "23:59:59", "-00:00:01"], "timespan")).toEqual(["-00:00:01", "23:59:59", "1.00:00:00"]);
  expect(sorted(["b", "a", "B"], "string")).toEqual(["B", "a", "b"]);
});

test("sorting is stable and loses no row", () => {
  const random = generator(3);
  const rows: Row[] = Array.from({ length: 5000 }, (_, at) => [Math.floor(random() * 20), at]);
  const order = [...orderOf(rows, "long", { column: 0, descending: false })];
  expect(new Set(order).size).toBe(rows.length);
  for (let at = 1; at < order.length; at++) {
    const [before, after] = [rows[order[at - 1] ?? 0] as number[], rows[order[at] ?? 0] as number[]];
    expect((before[0] ?? 0) < (after[0] ?? 0) || (before[0] === after[0] && (before[1] ?? 0) < (after[1] ?? 0))).toBe(true);
  }
});

test("cells say what the value is, in one line", () => {
  expect(cellText("2026-11-21T14:03:22.5000000Z", "datetime")).toBe("2026-11-21 14:03:22.5Z");
  expect(cellText("2026-11-21T14:00:00.0000000Z", "datetime")).toBe("2026-11-21 14:00:00Z");
  expect(cellText({ a: [1] }, "dynamic")).toBe('{"a":[1]}');
  expect(cellText(null, "string")).toBe("");
  expect(cellText("x".repeat(1000), "string")).toHaveLength(401);
  expect(ticks("1.02:03:04.5")).toBe(93_784.5);
});

test("widths follow what is seen, within bounds", () => {
  const columns = [{ name: "A", type: "string" }, { name: "Long", type: "string" }];
  const [narrow = 0, wide = 0] = widthsOf(columns, [["x", "y".repeat(500)]]);
  expect([narrow, wide]).toEqual([72, 420]);
});
