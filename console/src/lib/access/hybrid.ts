// Findings of hybrid identity health as the server writes them: its contract leaves their shape open.
import { t } from "$lib/i18n/i18n.svelte";

export type Side = "directory" | "cloud";

export type ScopeState = { state: "renamed"; name_now: string } | { state: "gone" } | { state: "shrunk" };

export type HybridKind =
  | { finding: "scope-lost"; name_before: string; state: ScopeState; objects_before: number; objects_now: number }
  | { finding: "soft-match-trap"; directory: string; cloud: string; by: string; value: string; privileged: boolean }
  | { finding: "duplicate"; side: Side; attribute: string; value: string }
  | { finding: "conflict"; directory: string; cloud: string; attribute: string; authority: Side; winner: unknown[]; loser: unknown[] }
  | { finding: "flapping"; side: Side; object: string; attribute: string; values: string[]; returns: number; since: string }
  | { finding: "export-error"; code: string; detail: string }
  | { finding: "source-missing"; immutable_id: string }
  | { finding: "not-exported" }
  | { finding: "late"; changed: string; synchronised: string | null; lag_ms: number };

export type HybridProposal =
  | { action: "assign"; side: Side; object: string; attribute: string; values: unknown[] }
  | { action: "link"; directory: string; cloud: string; needs_approval: boolean }
  | { action: "rename"; side: Side; object: string; attribute: string }
  | { action: "pause"; attribute: string; object: string }
  | { action: "repair-scope"; scope: string }
  | { action: "treat-as-orphan"; object: string }
  | { action: "synchronise"; object: string };

export interface HybridFinding {
  /** The objects that it is about, as `side:id`. */
  about: string[];
  kind: HybridKind;
  proposals: HybridProposal[];
}

/** What names a finding in an address: there is no id, and the same thing found again is the same finding. */
export function keyOfFinding({ about, kind }: HybridFinding): string {
  const told = [kind.finding, "attribute" in kind && kind.attribute, "by" in kind && kind.by, "value" in kind && kind.value, "code" in kind && kind.code];
  return [...told.map((part) => part || ""), ...about].join("|");
}

/** An attribute's values as text; nothing at all is said as an empty set. */
export const valuesText = (values: readonly unknown[]): string => (values.length === 0 ? "∅" : values.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(", "));

/** Whether this program carries it out; everything else is done at the synchronisation. */
export const isOurs = (proposal: HybridProposal): boolean => proposal.action === "assign";

/** Whether it has to be looked at before anything else: a scope at fault, or an account that would be taken over. */
export const isGrave = ({ finding }: HybridKind): boolean => finding === "scope-lost" || finding === "soft-match-trap";

/** What was found, in a sentence. */
export function sentenceOf(kind: HybridKind): string {
  switch (kind.finding) {
    case "scope-lost": {
      const counts = { before: kind.objects_before, now: kind.objects_now };
      if (kind.state.state === "renamed") return t("access.hybrid.says.renamed", { name: kind.name_before, now: kind.state.name_now });
      return t(kind.state.state === "gone" ? "access.hybrid.says.gone" : "access.hybrid.says.shrunk", { name: kind.name_before, ...counts });
    }
    case "soft-match-trap":
      return t(kind.privileged ? "access.hybrid.says.trap.privileged" : "access.hybrid.says.trap", { directory: kind.directory, cloud: kind.cloud, by: kind.by, value: kind.value });
    case "duplicate":
      return t("access.hybrid.says.duplicate", { attribute: kind.attribute, value: kind.value });
    case "conflict":
      return t("access.hybrid.says.conflict", { attribute: kind.attribute, winner: valuesText(kind.winner), loser: valuesText(kind.loser) });
    case "flapping":
      return t("access.hybrid.says.flapping", { attribute: kind.attribute, values: kind.values.join(" ↔ "), returns: kind.returns });
    case "export-error":
      return t("access.hybrid.says.export-error", { code: kind.code, detail: kind.detail });
    case "source-missing":
      return t("access.hybrid.says.source-missing", { id: kind.immutable_id });
    case "not-exported":
      return t("access.hybrid.says.not-exported");
    case "late":
      return t("access.hybrid.says.late", { minutes: Math.round(kind.lag_ms / 60_000) });
  }
}

/** What would be done, in a sentence. */
export function deedOf(proposal: HybridProposal): string {
  switch (proposal.action) {
    case "assign":
      return t(proposal.side === "cloud" ? "access.hybrid.does.assign.cloud" : "access.hybrid.does.assign.directory", { object: proposal.object, attribute: proposal.attribute, values: valuesText(proposal.values) });
    case "link":
      return t(proposal.needs_approval ? "access.hybrid.does.link.approval" : "access.hybrid.does.link", { directory: proposal.directory, cloud: proposal.cloud });
    case "rename":
      return t("access.hybrid.does.rename", { object: proposal.object, attribute: proposal.attribute });
    case "pause":
      return t("access.hybrid.does.pause", { object: proposal.object, attribute: proposal.attribute });
    case "repair-scope":
      return t("access.hybrid.does.repair-scope", { scope: proposal.scope });
    case "treat-as-orphan":
      return t("access.hybrid.does.treat-as-orphan", { object: proposal.object });
    case "synchronise":
      return t("access.hybrid.does.synchronise", { object: proposal.object });
  }
}
