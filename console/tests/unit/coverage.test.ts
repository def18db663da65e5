// The ATT&CK matrix: nothing is lost on the way into its columns, and the arrows always lead to a cell. And the words of
// a log source.
import { describe, expect, test } from "vitest";
import type { TechniqueCoverage } from "$lib/api/types";
import { columnsOf, countStandings, keep, move, type Column } from "$lib/detection/coverage";
import { logSourceText, readLogSource } from "$lib/detection/logSource";

const technique = (id: string, tactics: string, standing = "ready"): TechniqueCoverage => ({ technique: id, tactics: tactics.split(" ").filter(Boolean), standing, rules: 1, by_standing: {}, alerts: 0, best: [] });
const view = (open: string[] = [], kept: string[] = []) => ({ open: new Set(open), kept: new Set(kept) });
/** Columns that hold something: `execution: T1(2) T2+ T2.001`; a number tells of folded sub-techniques, `+` that they are shown. */
const told = (columns: Column[]) =>
  columns.filter(({ items }) => items.length > 0).map(({ tactic, items }) => `${tactic}: ${items.map(({ coverage, subs, isOpen }) => coverage.technique + (isOpen ? "+" : subs ? `(${subs})` : "")).join(" ")}`);

const all = [
  technique("T1", "execution", "fired"), technique("T1.001", "execution", "ready"), technique("T1.002", "", "no-events"),
  technique("T2", "impact execution", "no-events"), technique("T3", "", "loaded"),
  technique("T4", "", "not-in-force"), technique("T4.001", "discovery", "fired"), technique("T4.002", "", "some-new-word"),
  technique("T5.001", "impact", "ready"), technique("T6", "time-travel", "ready"), technique("T7", "defense-evasion", "ready"),
];

describe("columns", () => {
  test("ATT&CK's order, then what it does not know, then what names no tactic; empty tactics stay", () => {
    const columns = columnsOf(all, view());
    expect(columns.map(({ tactic }) => tactic).join(" ")).toBe(
      "reconnaissance resource-development initial-access execution persistence privilege-escalation stealth defense-impairment defense-evasion credential-access discovery lateral-movement collection command-and-control exfiltration impact time-travel none",
    );
    expect(told(columns)).toEqual(["execution: T1(2) T2", "defense-evasion: T7", "discovery: T4(2)", "impact: T2 T5.001", "time-travel: T6", "none: T3"]);
    expect(columnsOf([technique("T1", "impact")], view()).some(({ tactic }) => tactic === "none" || tactic === "defense-evasion")).toBe(false);
  });
  test("sub-techniques stand below their technique", () => {
    expect(told(columnsOf(all, view(["T1", "T2"])))[0]).toBe("execution: T1+ T1.001 T1.002 T2");
  });
  test("a filter keeps what fits, and shows what lies below something that does not", () => {
    expect(told(columnsOf(all, view([], ["fired"])))).toEqual(["execution: T1", "discovery: T4+ T4.001"]);
    expect(told(columnsOf(all, view([], ["no-events"])))).toEqual(["execution: T1+ T1.002 T2", "impact: T2"]);
    expect(columnsOf(all, view([], ["no-fields"])).every(({ items }) => items.length === 0)).toBe(true);
  });
  test("with everything open every technique is somewhere, and none twice in a column", () => {
    const columns = columnsOf(all, view(all.map((one) => one.technique)));
    const seen = columns.map(({ items }) => items.map(({ coverage }) => coverage.technique));
    expect(new Set(seen.flat())).toEqual(new Set(all.map((one) => one.technique)));
    for (const column of seen) expect(new Set(column).size).toBe(column.length);
  });
  test("an unknown standing counts as the least", () => {
    expect(countStandings(all)).toEqual({ fired: 2, ready: 4, "some-fields": 0, loaded: 1, "no-fields": 0, "no-events": 2, "not-in-force": 2 });
  });
});

describe("arrows", () => {
  const columns = columnsOf(all, view());
  const at = (tactic: string, row: number) => ({ column: columns.findIndex((one) => one.tactic === tactic), row });
  test.each([
    ["ArrowDown", false, false, at("execution", 0), at("execution", 1)],
    ["ArrowDown", false, false, at("execution", 1), at("execution", 1)],
    ["ArrowUp", false, false, at("execution", 0), at("execution", 0)],
    ["ArrowRight", false, false, at("execution", 1), at("defense-evasion", 0)],
    ["ArrowLeft", true, false, at("execution", 1), at("defense-evasion", 0)],
    ["ArrowLeft", false, false, at("execution", 0), at("execution", 0)],
    ["ArrowRight", false, false, at("none", 0), at("none", 0)],
    ["Home", false, false, at("impact", 1), at("execution", 1)],
    ["End", false, false, at("impact", 1), at("none", 0)],
    ["Home", false, true, at("impact", 1), at("execution", 0)],
    ["End", false, true, at("execution", 1), at("none", 0)],
    ["PageDown", false, false, at("impact", 0), at("impact", 1)],
    ["PageUp", false, false, at("impact", 1), at("impact", 0)],
  ])("%s (right to left %s, Ctrl %s) from %j", (key, rtl, mod, from, to) => expect(move(columns, from, key, { rtl, mod })).toEqual(to));
  test("other keys do not move", () => expect(move(columns, at("impact", 0), "a", { rtl: false, mod: false })).toBeNull());
  test("the place is kept by name", () => {
    expect(keep(columnsOf(all, view(["T1"])), "execution", "T2")).toEqual(at("execution", 3));
    expect(keep(columns, null, "T5.001")).toEqual(at("impact", 1));
    expect(keep(columns, "impact", "T1")).toEqual(at("execution", 0));
    expect(keep([], "impact", "T1")).toBeNull();
  });
});

test.each([
  [" Okta ", "", "okta", { product: "okta", service: "okta" }, "product=okta, service=okta"],
  ["", "proxy", "", { category: "proxy" }, "category=proxy"],
  ["", "", "", {}, ""],
])("log source %j %j %j", (product, category, service, read, text) => {
  expect(readLogSource({ product, category, service })).toEqual(read);
  expect(logSourceText(read)).toBe(text);
});
test.each(["a b", "é", "a,b", "a=b", "x".repeat(65)])("%j is no word of a log source", (service) => expect(readLogSource({ product: "", category: "", service })).toBeNull());
