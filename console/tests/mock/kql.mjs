// A stand-in for the compiler and the lake: enough colours, completions and rows to develop the workbench. It knows a
// handful of shapes and is no KQL engine; the tests that matter run against the real server.
import { generator, iso, now, tables } from "./data.mjs";

const keywords = /^(where|summarize|by|project|extend|take|top|order|sort|join|union|let|render|print|asc|desc|on|kind|and|or|not|in|has|contains|startswith|between|limit|distinct)$/;
const functions = /^(count|dcount|bin|ago|now|strlen|tostring|isempty|isnotempty|isnull|isnotnull|datetime|sum|avg|max|min|arg_max)$/;

export function analyze(text, offset) {
  const tokens = [];
  const diagnostics = [];
  const known = new Set(tables.flatMap(({ columns }) => columns.map(({ name }) => name)));
  const names = new Set(tables.map(({ name }) => name));
  for (const match of text.matchAll(/\/\/[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|\d+(?:\.\d+)?[a-z]*|[|=!<>+\-*/.,;()]+/g)) {
    const word = match[0];
    const kind = word.startsWith("//") ? "comment" : /^["']/.test(word) ? "string" : /^\d/.test(word) ? "number"
      : keywords.test(word) ? "keyword" : functions.test(word) ? "function" : names.has(word) ? "table" : known.has(word) ? "column"
      : /^\w/.test(word) ? "variable" : "punctuation";
    tokens.push({ start: match.index, end: match.index + word.length, kind });
    if (word === "wher") {
      diagnostics.push({ code: "KQL0012", level: "error", message: "`wher` is not an operator", start: match.index, end: match.index + 4, line: text.slice(0, match.index).split("\n").length, column: 1, help: "Did you mean `where`?" });
    }
  }
  return { diagnostics, tokens, completions: offset === null || offset === undefined ? [] : complete(text, offset), hover: hover(text, offset), columns: null, elapsed_ms: 0.4 };
}

function complete(text, offset) {
  const start = offset - (/\w*$/.exec(text.slice(0, offset))?.[0].length ?? 0);
  const head = text.slice(0, start);
  const offers = head.trim() === "" ? tables.map(({ name, columns }) => [name, "table", `${columns.length} columns`, null])
    : /\|\s*$/.test(head) ? [["where", "operator", "rows for which a condition holds", "Keeps the rows for which the condition is true."], ["summarize", "operator", "groups", null], ["project", "operator", "columns", null], ["extend", "operator", "new columns", null], ["take", "operator", "some rows", null], ["top", "operator", "first rows", null], ["render", "operator", "a picture", null]]
    : [...tables.filter(({ name }) => head.includes(name)).flatMap(({ columns }) => columns.map(({ name, type }) => [name, "column", type, null])), ["ago", "function", "ago(timespan)", null], ["count", "function", "count()", null]];
  const typed = text.slice(start, offset).toLowerCase();
  return offers.filter(([label]) => label.toLowerCase().startsWith(typed))
    .map(([label, kind, detail, documentation]) => ({ label, kind, detail, documentation, insert: label, start, end: offset }));
}

function hover(text, offset) {
  if (offset === null || offset === undefined) return null;
  for (const match of text.matchAll(/\w+/g)) {
    if (match.index > offset || match.index + match[0].length < offset) continue;
    const table = tables.find(({ name }) => name === match[0]);
    if (table) return { start: match.index, end: match.index + match[0].length, title: table.name, text: `table with ${table.columns.length} columns` };
  }
  return null;
}

/** Columns and rows for a query, by its shape alone. */
export function answer(query) {
  const next = generator(11);
  const table = tables.find(({ name }) => query.includes(name)) ?? tables[0];
  if (/render timechart/.test(query)) {
    const columns = [{ name: "TimeGenerated", type: "datetime" }, { name: "Computer", type: "string" }, { name: "count_", type: "long" }];
    const rows = Array.from({ length: 96 * 3 }, (_, at) => [iso(now - (96 - Math.floor(at / 3)) * 900_000), ["DC-01", "WS-041", "FS-02"][at % 3], Math.round(200 + 150 * Math.sin(at / 20 + (at % 3)) + next() * 60)]);
    return { columns, rows, visualization: "timechart" };
  }
  if (/summarize/.test(query)) {
    const columns = [{ name: "TargetUserName", type: "string" }, { name: "IpAddress", type: "string" }, { name: "failures", type: "long" }];
    return { columns, rows: Array.from({ length: 20 }, (_, at) => [`user${at}`, `10.0.0.${at}`, 900 - at * 40]), visualization: null };
  }
  const wanted = Number(/take (\d+)/.exec(query)?.[1] ?? 100_000);
  const value = (type, name, at) => type === "datetime" ? iso(now - at * 1300).replace("000Z", "0000Z") : type === "int" || type === "long" ? (name === "EventID" ? [4624, 4625, 4688, 4672][at % 4] : Math.floor(next() * 9000))
    : type === "dynamic" ? { LogonGuid: `{${at}}`, Keywords: ["a", "b"] } : type === "guid" ? `00000000-0000-0000-0000-${String(at).padStart(12, "0")}`
    : name === "Computer" || name === "DeviceName" ? ["DC-01", "WS-041", "FS-02"][at % 3] : at % 17 === 0 ? null : `${name.toLowerCase()}-${Math.floor(next() * 500)}`;
  return { columns: table.columns, rows: Array.from({ length: wanted }, (_, at) => table.columns.map(({ name, type }) => value(type, name, at))), visualization: null };
}
