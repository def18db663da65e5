// The Access desk of the mock: a small office with a leaver's orphan, a held delivery, a toxic pair and a review of many items.
import { conditional, ofPolicy, savePolicy } from "./conditional.mjs";
import { iso, now } from "./data.mjs";
import { groupsOf } from "./groups.mjs";
import { hybrids } from "./hybrid.mjs";
import { drift, mergesOf, officer, waiting } from "./officer.mjs";

const days = (count) => iso(now + count * 86_400_000);
const person = (number, name, more = {}) => ({ id: `person-${number}`, name, number: `P-${number}`, kind: "staff", mail: `${name.toLowerCase().replace(" ", ".")}@office.example`, birth_date: null, sponsor: null, restricted: false, blocked: null, merged_into: null, ...more });
const people = [person(1, "Ada Osei"), person(2, "Bo Lind"), person(3, "Chidi Eze", { kind: "consultant", sponsor: "P-1" })];
const names = Object.fromEntries(people.map(({ id, name }) => [id, name]));
const account = (id, system, login, more = {}) => ({ id, system, person: "person-1", kind: "person", protection: "none", login, native_id: null, status: "enabled", progress: "settled", wanted: { login }, seen: { login }, seen_at: iso(now), attempts: 0, retry: null, problem: null, owner: null, purpose: null, expires: null, rotated: null, last_use: days(-2), plan: null, ...more });
const accounts = [account("account-1", "ad", "aosei"), account("account-2", "erp", "p-1.osei", { progress: "retrying", problem: "the server did not answer within 10 s", attempts: 3 }), account("account-3", "ad", "svc-old", { person: null, kind: "unknown" })];
const why = [{ kind: "engagement", key: "C-1", title: "Finance officer" }, { kind: "rule", key: "finance", title: "Finance" }, { kind: "role", key: "finance-officer", title: "Finance officer" }];
const access_lines = [{ grant: "ad", why, until: null, asleep: false }, { grant: "erp/AP-Clerk", why, until: days(200), asleep: false }];
const engagement = { id: "engagement-1", source: "hr", source_key: "C-1", state: "active", begins: days(-400), ends: days(200), station: "nbo", org_unit: "FIN", job: "Finance officer", grade: "P3", manager: "P-2" };
const assignment = { id: "assignment-1", target_kind: "role", target: "keys", mode: "eligible", source: "person", source_ref: null, reason: "on call", approver: "user:u-1", from: days(-30), until: null, recorded: days(-30), recorded_by: "user:u-1", ended: null, ended_by: null, end_reason: null };
const item = { person: "person-1", person_name: "Ada Osei", account: "account-1", system: "ad", change: "create", summary: "makes aosei", before: null, after: { login: "aosei" }, why: [] };
const counts = { people: 1, create: 1, enable: 0, disable: 0, delete: 0, rename: 0, move: 0, access: 2, update: 0, granted: 3, revoked: 1 };
const plan = { id: "plan-1", title: "New finance rule", cause: "simulation", cause_ref: null, state: "simulated", counts, created: iso(now), created_by: "user:u-1", begun: null, ended: null };
const planDetail = () => ({ plan, items: [item, { ...item, change: "access", summary: "+ erp/AP-Clerk" }], progress: [] });
const batch = { id: "batch-1", feed: "hr", digest: "9f86", state: "held", snapshot: iso(now), records: 1204, joiners: 3, movers: 5, leavers: 140, unchanged: 1056, quarantined: 1, findings: ["140 people would leave: more than the 30 that one delivery may end"], changes: [{ change: "leaves", name: "Bo Lind" }], plan: null, received: iso(now), received_by: "user:u-1", decided: null, decided_by: null, decision: null };
const system = (key, title, state, more = {}) => ({ system: key, title, connector: "ldap", state, problem: null, read: iso(now), objects: 1204, progress: { settled: 1200, retrying: 4 }, ...more });
const systems = [system("ad", "Directory", "healthy"), system("erp", "Finance system", "away", { problem: "connection refused", connector: "sql" }), system("paper", "Keys of the safe", "new", { connector: null, read: null, objects: 0, progress: { manual: 2 } })];
const finding = { id: "finding-1", kind: "match", subject: "hr/P-9", person: "person-2", account: null, system: null, title: "P-9 Bo Lind may be Bo Lind (P-2)", detail: waiting, state: "open", opened: iso(now), closed: null, closed_by: null, decision: null };
const document = (kind, key, title, body) => ({ kind, key, title, body: { title, ...body }, version: 1, updated: iso(now), updated_by: "user:u-1" });
const documents = { role: [document("role", "finance-officer", "Finance officer", { kind: "business", owner: "P-1", includes: ["finance-reader"], grants: ["erp/AP-Clerk"] }), document("role", "finance-reader", "Reads the books", { kind: "technical", owner: "P-1", grants: ["ad/FIN-Read"] })], rule: [document("rule", "finance", "Finance", { when: "engagement.org_unit == 'FIN'", roles: ["finance-officer"] })], feed: [document("feed", "hr", "Human resources", { format: "csv" })] };
const sides = [{ function: "pay", title: "Pay invoices", ways: [["role:payer", "erp/ZFI_PAY"]] }, { function: "vendor", title: "Make vendors", ways: [["ad/ERP-Masters", "erp/ZMM_VENDOR"]] }];
const violation = { id: "violation-1", rule: "pay-vendor", scope: "nbo", person: "person-1", risk: "high", state: "open", sides, exception: null, found: iso(now), gone: null, version: 1 };
const stage = { title: "Manager", need: "any", state: "open", seats: [{ candidates: [{ person: "person-1", via: "function" }], turn: 0, decision: null }], opened: iso(now), due: days(3) };
const requests = [{ id: "request-1", requester: "person-2", person: "person-2", reason: "month end", state: "pending", risk: "medium", parts: [{ package: "month-end", title: "Month end", targets: [["role", "payer"]], mode: "active", from: iso(now), until: days(10), assignments: [] }], toxic: [{ rule: "pay-vendor", title: "Who pays does not make vendors", scope: null, risk: "high", sides, is_new: true, is_within_request: false, excused: null }], exception: { mitigation: "a second signature", until: days(10) }, stages: [stage], created: iso(now), updated: iso(now), closed_because: null, version: 1 }];
const offers = [{ key: "month-end", title: "Month end", description: "Paying at the end of the month", mode: "active", max_days: 30, gives: ["erp/ZFI_PAY"] }, { key: "vendors", title: "Vendors", description: "Making vendors", mode: "active", max_days: null, gives: ["erp/ZMM_VENDOR"] }];
const eligible = { id: "assignment-1", target_kind: "role", target: "keys", title: "Keys of the vault", reason: "on call", until: null, max_hours: 8, needs_ticket: true, approval_minutes: 60 };
/** The authenticator of the one person who signs in here; whoever has one is asked for its code. */
const factor = { enrolled: null, confirmed: null, locked: null };
let spent = null;
const wrong = (code) => code === "000000" || code === spent;
const refused = [{ code: "refused", status: 422, title: "Not possible", detail: "code: it is wrong or was used before; wait for the next one", id: "req-code", parameters: { field: "code" } }, 422];
const activations = [];
const features = { peers: 12, peer_share: 0.08, companion_share: 0.1, rarity: 0.9, idle_days: 120, contributions: [["peer-share", 0.4], ["idle-days", 0.2]] };
const items = Array.from({ length: 200 }, (_, at) => ({ id: `item-${at}`, campaign: "campaign-1", person: `person-${(at % 2) + 2}`, person_name: people[(at % 2) + 1].name, entitlement: `entitlement-${at}`, name: `ad/GRP-${String(at).padStart(3, "0")}`, risk: ["critical", "high", "medium", "low"][at % 4], privileged: at % 9 === 0, reviewer: "person-1", sources: [{ way: ["role:payer", `ad/GRP-${at}`], origins: [{ kind: "assignment", reference: "assignment-1" }], also_loses: at % 5 === 4 ? ["ad/Other"] : [], nesting_reaches: null }], score: 1 - at / 220, features, last_use: at % 3 ? days(-at) : null, violates: at === 0 ? ["pay-vendor"] : [], base: "", state: "open", decision: null, comment: null, decided_by: null, decided: null, shown: null, changed: null, escalated: false, looked: 0, version: 1 }));
const campaign = { id: "campaign-1", title: "Finance, fourth quarter", due: days(14), scope: {}, state: "open", items: 200, without_reviewer: 0, begun_by: "user:u-1", created: iso(now), closed: null };
const figure = { reviewer: "person-1", items: 200, decided: 40, kept: 40, revoked: 0, median_s: 1.4, glanced: 0.9, canaries: 2, canaries_caught: 0, is_rubber_stamp: true };
const records = (all) => [{ records: all, names }, 200];
const record = (one, status = 200) => [{ record: one, names }, status];
const missing = (what) => [{ code: "not-found", status: 404, title: "No such thing", detail: `there is no ${what}`, id: "req-acc" }, 404];

