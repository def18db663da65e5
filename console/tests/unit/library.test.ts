// CSV there and back, and what the library's pages derive from texts.
import { describe, expect, test } from "vitest";
import { parseCsv, writeCsv, writeSheet } from "$lib/csv";
import { callersOf, externalData, formatOf, framed, gridOf, isName, previewOf, unframed, watchlistCall } from "$lib/library";

describe("CSV", () => {
  const cases: [string, string, string[][]][] = [
    ["plain", "a,b\n1,2\n", [["a", "b"], ["1", "2"]]],
    ["no end of line at the end", "a,b\n1,", [["a", "b"], ["1", ""]]],
    ["quotes, commas, lines inside", 'a,"b ""x"", y"\r\n"two\nlines",\r\n', [["a", 'b "x", y'], ["two\nlines", ""]]],
    ["a byte order mark and blank lines", "\uFEFFa\n\n1\n", [["a"], ["1"]]],
    ["nothing", "", []],
    ["a quote inside a bare field", 'a"b,c\n', [['a"b', "c"]]],
  ];
  test.each(cases)("%s", (_, text, records) => expect(parseCsv(text)).toEqual(records));

  test("whatever is written is read again", () => {
    const pieces = ["", "a", ",", '"', "\n", "\r\n", "é", " b ", '""', "ا"];
    let seed = 7;
    const next = (most: number) => (seed = (seed * 48_271) % 2_147_483_647) % most;
    for (let round = 0; round < 500; round++) {
      const width = 1 + next(4);
      const field = () => Array.from({ length: next(4) }, () => pieces[next(pieces.length)]).join("");
      const records = Array.from({ length: 1 + next(5) }, () => Array.from({ length: width }, field));
      expect(parseCsv(writeCsv(records))).toEqual(records);
    }
  });

  test("what would be run as a formula is shown as it is", () => {
    expect(writeSheet([["=1+1", "@cmd", "-2", "+3", "a=b", ""]])).toBe("'=1+1,'@cmd,'-2,'+3,a=b,\r\n");
  });

  test("a record of another length is named by its line", () => {
    expect(gridOf("a,b\n1,2\n3\n").fault).toEqual({ line: 3, fields: 1 });
    expect(gridOf("a,b\n1,2\n").fault).toBeNull();
  });
});

test("callers are functions that call it and queries that name it with a bracket", () => {
  const one = (name: string, uses: string[]) => ({ name, uses, parameters: "", body: "", description: "", changed_by: "", created: "", updated: "", version: 1, problems: [] });
  const query = (name: string, text: string) => ({ id: name, name, description: "", query: text, owner: { id: "u", name: "u" }, shared: true, created: "", updated: "", version: 1 });
  const callers = callersOf("Fails", [one("A", ["Fails"]), one("B", [])], [query("yes", "Fails (3) | take 1"), query("no", "MyFails() | where x.Fails(1)"), query("mention", "T | where Fails == 1")]);
  expect(callers).toEqual({ functions: ["A"], queries: ["yes"] });
});

test("places in a framed text are places in the body", () => {
  const { text, start } = framed("(n: long)", "T | take n");
  const at = text.indexOf("take");
  const finding = (from: number) => ({ code: "K", level: "error" as const, message: "m", start: from, end: from + 4, line: 2, column: 5 });
  const analysis = { diagnostics: [finding(at), finding(4)], tokens: [{ start: at, end: at + 4, kind: "keyword" }, { start: 0, end: 3, kind: "keyword" }], completions: [], elapsed_ms: 1 };
  const { body, parameters } = unframed(analysis, start, "T | take n".length);
  expect(body.diagnostics).toMatchObject([{ start: 4, end: 8, line: 1 }]);
  expect(body.tokens).toEqual([{ start: 4, end: 8, kind: "keyword" }]);
  expect(parameters).toHaveLength(1);
});

test("names, calls and formats", () => {
  expect(["A_1", "_x-y", "1a", "a b", ""].map(isName)).toEqual([true, true, false, false, false]);
  expect(watchlistCall("it's")).toBe("_GetWatchlist('it\\'s')");
  expect(["a,b\n1,2", "[{}]", '{"a":1}', "one\ntwo"].map(formatOf)).toEqual(["csv", "json", "multijson", "txt"]);
  expect(previewOf('{"a":1}\n{"b":{"c":2}}', 5)).toEqual({ format: "multijson", columns: ["a", "b"], rows: [["1", ""], ["", '{"c":2}']] });
  expect(previewOf("[1", 5).columns).toEqual([]);
  expect(externalData("https://x.example/a.csv", ["code", "two words"], "csv")).toBe(
    "externaldata (code: string, ['two words']: string) [@\"https://x.example/a.csv\"] with (format=\"csv\", ignoreFirstRecord=true)",
  );
});
