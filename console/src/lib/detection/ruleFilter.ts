// Which rules: the filter in the address, the part of it that the server knows, and the rest. Pure.
import { isSeverity } from "$lib/alerts/filter";
import type { Rule, RuleFilter } from "$lib/api/types";

export const ruleStates = ["enabled", "disabled", "broken"] as const satisfies Rule["state"][];
/** As people speak of them: a correlation is a Sigma rule whose events are the hits of other rules. */
export const ruleKinds = ["sigma", "correlation", "kql"] as const;
export type RuleKindWord = (typeof ruleKinds)[number];
const correlating = "correlation/";

export function kindOf(rule: Pick<Rule, "kind" | "log_source">): RuleKindWord {
  return rule.kind === "sigma" && (rule.log_source ?? "").startsWith(correlating) ? "correlation" : rule.kind;
}

/** `event_count`, `temporal`, …; null for rules over events. */
export function correlationType(rule: Pick<Rule, "kind" | "log_source">): string | null {
  return kindOf(rule) === "correlation" ? (rule.log_source ?? "").slice(correlating.length) : null;
}

export interface Asked {
  /** What the server is asked for. */
  query: RuleFilter;
  /** What remains to be told apart here: the server has one word for Sigma rules that correlate and those that do not. */
  keeps: (rule: Rule) => boolean;
}

export function readRuleFilter(params: URLSearchParams): Asked {
  const state = ruleStates.find((one) => one === params.get("state"));
  const kind = ruleKinds.find((one) => one === params.get("kind"));
  const severity = params.get("severity");
  const technique = (params.get("technique") ?? "").trim();
  const search = (params.get("search") ?? "").trim();
  // Correlations are found by their log source; words of the reader are then looked for here.
  const asked = kind === "correlation" ? correlating : search;
  const query: RuleFilter = {
    ...(state ? { state } : {}),
    ...(kind ? { kind: kind === "kql" ? "kql" : "sigma" } : {}),
    ...(isSeverity(severity) ? { severity } : {}),
    ...(technique ? { technique } : {}),
    ...(asked ? { search: asked } : {}),
  };
  const speaksOf = (rule: Rule) => kind !== "correlation" || search === "" || mentions(rule, search.toLowerCase());
  return { query, keeps: (rule) => (kind === undefined || kindOf(rule) === kind) && speaksOf(rule) };
}

function mentions({ title, id, tags, log_source }: Rule, words: string): boolean {
  return [title, id, log_source ?? "", ...tags].some((text) => text.toLowerCase().includes(words));
}
