// Which rules are asked for, and their fields against the ways by which events arrive.
import { expect, test } from "vitest";
import type { Rule, RuleGate } from "$lib/api/types";
import { daysSeries, fieldLines } from "$lib/detection/mapping";
import { correlationType, kindOf, readRuleFilter } from "$lib/detection/ruleFilter";

const rule = (over: Partial<Rule>): Rule => ({ id: "r", kind: "sigma", title: "T", severity: "low", state: "enabled", techniques: [], tags: [], origin: "", alert_count: 0, problem_count: 0, version: 1, log_source: "windows/security", ...over });
const all = [rule({ id: "a" }), rule({ id: "b", kind: "kql", log_source: null }), rule({ id: "c", log_source: "correlation/event_count", title: "Many" }), rule({ id: "d", log_source: "correlation/temporal", tags: ["attack.t1110"] })];

function check(address: string, query: Record<string, unknown>, kept: string) {
  test(address || "nothing asked", () => {
    const asked = readRuleFilter(new URLSearchParams(address));
    expect(asked.query).toEqual(query);
    expect(all.filter(asked.keeps).map(({ id }) => id).join("")).toBe(kept);
  });
}
check("", {}, "abcd");
check("kind=sigma", { kind: "sigma" }, "a");
check("kind=kql&state=broken", { kind: "kql", state: "broken" }, "b");
check("kind=correlation", { kind: "sigma", search: "correlation/" }, "cd");
check("kind=correlation&search=mAny", { kind: "sigma", search: "correlation/" }, "c");
check("kind=correlation&search=T1110", { kind: "sigma", search: "correlation/" }, "d");
check("search= x &severity=high&technique=T1003", { search: "x", severity: "high", technique: "T1003" }, "abcd");
check("kind=nonsense&state=?&severity=worst", {}, "abcd");

test("what a rule is", () => {
  expect(all.map(kindOf)).toEqual(["sigma", "kql", "correlation", "correlation"]);
  expect(all.map(correlationType)).toEqual([null, null, "event_count", "temporal"]);
});

test("fields against gates: those that some gate lacks come first", () => {
  const use = (field: string, source_field: string | null) => ({ field, source_field });
  const gates: RuleGate[] = [
    { name: "one", can_hold: true, fields: [use("A", "A"), use("B", "x"), use("C", null)] },
    { name: "two", can_hold: false, fields: [use("A", "A"), use("C", "C")] },
  ];
  expect(fieldLines(gates)).toEqual([
    { field: "C", absent: 1, places: [{ found: "absent" }, { found: "same" }] },
    { field: "A", absent: 0, places: [{ found: "same" }, { found: "same" }] },
    { field: "B", absent: 0, places: [{ found: "renamed", name: "x" }, { found: "unasked" }] },
  ]);
  expect(fieldLines([])).toEqual([]);
});

test("thirty days end now", () => {
  const series = daysSeries([1, 2, 3], Date.UTC(2026, 0, 4));
  expect(series.points.map(({ at, value }) => `${at.slice(0, 10)}:${value}`)).toEqual(["2026-01-01:1", "2026-01-02:2", "2026-01-03:3"]);
});
