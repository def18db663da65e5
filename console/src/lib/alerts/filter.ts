// Which alerts: the filter in the address, for the server, and for alerts that arrive while one looks. Pure.
import type { Alert, AlertFilter, Severity } from "$lib/api/types";
import { severities } from "$lib/api/types";
import { readRange, resolveRange, type Preset } from "$lib/time/range";

export const alertRange: Preset = "7d";
const texts = ["rule", "entity", "technique", "incident"] as const;

/** The filter that an address stands for. */
export function readFilter(params: URLSearchParams, now_ms: number): AlertFilter {
  const filter: AlertFilter = { ...resolveRange(readRange(params, alertRange), now_ms) };
  // An open-ended preset has no upper bound: alerts that arrive later belong to it.
  if (params.get("to") === null) delete filter.to;
  const severity = params.get("severity");
  if (isSeverity(severity)) filter.severity = severity;
  for (const name of texts) {
    const value = params.get(name);
    if (value !== null && value !== "") filter[name] = value;
  }
  if (params.get("unassigned") === "true") filter.unassigned = true;
  return filter;
}

/** Whether an alert that has just arrived belongs to the list. */
export function matchesFilter(alert: Alert, filter: AlertFilter): boolean {
  const at_least = filter.severity;
  if (at_least && severities.indexOf(alert.severity) > severities.indexOf(at_least)) return false;
  if (filter.rule && alert.rule_id !== filter.rule) return false;
  if (filter.technique && !alert.techniques.includes(filter.technique)) return false;
  if (filter.incident && alert.incident_id !== filter.incident) return false;
  if (filter.unassigned && alert.incident_id) return false;
  if (filter.entity && !alert.entities.some(({ kind, key }) => `${kind}:${key}` === filter.entity)) return false;
  return !filter.to || alert.raised < filter.to;
}

export function isSeverity(text: string | null): text is Severity {
  return (severities as readonly (string | null)[]).includes(text);
}
