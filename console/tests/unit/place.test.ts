import { expect, test } from "vitest";
import { hrefOf, parsePlace, patchParams, safeReturn } from "$lib/router/place";

const place = (path: string) => {
  const { page, id, params } = parsePlace(new URL(path, "http://vigie.example"));
  return [page, id, params.toString()];
};

test.each([
  ["/", ["overview", null, ""]],
  ["/alerts?severity=high&range=7d", ["alerts", null, "severity=high&range=7d"]],
  ["/incidents/0192f6c1", ["incidents", "0192f6c1", ""]],
  ["/rules/a%2Fb", ["rules", "a/b", ""]],
  ["/rules/%E0%A4%A", ["rules", "%E0%A4%A", ""]],
  ["/nowhere", ["unknown", null, ""]],
])("%s is read as %j", (path, expected) => expect(place(path)).toEqual(expected));

test("an address survives being written and read, whatever the query holds", () => {
  const query = 'T\n| where a == "b&c=d#é🛰+%" // ?';
  const { page, params } = parsePlace(new URL(hrefOf("ask", null, { q: query, run: "1" }), "http://vigie.example"));
  expect([page, params.get("q"), params.get("run")]).toEqual(["ask", query, "1"]);
});

test("empty parameters leave no trace", () => {
  expect(hrefOf("alerts", null, { severity: null, rule: "", entity: undefined, technique: [] })).toBe("/alerts");
  expect(patchParams(new URLSearchParams("a=1&b=2"), { a: null, c: ["3", "4"] }).toString()).toBe("b=2&c=3&c=4");
});

test.each([
  ["/incidents/7?open=1", "/incidents/7?open=1"],
  ["//evil.example/x", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["/login?next=/x", "/"],
  [null, "/"],
])("after login, %j leads to %s", (target, expected) => expect(safeReturn(target)).toBe(expected));
