// Why a rule fired, or did not: a report on events of the past, read for people. Pure.
import type { FieldFill, FiringGate, FiringReport } from "$lib/api/types";
import { resolveRange, type Range } from "$lib/time/range";

export const fills = ["absent", "never", "sometimes", "always", "unknown"] as const;
/** Whether events behind a gate fill a field. `absent`: such events have no place for it; `unknown`: none passed. */
export type Fill = (typeof fills)[number];

export function fillOf(field: FieldFill, passed: number): Fill {
  if (field.source_field === null || field.source_field === undefined) return "absent";
  if (passed === 0) return "unknown";
  if (field.filled === 0) return "never";
  return field.filled < passed ? "sometimes" : "always";
}

/** The fields of a gate, those that are missing most first. */
export function fieldsOf(gate: FiringGate): { field: FieldFill; fill: Fill }[] {
  const read = gate.fields.map((field) => ({ field, fill: fillOf(field, gate.passed) }));
  return read.sort((a, b) => fills.indexOf(a.fill) - fills.indexOf(b.fill) || a.field.field.localeCompare(b.field.field));
}

/** What came of the look, the nearest cause first. */
export type Outcome = "fired" | "unreachable" | "no-events" | "none-passed" | "near";

export function outcomeOf(report: FiringReport): Outcome {
  if (report.fired > 0) return "fired";
  if (report.unreachable) return "unreachable";
  if (report.events === 0) return "no-events";
  return report.gates.every(({ passed }) => passed === 0) ? "none-passed" : "near";
}

/** All time has a beginning: without one the server would look at the last day alone. */
const beginning = "1970-01-01T00:00:00.000Z";

/** The bounds to ask for. */
export function boundsOf(range: Range, now_ms: number): { from: string; to: string } {
  const { from = beginning, to = new Date(now_ms).toISOString() } = resolveRange(range, now_ms);
  return { from, to };
}
