// Records of duties as the server writes them: its contract leaves their shape open, `docs/access-duties.md` does not.

export type Risk = "low" | "medium" | "high" | "critical";
export type Names = Record<string, string>;

export interface Offer {
  key: string;
  title: string;
  description: string;
  mode: "active" | "eligible";
  max_days: number | null;
  gives: string[];
}

export interface SideShown {
  function: string;
  title: string;
  ways: string[][];
  /** The part of a request that brings it. */
  part?: number | null;
  /** Of a rule over transactions: which one, and each way is a row of evidence. */
  transaction?: string;
}

export interface Toxic {
  rule: string;
  title: string;
  scope: string | null;
  risk: Risk;
  sides: SideShown[];
  is_new: boolean;
  is_within_request: boolean;
  excused: string | null;
}

export interface Candidate {
  person: string;
  via: string;
  instead_of?: string | null;
}

export interface Seat {
  candidates: Candidate[];
  turn: number;
  decision: { by: string; via: string; agrees: boolean; comment: string; at: string } | null;
}

export interface StageRun {
  title: string;
  need: "all" | "any";
  state: "waiting" | "open" | "agreed" | "refused";
  seats: Seat[];
  opened: string | null;
  due: string | null;
}

/** What a request gives, and what the person it is for holds now. */
export interface RequestContext {
  gives: { grant: string; risk: Risk; held: boolean; sides: { rule: string; title: string; risk: Risk }[] }[];
  holds: string[];
  /** Rules of separation that were looked at. */
  rules: number;
}

export interface AccessRequest {
  id: string;
  requester: string;
  person: string;
  reason: string;
  state: "pending" | "granted" | "refused" | "withdrawn" | "lapsed" | "blocked";
  risk: Risk;
  parts: { package: string; title: string; targets: [string, string][]; mode: string; from: string; until: string | null }[];
  toxic: Toxic[];
  exception: { mitigation: string; until: string } | null;
  stages: StageRun[];
  created: string;
  updated: string;
  closed_because: string | null;
  version: number;
}

export interface Activation {
  id: string;
  person: string;
  eligible: string;
  target_kind: string;
  target: string;
  reason: string;
  ticket: string | null;
  hours: number;
  state: "waiting" | "active" | "ending" | "ended" | "not-revoked" | "refused" | "void";
  candidates: Candidate[];
  decided_by: string | null;
  comment: string | null;
  asked: string;
  window: string | null;
  began: string | null;
  until: string | null;
  ended: string | null;
  end_cause: string | null;
  exposure_us: number;
  verified: string | null;
  version: number;
  /** What became of the sessions of each account that held it; absent: it has not ended. */
  sessions?: SessionEnd[];
}

/** What a system said when it was ordered to end the sessions of an account. */
export interface SessionEnd {
  account: string;
  system: string;
  login: string;
  at: string;
  sessions: "verified" | "unverified" | "impossible" | "away";
  evidence?: string;
  reason?: string;
  problem?: string;
  /** For how long at most what was issued still holds. */
  residual_s?: number | null;
}

export interface Violation {
  id: string;
  rule: string;
  scope: string | null;
  person: string;
  risk: Risk;
  state: "open" | "excused" | "gone" | "resolved";
  sides: SideShown[];
  exception: string | null;
  found: string;
  gone: string | null;
}

export interface SodException {
  id: string;
  rule: string;
  person: string;
  risk_owner: string;
  mitigation: string;
  reason: string;
  state: string;
  until: string;
  given: string;
}

export interface Campaign {
  id: string;
  title: string;
  due: string;
  scope: Record<string, unknown>;
  state: string;
  items: number;
  without_reviewer: number;
  begun_by: string;
  created: string;
  closed: string | null;
}

export interface ReviewSource {
  way: string[];
  origins: { kind: string; reference: string }[];
  also_loses: string[];
  nesting_reaches: number | null;
}

export interface ReviewItem {
  id: string;
  campaign: string;
  person: string;
  person_name: string;
  entitlement: string;
  name: string;
  risk: Risk;
  privileged: boolean;
  reviewer: string | null;
  sources: ReviewSource[];
  score: number;
  features: { peers: number; peer_share: number | null; companion_share: number | null; rarity: number; idle_days: number | null; contributions: [string, number][] } | null;
  last_use: string | null;
  violates: string[];
  state: "open" | "kept" | "removing" | "removed" | "remains" | "gone";
  decision: "keep" | "revoke" | null;
  comment: string | null;
  decided: string | null;
  changed: string | null;
  escalated: boolean;
  version: number;
}

export interface ReviewerFigures {
  reviewer: string;
  items: number;
  decided: number;
  kept: number;
  revoked: number;
  median_s: number | null;
  glanced: number | null;
  canaries: number;
  canaries_caught: number;
  is_rubber_stamp: boolean;
}

/** An answer with records of one kind. */
export interface Listed<T> {
  records: T[];
  names: Names;
}

export interface Exclusion {
  person: string;
  entitlement: string;
  at: string;
  by: string;
  reason: string;
  /** The item of a review that made it. */
  source: string | null;
  lifted: string | null;
  lifted_by: string | null;
  lift_reason: string | null;
}

/** Somebody was told of a request, an activation or a review. */
export interface Notice {
  dispatch: string;
  about: string;
  kind: string;
  person: string;
  language: string;
  subject: string;
  asked: string;
  state: string;
  state_at: string;
  problem: string | null;
}

/** A value for a field whose shape the contract leaves open. */
export const openly = (value: unknown): never => value as never;
