// From an answer to lines over time. Pure.
import type { Column } from "$lib/api/types";
import { parseInstant } from "$lib/i18n/format";
import { isNumeric, type Row } from "$lib/grid/cells";

export interface Lines {
  /** Seconds since 1970, ascending. */
  times: number[];
  lines: { name: string; values: (number | null)[] }[];
  /** Series beyond the limit, left out of the picture and counted. */
  left_out: number;
}

const most = 12;

/** Lines of an answer with one instant and at least one number; a text column splits them. Null: it cannot be drawn. */
export function linesOf(columns: readonly Column[], rows: readonly Row[]): Lines | null {
  const time = columns.findIndex((column) => column.type === "datetime");
  const numbers = columns.flatMap((column, at) => (isNumeric(column.type) ? [at] : []));
  if (time < 0 || numbers.length === 0 || rows.length === 0) return null;
  const split = columns.findIndex((column, at) => at !== time && !isNumeric(column.type) && column.type !== "datetime");
  const times = new Set<number>();
  const byName = new Map<string, Map<number, number>>();
  for (const row of rows) {
    const second = secondsOf(row[time]);
    if (second === null) continue;
    times.add(second);
    for (const at of numbers) {
      const name = nameOf(columns[at]?.name ?? "", split < 0 ? null : row[split], numbers.length > 1);
      const line = byName.get(name) ?? new Map<number, number>();
      byName.set(name, line);
      const value = row[at];
      if (value !== null && value !== undefined) line.set(second, (line.get(second) ?? 0) + Number(value));
    }
  }
  const ordered = [...times].sort((a, b) => a - b);
  const ranked = [...byName].sort(([, a], [, b]) => sum(b) - sum(a));
  const lines = ranked.slice(0, most).map(([name, values]) => ({ name, values: ordered.map((at) => values.get(at) ?? null) }));
  return { times: ordered, lines, left_out: Math.max(0, ranked.length - most) };
}

function nameOf(column: string, split: unknown, several: boolean): string {
  if (split === null || split === undefined || split === "") return column;
  return several ? `${String(split)} · ${column}` : String(split);
}

function secondsOf(value: unknown): number | null {
  const date = typeof value === "string" ? parseInstant(value) : null;
  return date === null ? null : date.getTime() / 1000;
}

const sum = (line: Map<number, number>): number => [...line.values()].reduce((total, value) => total + value, 0);

/** Bars of an answer with one label and one number, greatest first as the answer has them. */
export function barsOf(columns: readonly Column[], rows: readonly Row[]): { label: string; value: number }[] | null {
  const number = columns.findIndex((column) => isNumeric(column.type));
  const label = columns.findIndex((column, at) => at !== number && !isNumeric(column.type));
  if (number < 0 || label < 0) return null;
  return rows.slice(0, 50).map((row) => ({ label: String(row[label] ?? ""), value: Number(row[number] ?? 0) }));
}
