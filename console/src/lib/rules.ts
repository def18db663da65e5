// A scheduled rule as a form: defaults, and what is lacking before it can be sent. Pure.
import type { ScheduledRule } from "$lib/api/types";
import type { PlainKey } from "$lib/i18n/i18n.svelte";

export function emptyRule(query: string): ScheduledRule {
  return {
    title: "", description: "", severity: "medium", query, frequency_s: 300, period_s: 3600,
    operator: "greater-than", threshold: 0, entities: [], techniques: [], suppression_s: null, enabled: true,
  };
}

export const frequencies_s = [60, 300, 900, 3600, 14_400, 86_400] as const;
export const periods_s = [300, 900, 3600, 14_400, 86_400, 604_800, 1_209_600] as const;
export const operators = ["greater-than", "less-than", "equal", "not-equal"] as const satisfies ScheduledRule["operator"][];
export const entityKinds = [
  "account", "host", "ip", "mailbox", "file-hash", "file", "process", "url", "dns", "cloud-application", "registry-key", "mail-message",
] as const;

/** Why the rule cannot be sent yet. */
export function lackingOf(rule: ScheduledRule): PlainKey | null {
  if (rule.title.trim() === "") return "rule.lacks.title";
  if (rule.query.trim() === "") return "rule.lacks.query";
  if (rule.period_s < rule.frequency_s) return "rule.lacks.period";
  if (rule.entities?.some(({ column }) => column.trim() === "")) return "rule.lacks.column";
  return null;
}

/** `T1003.001, t1059` as technique ids; anything else in the text is left out and named. */
export function parseTechniques(text: string): { techniques: string[]; unknown: string[] } {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "").map((word) => word.toUpperCase());
  const known = (word: string) => /^T\d{4}(\.\d{3})?$/.test(word);
  return { techniques: words.filter(known), unknown: words.filter((word) => !known(word)) };
}
