// What the library's pages work out for themselves: who calls a function, how a thing is called in KQL, what a file holds. Pure.
import type { Analysis, Diagnostic, KeptFunction, SavedQuery } from "$lib/api/types";
import { parseCsv } from "./csv";

/** How a name is written in a call; watchlists may have any. */
export const watchlistCall = (name: string): string => `_GetWatchlist('${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}')`;

/** Names that functions, watchlists and reference tables may have. */
export const isName = (name: string): boolean => /^[A-Za-z_][\w-]*$/.test(name);

export interface Callers {
  functions: string[];
  queries: string[];
}

/** Who would feel it when a function changed: functions that call it, also through others, and kept queries that name it. */
export function callersOf(name: string, functions: readonly KeptFunction[], queries: readonly SavedQuery[]): Callers {
  const called = new RegExp(`(?<![\\w.])${name.replace(/[^\w]/g, "\\$&")}\\s*\\(`);
  return {
    functions: functions.filter(({ uses }) => uses.includes(name)).map((one) => one.name),
    queries: queries.filter(({ query }) => called.test(query)).map((one) => one.name),
  };
}

/** A body and its parameters as a text that the compiler can read, and where the body begins in it. */
export function framed(parameters: string, body: string): { text: string; start: number } {
  const head = `let _ = ${parameters.trim() === "" ? "()" : parameters.trim()} {\n`;
  return { text: `${head}${body}\n};\nprint 1`, start: head.length };
}

/** What was said of a framed text, with the places of the body; what lies outside the body belongs to the parameters. */
export function unframed(analysis: Analysis, start: number, length: number): { body: Analysis; parameters: Diagnostic[] } {
  const end = start + length;
  const inside = (one: { start: number; end: number }) => one.start >= start && one.start <= end;
  const moved = <T extends { start: number; end: number }>(one: T): T => ({ ...one, start: one.start - start, end: Math.min(one.end, end) - start });
  const found = analysis.diagnostics;
  return {
    body: {
      ...analysis,
      tokens: analysis.tokens.filter(inside).map(moved),
      completions: analysis.completions.filter(inside).map(moved),
      diagnostics: found.filter(inside).map((one) => ({ ...moved(one), line: one.line - 1 })),
      hover: analysis.hover && inside(analysis.hover) ? moved(analysis.hover) : null,
    },
    parameters: found.filter((one) => one.start < start),
  };
}

export interface Grid {
  columns: string[];
  rows: string[][];
  /** What keeps it from being used, with the line. */
  fault: { line: number; fields: number } | null;
}

/** A CSV with names in its first record as a grid; the first record of another length is named. */
export function gridOf(csv: string): Grid {
  const [columns = [], ...rows] = parseCsv(csv);
  const odd = rows.findIndex((row) => row.length !== columns.length);
  return { columns, rows, fault: odd < 0 ? null : { line: odd + 2, fields: rows[odd]?.length ?? 0 } };
}

export type Format = "csv" | "json" | "multijson" | "txt";

/** What a text looks like, as `externaldata` names its formats. */
export function formatOf(text: string): Format {
  const head = text.trimStart();
  if (head.startsWith("[")) return "json";
  if (head.startsWith("{")) return "multijson";
  return (head.split("\n", 1)[0] ?? "").includes(",") ? "csv" : "txt";
}

/** Columns and the first rows of a text, as far as its format shows them. */
export function previewOf(text: string, most: number): { format: Format; columns: string[]; rows: string[][] } {
  const format = formatOf(text);
  if (format === "csv") {
    const { columns, rows } = gridOf(text);
    return { format, columns, rows: rows.slice(0, most) };
  }
  if (format === "txt") return { format, columns: ["Line"], rows: text.split(/\r?\n/).slice(0, most).map((line) => [line]) };
  try {
    const records: unknown[] = format === "json" ? (JSON.parse(text) as unknown[]) : text.trim().split(/\r?\n/).slice(0, most).map((line) => JSON.parse(line) as unknown);
    const objects = records.slice(0, most).filter((one): one is Record<string, unknown> => typeof one === "object" && one !== null);
    const columns = [...new Set(objects.flatMap((one) => Object.keys(one)))];
    return { format, columns, rows: objects.map((one) => columns.map((name) => plain(one[name]))) };
  } catch {
    return { format, columns: [], rows: [] };
  }
}

const plain = (value: unknown): string => (value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** The query that reads a reference table by one of its addresses. */
export function externalData(address: string, columns: readonly string[], format: Format): string {
  const shape = columns.map((name) => `${/^\w+$/.test(name) ? name : `['${name}']`}: string`).join(", ");
  const first = format === "csv" ? ", ignoreFirstRecord=true" : "";
  return `externaldata (${shape}) [@"${address}"] with (format="${format}"${first})`;
}
