import { expect, test } from "vitest";
import { LineSplitter } from "$lib/api/lines";
import { asProblem, problemOf } from "$lib/api/problem";
import { barsOf, linesOf } from "$lib/chart/series";
import { parseHistory, remember } from "../../src/pages/ask/history";
import { foundIn } from "../../src/pages/ask/schema";
import { diagnosticsOf } from "$lib/editor/language";
import { byDay, detailOf } from "$lib/incidents";
import { matchesFilter, readFilter } from "$lib/alerts/filter";
import { lackingOf, emptyRule, parseTechniques } from "$lib/rules";
import { eventsHref } from "$lib/alerts/evidence";
import type { Alert, AlertDetail, Analysis, TimelineItem } from "$lib/api/types";

test("a stream cut anywhere gives the same lines", () => {
  const text = '{"a":"é🛰"}\n\n{"b":2}\r\n{"c":3}';
  const bytes = new TextEncoder().encode(text);
  const whole = ['{"a":"é🛰"}', '{"b":2}\r', '{"c":3}'];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new LineSplitter();
    expect([...splitter.push(bytes.slice(0, cut)), ...splitter.push(bytes.slice(cut)), ...splitter.end()]).toEqual(whole);
  }
});

test("whatever answers with an error becomes a problem that can be shown", async () => {
  const told = await problemOf(new Response('{"code":"too-large","title":"T","detail":"D","id":"req-1"}', { status: 413 }));
  expect(told.body).toMatchObject({ code: "too-large", status: 413, id: "req-1" });
  expect((await problemOf(new Response("<html>", { status: 502 }))).body).toMatchObject({ code: "http", status: 502 });
  expect(asProblem(new TypeError("fetch failed")).body.code).toBe("unreachable");
  expect(asProblem("x").body).toMatchObject({ code: "console", detail: "x" });
});

const columns = [{ name: "TimeGenerated", type: "datetime" }, { name: "Host", type: "string" }, { name: "n", type: "long" }];
test("lines over time are split by the text column, sorted by time, and limited with a count", () => {
  const rows = [["2026-11-21T02:00:00Z", "b", 1], ["2026-11-21T01:00:00Z", "a", 5], ["2026-11-21T02:00:00Z", "a", 7]];
  const lines = linesOf(columns, rows);
  expect(lines?.lines).toEqual([{ name: "a", values: [5, 7] }, { name: "b", values: [null, 1] }]);
  const many = Array.from({ length: 20 }, (_, at) => ["2026-11-21T01:00:00Z", `h${at}`, at]);
  expect(linesOf(columns, many)).toMatchObject({ left_out: 8 });
  expect(linesOf(columns.slice(1), [["a", 1]])).toBeNull();
  expect(barsOf(columns.slice(1), [["a", 1]])).toEqual([{ label: "a", value: 1 }]);
});

test("the same question again moves up", () => {
  const asked = (text: string) => ({ text, at: "2026-11-21T00:00:00Z", rows: null, elapsed_ms: null });
  const list = remember(remember(remember([], asked("A")), asked("B")), asked(" A "));
  expect(list.map(({ text }) => text)).toEqual(["A", "B"]);
  expect(parseHistory("not json")).toEqual([]);
  expect(parseHistory('[{"text":1},{"text":"ok","at":"x"}]')).toHaveLength(1);
});

test("tables are found by their name, then by their columns", () => {
  const tables = [
    { name: "Alpha", columns: [{ name: "Computer", type: "string" }] },
    { name: "ComputerLog", columns: [{ name: "X", type: "long" }] },
  ];
  expect(foundIn(tables, "comp").map(({ table, matched }) => [table.name, matched])).toEqual([["ComputerLog", false], ["Alpha", true]]);
  expect(foundIn(tables, "")).toHaveLength(2);
});

test("findings stay inside the text", () => {
  const analysis = { diagnostics: [{ code: "K", level: "hint", message: "m", help: "h", start: 3, end: 99, line: 1, column: 4 }] } as unknown as Analysis;
  expect(diagnosticsOf(analysis, 5)).toEqual([{ from: 3, to: 5, severity: "info", message: "m\nh", source: "K" }]);
});

const item = (at: string, parameters: unknown, text = "") => ({ at, kind: "status", actor: "", actor_name: "", text, parameters }) as TimelineItem;
test("a history is cut into days and says from what to what", () => {
  expect(byDay([item("2026-11-20T23:00:00Z", {}), item("2026-11-21T00:00:00Z", {}), item("2026-11-21T01:00:00Z", {})]).map(({ items }) => items.length)).toEqual([1, 2]);
  expect(detailOf(item("", { from: "new", to: "active" }, "words"))).toEqual({ from: "new", to: "active", text: null });
  expect(detailOf(item("", null, "words"))).toEqual({ from: null, to: null, text: "words" });
  expect(detailOf({ ...item("", { from: "active", classification: "false-positive" }), kind: "closed" })).toEqual({ from: null, to: "false-positive", text: null });
  expect(detailOf({ ...item("", { from: "u-1", to: null }), kind: "assigned" })).toEqual({ from: "u-1", to: "", text: null });
});

const alert = { severity: "high", rule_id: "r", techniques: ["T1003"], raised: "2026-11-21T14:00:00Z", entities: [{ kind: "host", name: "A", key: "a" }] } as unknown as Alert;
test.each([
  ["", true],
  ["severity=medium", true],
  ["severity=critical", false],
  ["entity=host:a&technique=T1003&rule=r&unassigned=true", true],
  ["entity=host:b", false],
  ["incident=7", false],
  ["from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z", false],
])("an alert that arrives belongs to %j: %s", (text, expected) => {
  expect(matchesFilter(alert, readFilter(new URLSearchParams(text), Date.parse("2026-11-21T14:00:00Z")))).toBe(expected);
});

test("a rule says what it lacks", () => {
  expect(lackingOf(emptyRule("T"))).toBe("rule.lacks.title");
  expect(lackingOf({ ...emptyRule("T"), title: "x" })).toBeNull();
  expect(lackingOf({ ...emptyRule("T"), title: "x", period_s: 60 })).toBe("rule.lacks.period");
  expect(parseTechniques("t1003.001, T1059 nonsense")).toEqual({ techniques: ["T1003.001", "T1059"], unknown: ["NONSENSE"] });
});

test("an alert's events are asked for by their rows and their time", () => {
  const event = (item_id: string, time: string) => ({ item_id, time, raw: "", reasons: [] });
  const detail = { events: [event('a-"1"', "2026-11-21T14:05:00.000000Z"), event("b-2", "2026-11-21T14:00:00.000000Z")] } as unknown as AlertDetail;
  const { searchParams } = new URL(eventsHref(detail), "http://vigie.example");
  expect(searchParams.get("q")).toBe('union withsource = Table *\n| where _ItemId in ("a-\\"1\\"", "b-2")');
  expect([searchParams.get("from"), searchParams.get("to")]).toEqual(["2026-11-21T13:59:00.000Z", "2026-11-21T14:06:00.000Z"]);
});
