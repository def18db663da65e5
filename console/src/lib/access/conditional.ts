// Conditional access and consents as the server writes them: its contract leaves their shape open, `docs/access-duties.md` does not.
import { t, code } from "$lib/i18n/i18n.svelte";
import type { Risk } from "./duties";

export const policyStates = ["off", "report-only", "on"] as const;
export type PolicyState = (typeof policyStates)[number];

export interface SignInPolicy {
  key: string;
  title: string;
  owner: string;
  state: PolicyState;
  cedar: string;
  version: number;
  updated: string;
  updated_by: string;
}

export interface PolicyVersion {
  key: string;
  version: number;
  title: string;
  state: PolicyState;
  cedar: string;
  saved: string;
  saved_by: string;
  reason: string;
}

export interface LeftOut {
  part: string;
  why: string;
  wider: boolean;
}

export interface Exported {
  policy: Record<string, unknown>;
  left_out: LeftOut[];
}

export type Outcome = { outcome: "allowed" } | { outcome: "blocked" } | { outcome: "asked"; control: string };

export interface Tally {
  sign_ins: number;
  people: number;
}

export interface Affected {
  name: string;
  before: Outcome;
  after: Outcome;
  sign_ins: number;
  applications: string[];
  policies: string[];
  last: string;
}

export interface WhatIf {
  considered: Tally;
  allowed: Tally;
  asked: Record<string, Tally>;
  blocked: Tally;
  policies: Record<string, { asked: number; blocked: number; people: number }>;
  affected: Affected[];
  break_glass: string[];
}

export interface Gap {
  kind: "user-uncovered" | "application-uncovered" | "no-second-factor" | "legacy-protocol";
  subject: string;
  at: string[];
  sign_ins: number;
  last: string | null;
  sensitivity: number;
}

export interface BreakGlass {
  accounts: string[];
  recorded: number;
  generated: number;
  held_up: { name: string; outcome: Outcome; policies: string[]; recorded: boolean }[];
}

export interface Tenant {
  system: string;
  title: string;
  at: string | null;
  directory: string | null;
  problem: string | null;
}

export interface ComparedPolicy {
  relation: "same" | "different" | "missing" | "unmanaged";
  key: string | null;
  title: string;
  id: string | null;
  differences: { path: string; ours: unknown; theirs: unknown }[];
  left_out: LeftOut[];
}

export interface Consent {
  id: string;
  system: string;
  application: string;
  application_name: string;
  kind: "people" | "everybody" | "application";
  risk: Risk;
  score: number;
  state: "active" | "accepted" | "restricted" | "gone";
  people: number;
  application_id: string;
  permissions: string[];
  publisher: string | null;
  verified: boolean;
  home_tenant: string | null;
  reply_addresses: string[];
  enabled: boolean | null;
  features: { feature: string; points: number; words: string }[];
  changes: string[];
  decided_by: string | null;
  decision: string | null;
  first: string;
  scored: string;
  gone: string | null;
}

/** How a sign-in ends, in words. */
export const outcomeText = (outcome: Outcome): string => (outcome.outcome === "asked" ? t("access.ca.asked-for", { control: code("access.ca.control", outcome.control) }) : code("access.ca.outcome", outcome.outcome));

/** How grave an end is: what shuts somebody out is worst. */
export const outcomeTone = ({ outcome }: Outcome): "bad" | "warn" | "good" => (outcome === "blocked" ? "bad" : outcome === "asked" ? "warn" : "good");

/** What a difference says of one side. */
export const valueText = (value: unknown): string => (value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));

/** A policy to begin with: a second factor for everybody but the accounts of the last resort. */
export const firstPolicy = `forbid(principal, action == Action::"sign-in", resource)
unless { context.authentication_strength >= 2 }
unless { principal.break_glass };
`;
