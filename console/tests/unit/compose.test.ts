import { expect, test } from "vitest";
import { addCondition, columnName, condition, pivot, splitPipeline } from "$lib/kql/compose";

test.each([
  ["Computer", "string", "WS-041", true, 'Computer == "WS-041"'],
  ["Computer", "string", "WS-041", false, 'Computer != "WS-041"'],
  ["Path", "string", 'C:\\x\\"y"', true, 'Path == "C:\\\\x\\\\\\"y\\""'],
  ["Note", "string", "two\nlines", true, 'Note == "two\\nlines"'],
  ["Note", "string", "", true, "isempty(Note)"],
  ["Note", "string", null, false, "isnotempty(Note)"],
  ["EventID", "int", 4625, true, "EventID == 4625"],
  ["EventID", "int", null, true, "isnull(EventID)"],
  ["Ok", "bool", false, true, "Ok == false"],
  ["At", "datetime", "2026-11-21T14:03:22.5000000Z", true, "At == datetime(2026-11-21T14:03:22.5000000Z)"],
  ["Took", "timespan", "00:00:01", false, "Took != timespan(00:00:01)"],
  ["odd name", "long", 1, true, "['odd name'] == 1"],
  ["Data", "dynamic", { a: 'x"' }, true, 'tostring(Data) == "{\\"a\\":\\"x\\\\\\"\\"}"'],
])("%s (%s) %j, include %s: %s", (column, type, value, include, expected) => {
  expect(condition(column, type, value, include)).toBe(expected);
});

test.each([
  ["T", "T\n| where x"],
  ["T;", "T\n| where x"],
  ["T | take 5", "T\n| take 5\n| where x"],
  ["T | summarize count() by bin(t, 1h) | render timechart", "T\n| summarize count() by bin(t, 1h)\n| where x\n| render timechart"],
  ['T | where a == "b|c;d"', 'T\n| where a == "b|c;d"\n| where x'],
  ["T | where a == @'c:\\'", "T\n| where a == @'c:\\'\n| where x"],
  ["let A = 1;\nT | where a == A", "let A = 1;\nT\n| where a == A\n| where x"],
  ["T | join (U | where b) on c", "T\n| join (U | where b) on c\n| where x"],
  ["T // a | comment\n| take 1", "T // a | comment\n| take 1\n| where x"],
])("%j with one more condition", (query, expected) => expect(addCondition(query, "x")).toBe(expected));

test("a pivot starts over from where the query starts", () => {
  expect(pivot("let A = 1;\nT | where a == A | summarize count()", "x")).toBe("let A = 1;\nT\n| where x");
});

test("quotes and brackets hide bars", () => {
  expect(splitPipeline("T | extend a = dynamic([1]) | where f('|', \"|\\\"|\")").stages).toHaveLength(3);
});

test("odd names are bracketed", () => {
  expect(columnName("it's")).toBe("['it\\'s']");
  expect(columnName("_ok9")).toBe("_ok9");
});