/** The answer to a request under the Access desk's rooms, and its status. */
export function access(method, [room, noun, id, act, below], body, query = {}) {
  if (room === "access" && noun === "conditional" && id === "policies" && below) return ofPolicy(below);
  if (room === "access" && ["conditional", "tenants", "consents"].includes(noun)) return conditional(method, noun, id, act, body);
  if (room === "access" && noun === "documents" && body.kind === "conditional-access") return savePolicy(body);
  const said = officer(method, room, noun, id, act, below, body, people, names);
  if (said) return said;
  if (room === "access" && noun === "groups") return groupsOf(method, id, act, body, query, names);
  if (room === "access" && noun === "last-use") return record({ days: 90, names: 40, accounts: 12, unknown: 3 });
  return room === "identity" ? identity(method, noun, id, act, body) : duties(method, noun, id, act, body);
}

function identity(method, noun, id, act, body) {
  switch (`${method} ${noun}${id ? "/:id" : ""}${act ? `/${act}` : ""}`) {
    case "GET people": return [{ people, truncated: false }, 200];
    case "GET people/:id": {
      const found = people.find((one) => one.id === id);
      if (!found) return missing(id);
      return [{ person: found, anchors: [{ source: "hr", anchor: found.number }], phase: found.blocked ? "blocked" : "here", next: days(200), engagements: [engagement], access: access_lines, assignments: [assignment], accounts: accounts.filter(({ person: owner }) => owner === id), changes: [item], merges: mergesOf(id) }, 200];
    }
    case "GET people/:id/past": return [{ person: people.find((one) => one.id === id) ?? people[0], engagements: [{ org_unit: "FIN" }], access: access_lines }, 200];
    case "POST people/:id/lock-out":
      accounts.filter(({ system }) => system === "ad").forEach((one) => (one.status = "disabled"));
      people.find((one) => one.id === id).blocked = iso(Date.now());
      return [{ closed: 1, unreachable: ["erp"], refused: [], by_hand: [] }, 200];
    case "POST people/:id/let-in": people.find((one) => one.id === id).blocked = null; return [undefined, 204];
    case "GET accounts": return [{ accounts, truncated: false, total: accounts.length }, 200];
    case "GET hybrids": case "POST hybrids/:id/looks": case "POST hybrids/:id/resolutions": return hybrids(method, act, body);
    case "GET systems": return [{ systems }, 200];
    case "POST systems/:id/read": return [{ objects: 1204, groups: 40, matched: 1200, orphans: 1, drifted: 2, missing: 0, reverted: 0, adopted: 0, fault: null, differences: [{ login: "aosei", what: "member", ours: "-", theirs: "ad/Domain Admins" }] }, 200];
    case "GET findings": return [{ findings: finding.state === "open" ? [drift, finding] : [drift] }, 200];
    case "POST findings/:id/decide": finding.state = "decided"; return [undefined, 204];
    case "GET batches": return [{ batches: [batch] }, 200];
    case "GET batches/:id": return [batch, 200];
    case "POST batches/:id/decide": Object.assign(batch, { state: body.release ? "applied" : "refused", decided: iso(Date.now()), decision: body.reason, decided_by: "user:u-1" }); return [batch, 200];
    case "GET plans": return [{ plans: [plan] }, 200];
    case "GET plans/:id": return [planDetail(), 200];
    case "POST plans": return [planDetail(), 201];
    case "POST plans/:id/execute": plan.state = "done"; return [planDetail(), 200];
    case "GET documents/:id": return [{ documents: documents[id] ?? [] }, 200];
    case "GET entitlements": return [{ entitlements: [] }, 200];
    case "GET role-suggestions": return [{ roles: [{ grants: ["ad/FIN-Read", "erp/AP-Clerk"], people: 14, terms: [{ attribute: "engagement.job", value: "Finance officer" }], precision: 0.93, recall: 1, role: null }], found: 6, at_least: 5, people: 40, accesses: 180 }, 200];
    default: return missing(`${method} ${noun}`);
  }
}

