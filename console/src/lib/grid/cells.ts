// Cells as text, their widths, and the order of rows. Pure.
import type { Column } from "$lib/api/types";

export type Row = readonly unknown[];
export interface Sort {
  column: number;
  descending: boolean;
}

const numeric = new Set(["int", "long", "real", "decimal"]);

export function isNumeric(type: string): boolean {
  return numeric.has(type);
}

/** What a cell shows, in one line. Trailing zeros of KQL's seven decimals are dropped: they say nothing. */
export function cellText(value: unknown, type: string): string {
  if (value === null || value === undefined) return "";
  if (type === "datetime" && typeof value === "string") return instantText(value);
  if (typeof value === "string") return value.length > 400 ? `${value.slice(0, 400)}…` : value;
  if (typeof value === "object") {
    const json = JSON.stringify(value);
    return json.length > 400 ? `${json.slice(0, 400)}…` : json;
  }
  return String(value);
}

/** `2026-11-21 14:03:22.5Z`. */
export function instantText(iso: string): string {
  return iso.replace("T", " ").replace(/\.?0*Z$/, "Z");
}

/** What is copied: the whole value, instants as ISO 8601. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const letter = 7.3;
const [narrowest, widest] = [72, 420];

/** A width for each column from its name and its first values. */
export function widthsOf(columns: readonly Column[], sample: readonly Row[]): number[] {
  return columns.map((column, at) => {
    let letters = column.name.length + 4;
    for (const row of sample) letters = Math.max(letters, cellText(row[at], column.type).length);
    return Math.round(Math.min(widest, Math.max(narrowest, letters * letter + 18)));
  });
}

/** The order in which to show rows: a stable permutation, empty cells always last. */
export function orderOf(rows: readonly Row[], type: string, sort: Sort): Uint32Array {
  const order = Uint32Array.from(rows.keys());
  const direction = sort.descending ? -1 : 1;
  const compare = comparison(type);
  return order.sort((a, b) => {
    const [left, right] = [rows[a]?.[sort.column], rows[b]?.[sort.column]];
    const [noLeft, noRight] = [left === null || left === undefined, right === null || right === undefined];
    if (noLeft || noRight) return noLeft === noRight ? a - b : noLeft ? 1 : -1;
    return direction * compare(left, right) || a - b;
  });
}

function comparison(type: string): (a: unknown, b: unknown) => number {
  if (numeric.has(type)) return (a, b) => Number(a) - Number(b);
  if (type === "timespan") return (a, b) => ticks(String(a)) - ticks(String(b));
  if (type === "dynamic") return (a, b) => byCode(plainText(a), plainText(b));
  return (a, b) => byCode(String(a), String(b));
}

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `[-][d.]hh:mm:ss[.fffffff]` in seconds. */
export function ticks(text: string): number {
  const match = /^(-)?(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (match === null) return Number.NaN;
  const seconds = Number(match[2] ?? 0) * 86_400 + Number(match[3]) * 3_600 + Number(match[4]) * 60 + Number(match[5]);
  return match[1] === undefined ? seconds : -seconds;
}
