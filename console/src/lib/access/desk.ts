// What the Access desk's pages work out for themselves. Pure.
import type { RoleSuggestion } from "$lib/api/types";
import type { AccessRequest, Activation, Candidate, Names, ReviewItem, ReviewSource, Risk } from "./duties";

export type Tone = "good" | "warn" | "bad" | "calm";

const tones: Record<Tone, ReadonlySet<string>> = {
  good: new Set(["healthy", "settled", "applied", "done", "granted", "kept", "removed", "active", "agreed", "enabled", "here", "on", "same", "accepted", "restricted", "restored", "taken", "unchanged", "sent", "delivered"]),
  warn: new Set(["new", "held", "waiting", "pending", "ending", "queued", "retrying", "partial", "away", "open", "removing", "quarantined", "suspended", "leave", "running", "manual", "simulated", "excused", "between", "coming", "future", "report-only", "different", "proposed", "disabling"]),
  bad: new Set(["rejected", "refused", "lost", "scope-lost", "not-revoked", "remains", "blocked", "critical", "stale", "missing", "unmanaged", "failed", "undeliverable", "no-address"]),
  calm: new Set(),
};

/** How a word for a state is to be shown; whatever needs nobody is calm. */
export const toneOf = (state: string): Tone => (["good", "warn", "bad"] as const).find((tone) => tones[tone].has(state)) ?? "calm";

const risks: readonly Risk[] = ["low", "medium", "high", "critical"];
export const riskRank = (risk: string): number => risks.indexOf(risk as Risk);

/** A name, or the id where the reader may not see the name. */
export const nameOf = (names: Names, id: string | null | undefined): string => (id ? (names[id] ?? id) : "");

/** Who is asked now in an open stage. */
export function askedNow(request: AccessRequest): Candidate[] {
  const stage = request.stages.find(({ state }) => state === "open");
  return (stage?.seats ?? []).filter(({ decision }) => decision === null).flatMap(({ candidates, turn }) => candidates[turn] ?? []);
}

/** Whether a person is asked to decide on an activation, and it waits. */
export const isAsked = (activation: Activation, person: string | null | undefined): boolean =>
  activation.state === "waiting" && activation.candidates.some((one) => one.person === person);

/** Seconds of exposure after an end that the server was not there for. */
export const exposure_s = (activation: Activation): number => Math.round(activation.exposure_us / 1_000_000);

/** Whether taking an access away takes more with it, or reaches more people: the reviewer must say that they know. */
export const takesMore = (item: ReviewItem): boolean => item.sources.some((source) => source.also_loses.length > 0);

/** What else goes with it. */
export const alsoLost = (sources: readonly ReviewSource[]): string[] => [...new Set(sources.flatMap(({ also_loses }) => also_loses))].sort();

/** Where the work goes on after an item: the next open one, from the top when none is left below; null: all is decided. */
export function nextOpen(items: readonly ReviewItem[], after: string | null): ReviewItem | null {
  const at = items.findIndex(({ id }) => id === after);
  const order = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return order.find(({ state, id }) => state === "open" && id !== after) ?? null;
}

/** Decided and total. */
export const progressOf = (items: readonly ReviewItem[]): { decided: number; total: number } => ({
  decided: items.filter(({ state }) => state !== "open").length,
  total: items.length,
});

/** A text as a key of a document: lower case, joined by hyphens. */
export const keyOf = (text: string): string =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);

const quoted = (text: string): string => JSON.stringify(text);

/** A suggestion as documents in TOML: the role, and the rule that would give it to those who have its attributes. */
export function documentsOf(suggestion: RoleSuggestion, owner: string): string {
  const title = suggestion.terms.map(({ value }) => value).join(", ") || (suggestion.grants[0] ?? "");
  const key = keyOf(title) || "role";
  const role = [`[role.${key}]`, `title = ${quoted(title)}`, `kind = "business"`, `owner = ${quoted(owner)}`, `grants = [${suggestion.grants.map(quoted).join(", ")}]`];
  if (suggestion.terms.length === 0) return `${role.join("\n")}\n`;
  const when = suggestion.terms.map(({ attribute, value }) => `${attribute} == '${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`).join(" and ");
  const rule = [`[rule.${key}]`, `title = ${quoted(title)}`, `owner = ${quoted(owner)}`, `when = ${quoted(when)}`, `roles = [${quoted(key)}]`];
  return `${role.join("\n")}\n\n${rule.join("\n")}\n`;
}

/** The end of a day in UTC, for fields that ask for a day. */
export const endOfDay = (day: string): string | null => (/^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T23:59:59.000000Z` : null);

/** Numbers of a plan that say something, in the order in which one looks at them. */
export function countsOf(counts: Record<string, number>): [string, number][] {
  const order = ["people", "create", "enable", "disable", "delete", "granted", "revoked", "access", "rename", "move", "update"];
  return order.map((name): [string, number] => [name, counts[name] ?? 0]).filter(([, count]) => count > 0);
}
