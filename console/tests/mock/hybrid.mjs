// A directory and a cloud of the mock, as a real server told them: a conflict, an account that would be taken over, one whose
// source is gone, one that was never exported.
import { iso } from "./data.mjs";

const found = [
  { about: ["directory:ad-3", "cloud:c-9"], kind: { finding: "soft-match-trap", directory: "ad-3", cloud: "c-9", by: "mail", value: "admin@office.example", privileged: false }, proposals: [{ action: "rename", side: "cloud", object: "c-9", attribute: "mail" }, { action: "link", directory: "ad-3", cloud: "c-9", needs_approval: false }] },
  { about: ["cloud:c-8"], kind: { finding: "source-missing", immutable_id: "guid-8" }, proposals: [{ action: "treat-as-orphan", object: "c-8" }] },
  { about: ["directory:ad-1", "cloud:c-1"], kind: { finding: "conflict", directory: "ad-1", cloud: "c-1", attribute: "title", authority: "directory", winner: ["Chief"], loser: ["Aide"] }, proposals: [{ action: "assign", side: "cloud", object: "c-1", attribute: "jobTitle", values: ["Chief"] }] },
  { about: ["directory:ad-3"], kind: { finding: "not-exported" }, proposals: [{ action: "synchronise", object: "ad-3" }] },
];
const pair = { hybrid: "people", title: "Directory and cloud", directory: "premises", cloud: "tenant", at: null, problem: null, pairs: 0, scopes_sound: false, findings: [] };

/** The answer to a request under `/identity/hybrids`, and its status. */
export function hybrids(method, act, body) {
  if (method === "GET") return [{ hybrids: [pair] }, 200];
  Object.assign(pair, { at: iso(Date.now()), pairs: 2, scopes_sound: true });
  pair.findings = act === "looks" ? found : pair.findings.filter(({ proposals }) => JSON.stringify(proposals[0]) !== JSON.stringify(body.proposal));
  return [pair, 200];
}
