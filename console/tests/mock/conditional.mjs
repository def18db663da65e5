// Conditional access and consents of the mock, in the shape in which the real server wrote them.
import { iso, now } from "./data.mjs";

const days = (count) => iso(now + count * 86_400_000);
const cedar = `forbid(principal, action == Action::"sign-in", resource)\nunless { context.authentication_strength >= 2 }\nunless { principal.break_glass };\n`;
const policies = [{ key: "mfa", title: "A second factor", owner: "P-1", state: "report-only", cedar, version: 1, updated: days(-3), updated_by: "user:u-1" }];
const version = { key: "mfa", version: 1, title: "A second factor", state: "report-only", cedar, saved: days(-3), saved_by: "user:u-1", reason: "the plan of the year" };
const left_out = [{ part: "locations", why: "countries are a named network at Entra", wider: true }];
const exported = { policy: { displayName: "A second factor", state: "enabledForReportingButNotEnforced", grantControls: { operator: "OR", builtInControls: ["mfa"] } }, left_out };
const report = (about) => ({ days: 30, circumstances: 4, truncated: false, nameless: 2, policies: { mfa: "A second factor" }, left_out: {}, report: about });
const whatIf = {
  considered: { sign_ins: 53, people: 3 }, allowed: { sign_ins: 40, people: 2 }, asked: { "second-factor": { sign_ins: 6, people: 2 } }, blocked: { sign_ins: 7, people: 1 },
  policies: { mfa: { asked: 6, blocked: 7, people: 3 } }, break_glass: [],
  affected: [
    { name: "lind@relief.example", before: { outcome: "allowed" }, after: { outcome: "blocked" }, sign_ins: 7, applications: ["IMAP"], policies: ["mfa"], last: days(-1) },
    { name: "osei@relief.example", before: { outcome: "allowed" }, after: { outcome: "asked", control: "second-factor" }, sign_ins: 5, applications: ["Mail", "Portal"], policies: ["mfa"], last: days(-2) },
  ],
};
const gaps = {
  users: 4, applications: 2,
  gaps: [
    { kind: "no-second-factor", subject: "osei@relief.example", at: ["Mail", "Portal"], sign_ins: 5, last: days(-2), sensitivity: 2 },
    { kind: "application-uncovered", subject: "Portal", at: ["lind@relief.example"], sign_ins: 3, last: null, sensitivity: 0 },
  ],
};
const glass = { accounts: ["glass@relief.example"], recorded: 1, generated: 2592, held_up: [] };
const tenant = { system: "entra", title: "Cloud directory", at: days(0), directory: "entra", problem: null };
const pairs = [
  { relation: "different", key: "mfa", title: "A second factor", id: "ca-1", differences: [{ path: "state", ours: "enabledForReportingButNotEnforced", theirs: "enabled" }], left_out },
  { relation: "unmanaged", key: null, title: "Old protocols", id: "ca-2", differences: [], left_out: [] },
];
const consent = {
  id: "consent-1", system: "entra", application: "sp-1", application_name: "Mail Helper", kind: "people", risk: "high", score: 75, state: "active", people: 1, application_id: "app-9", resource: "graph",
  permissions: ["Mail.ReadWrite", "offline_access"], publisher: null, verified: false, home_tenant: null, reply_addresses: ["https://helper.example/back"], enabled: true, grants: ["g-1"],
  features: [{ feature: "permission", points: 50, words: "reads and writes mail" }, { feature: "publisher", points: 20, words: "nobody knows who published it" }], changes: ["permission added: Mail.ReadWrite"],
  decided_by: null, decision: null, first: days(-20), scored: days(-1), gone: null, version: 1,
};

const listed = (records) => [{ records, names: {} }, 200];

/** The answer to a request under `/access/conditional`, `/access/tenants` and `/access/consents`, and its status. */
export function conditional(method, noun, id, act, body) {
  if (noun === "conditional") {
    if (id === "policies") return listed(act ? [act] : policies);
    if (id === "schema") return [{ schema: "entity User = { break_glass: Bool };" }, 200];
    return [report(id === "what-if" ? whatIf : id === "gaps" ? gaps : glass), 200];
  }
  if (noun === "tenants") return listed(act === "comparison" ? pairs : act === "looks" ? [consent] : [tenant]);
  if (method === "GET") return listed([consent]);
  Object.assign(consent, { state: act === "restrict" ? "restricted" : "accepted", decision: body.reason, decided_by: "user:u-1" });
  return [{ record: consent, names: {} }, 200];
}

/** Versions of a policy, and what it is at Entra. */
export const ofPolicy = (what) => listed(what === "versions" ? [version] : [exported]);

/** Keeps a policy as the documents of the desk are kept. */
export function savePolicy({ key, body }) {
  const before = policies.find((one) => one.key === key);
  if (before) Object.assign(before, body, { version: before.version + 1, updated: iso(Date.now()) });
  else policies.push({ key, ...body, version: 1, updated: iso(Date.now()), updated_by: "user:u-1" });
  return [{ record: { kind: "conditional-access", key, body }, names: {} }, 200];
}
