// The fields of a rule against the ways by which events reach it, and its alerts by day. Pure.
import type { RuleGate, Series } from "$lib/api/types";

/** Where a gate has a field: under its own name, under another, or nowhere. */
export type Place = { found: "same" } | { found: "renamed"; name: string } | { found: "absent" } | { found: "unasked" };

export interface FieldLine {
  field: string;
  /** One for each gate, in their order. */
  places: Place[];
  absent: number;
}

/** One line for each field, those that some gate lacks first. */
export function fieldLines(gates: readonly RuleGate[]): FieldLine[] {
  const names = [...new Set(gates.flatMap(({ fields }) => fields.map(({ field }) => field)))].sort();
  const lines = names.map((field) => {
    const places = gates.map((gate) => placeOf(gate, field));
    return { field, places, absent: places.filter(({ found }) => found === "absent").length };
  });
  return [...lines.filter(({ absent }) => absent > 0), ...lines.filter(({ absent }) => absent === 0)];
}

function placeOf(gate: RuleGate, field: string): Place {
  const use = gate.fields.find((one) => one.field === field);
  if (use === undefined) return { found: "unasked" };
  if (use.source_field === null || use.source_field === undefined) return { found: "absent" };
  return use.source_field === field ? { found: "same" } : { found: "renamed", name: use.source_field };
}

const day_s = 86_400;

/** The last days up to now as points in time; the last one ends now. */
export function daysSeries(counts: readonly number[], now_ms: number): Series {
  const start_ms = now_ms - counts.length * day_s * 1000;
  const points = counts.map((value, at) => ({ at: new Date(start_ms + at * day_s * 1000).toISOString(), value }));
  return { step_s: day_s, points, query: "" };
}
