// An exception: the fields of an event become the Sigma detection that leaves such events out, and a trial becomes
// words of warning. Pure.
import type { AlertEvent, Exception, RuleGate, Trial } from "$lib/api/types";
import { isNameable, isText, literalValue, yamlKey, yamlText } from "./sigmaText";

export const matches = ["is", "startswith", "endswith", "contains"] as const;
export type Match = (typeof matches)[number];

/** A field of the event from which an exception is made. */
export interface Candidate {
  field: string;
  value: string;
  /** The rule looks at it: an exception on these alone comes close to switching the rule off. */
  asked: boolean;
}

export interface Condition {
  field: string;
  match: Match;
  value: string;
}

/** The longest value that is offered: nobody makes an exception for a whole script. */
export const longestValue = 2_000;

/** `selection:` with one line a condition; all of them must hold. Of two with one field the later counts. */
export function detectionOf(conditions: readonly Condition[]): string {
  const lines = new Map<string, string>();
  for (const { field, match, value } of conditions) {
    if (!isNameable(field) || !isText(value) || (value === "" && match !== "is")) continue;
    const key = match === "is" ? field : `${field}|${match}`;
    lines.set(field, `  ${yamlKey(key)}: ${yamlText(literalValue(value))}`);
  }
  return lines.size === 0 ? "" : `selection:\n${[...lines.values()].join("\n")}\n`;
}

/** The fields of an event by the names that rules use: first those that the rule asked for, then all others by name. */
export function candidatesOf(event: AlertEvent, gates: readonly RuleGate[]): Candidate[] {
  const reasons = event.reasons.filter(({ field }) => field !== "");
  const asked = new Set([...gates.flatMap(({ fields }) => fields), ...reasons].map(({ field }) => ruleName(field, gates)));
  const found = new Map<string, Candidate>();
  const add = (field: string, value: string) => {
    const name = ruleName(field, gates);
    const fits = isNameable(name) && isText(value) && value.length <= longestValue;
    if (fits && !found.has(name)) found.set(name, { field: name, value, asked: asked.has(name) });
  };
  // The record first: a reason may show a long value cut.
  for (const [path, value] of leavesOf(event.fields)) add(fieldName(path), value);
  for (const { field, value } of reasons) if (value !== null && value !== undefined) add(field, value);
  const all = [...found.values()];
  const byName = (a: Candidate, b: Candidate) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0);
  return [...all.filter((one) => one.asked), ...all.filter((one) => !one.asked).sort(byName)];
}

/** The rule's name of a field where all of its gates that rename to it agree on one. */
function ruleName(field: string, gates: readonly RuleGate[]): string {
  const names = new Set(gates.flatMap(({ fields }) => fields.filter((one) => one.source_field === field).map((one) => one.field)));
  const [only] = names;
  return names.size === 1 && only !== undefined ? only : field;
}

/** What Vigie calls a field of a Windows event, however its JSON is nested; other records join their path by dots. */
export function fieldName(path: readonly string[]): string {
  const inner = path[0] === "Event" && path.length > 1 ? path.slice(1) : path;
  const leaf = inner[inner.length - 1] ?? "";
  const isData = inner.length > 1 && (inner[0] === "EventData" || inner[0] === "UserData");
  const isWinlog = inner.length > 2 && inner[0] === "winlog" && /^(?:event|user)_data$/.test(inner[1] ?? "");
  if (isData || isWinlog) return leaf.replace(/\s/g, "");
  if (inner[0] !== "System" || inner.length < 2) return inner.join(".");
  const parts = inner.slice(1).filter((part) => !/^(?:#attributes|#text|attributes)$/.test(part)).map((part) => part.replace(/_attributes$/, ""));
  if (parts.length === 2 && /^(?:Execution|Security|EventID)$/.test(parts[0] ?? "")) return parts[1] ?? "";
  return parts.join("_");
}

function leavesOf(value: unknown, path: readonly string[] = []): [string[], string][] {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return [[[...path], String(value)]];
  if (typeof value !== "object" || value === null) return [];
  // Of an array the first value, to begin with: any of them is enough for Sigma.
  if (Array.isArray(value)) return leavesOf(value[0], path);
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

/** The rule fires on nothing any more that its tests know it by. */
export function blinds(trial: Trial): boolean {
  return trial.samples > 0 && trial.samples_silenced === trial.samples;
}

/** What a trial means, worst first. */
export function verdictOf(trial: Trial): "blinds" | "silences-all" | "nothing" | "untested" | "narrow" {
  if (blinds(trial)) return "blinds";
  if (trial.alerted > 0 && trial.alerted_silenced === trial.alerted) return "silences-all";
  if (trial.samples_silenced === 0 && trial.alerted_silenced === 0) return "nothing";
  return trial.samples === 0 ? "untested" : "narrow";
}

const day_ms = 86_400_000;
export const lifetimes_days = [7, 30, 90, 180, 365] as const;

/** The end of an exception that lasts some days from now. */
export function endAfter(days: number, now_ms: number): string {
  return new Date(now_ms + days * day_ms).toISOString();
}

/** What ends within a week wants a decision. */
export function endsSoon(exception: Exception, now_ms: number): boolean {
  return Date.parse(exception.expires) - now_ms < 7 * day_ms;
}

export function firstEndingFirst(exceptions: readonly Exception[]): Exception[] {
  return [...exceptions].sort((a, b) => Date.parse(a.expires) - Date.parse(b.expires));
}