function duties(method, noun, id, act, body) {
  switch (`${method} ${noun}${id ? "/:id" : ""}${act ? `/${act}` : ""}`) {
    case "GET me": return [{ person: "person-1", name: "Ada Osei", eligible: [{ ...eligible, needs_second_factor: factor.confirmed !== null }], access: access_lines }, 200];
    case "GET second-factor": return [factor, 200];
    case "POST second-factor": factor.enrolled = iso(Date.now()); return [{ secret: "Y7KO4DHRWXQRZVOECKDJU67F3IAZ255V", uri: "otpauth://totp/Vigie:person-1?secret=Y7KO4DHRWXQRZVOECKDJU67F3IAZ255V&issuer=Vigie&algorithm=SHA1&digits=6&period=30" }, 201];
    case "POST second-factor/:id":
      if (wrong(body.code)) return refused;
      spent = body.code;
      factor.confirmed = iso(Date.now());
      return [factor, 200];
    case "POST people/:id/second-factor-removals": Object.assign(factor, { enrolled: null, confirmed: null }); return [undefined, 204];
    case "GET logins": return [{ logins: [], names }, 200];
    case "GET violations": return records([violation]);
    case "GET exceptions": return records([]);
    case "GET catalogue": return records(offers);
    case "POST requests/:id": return records(body.packages.length > 1 ? [{ ...requests[0].toxic[0], is_within_request: true }] : []);
    case "POST requests": return record(requests[0], 201);
    case "GET requests": return records(requests);
    case "GET requests/:id/context": return record({ gives: [{ grant: "erp/ZFI_PAY", risk: "high", held: false, sides: [{ rule: "pay-vendor", title: "Payer is not buyer", risk: "high" }] }, { grant: "ad/All-Staff", risk: "low", held: true, sides: [] }], holds: ["ad/All-Staff", "ad/GRP-004"], rules: 12 });
    case "POST requests/:id/commands": requests.splice(0, 1); return record({});
    case "GET activations": return records(activations);
    case "POST activations":
      if (factor.confirmed !== null && wrong(body.code)) return refused;
      activations.unshift({ id: "activation-1", person: "person-1", eligible: body.eligible, target_kind: "role", target: "keys", reason: body.reason, ticket: body.ticket, hours: body.hours, state: "active", candidates: [], decided_by: null, comment: null, asked: iso(Date.now()), window: null, began: iso(Date.now()), until: iso(Date.now() + body.hours * 3_600_000), ended: null, end_cause: null, exposure_us: 0, verified: null, version: 1 });
      return record(activations[0], 201);
    case "POST activations/:id/commands": Object.assign(activations[0], { state: "ending", ended: iso(Date.now()), end_cause: "person" }); return record(activations[0]);
    case "GET campaigns": return records([campaign]);
    case "GET campaigns/:id/items": return records(items);
    case "GET campaigns/:id/reviewers": return records([figure]);
    case "GET review-items/:id": return record(items.find((one) => one.id === id));
    case "POST review-items/:id/decision": {
      const one = items.find((other) => other.id === id);
      Object.assign(one, { state: body.verdict === "keep" ? "kept" : "removing", decision: body.verdict, comment: body.comment, decided: iso(Date.now()), version: one.version + 1 });
      return record(one);
    }
    default: return missing(`${method} ${noun}`);
  }
}
