// What an access officer does once a week, in the mock: duplicates, exclusions, licences, stand-ins, who changed what at a system.
import { iso, now } from "./data.mjs";

const merges = [];
const exclusions = [{ person: "person-1", entitlement: "entitlement-4", at: iso(now - 86_400_000 * 9), by: "user:u-1", reason: "not needed for the work", source: "item-4", lifted: null, lifted_by: null, lift_reason: null }];
const licence = (name, accounts, idle, price) => ({ system: "cloud", licence: name, accounts, idle, cost_yearly: accounts * price, idle_cost_yearly: idle * price });

const feeds = [
  { feed: "hr", title: "Human resources", owner: "P-1", format: "csv", scope: "full", folder: "hr", folder_problems: [], asked: null, every_minutes: null, source: null, last: null },
  { feed: "workday", title: "Workday", owner: "P-1", format: "scim", scope: "full", folder: null, folder_problems: [], asked: "scim-push", every_minutes: 60, source: { state: "waiting", tried: iso(now - 60_000), taken: iso(now - 86_400_000), failures: 0, problem: "workday is at it: its last change was at 2026-11-30T16:00:00Z, and nothing is taken before it is quiet", waiting: iso(now - 1_200_000) }, last: null },
  { feed: "consultants", title: "Consultants", owner: "P-2", format: "json", scope: "full", folder: null, folder_problems: [], asked: "sql", every_minutes: 60, source: { state: "failed", tried: iso(now - 600_000), taken: iso(now - 86_400_000), failures: 3, problem: "the database cannot be reached (connection refused)", waiting: null }, last: null },
];

export const drift = { id: "finding-2", kind: "drift", subject: "account-1", person: "person-1", account: "account-1", system: "ad", title: "aosei in ad was changed at the system itself by OFFICE\\former.admin", detail: { differences: [{ what: "entitlement Domain Admins", ours: "", theirs: "Domain Admins" }], attribution: { actor: "OFFICE\\former.admin", at: (now - 3_600_000) * 1000, evidence: "msDS-ReplValueMetaData" }, reverts: 2 }, state: "open", opened: iso(now), closed: null, closed_by: null, decision: null };
export const waiting = { feed: "hr", batch: "batch-1", line: 42, record: { line: 42, anchor: "P-9", key: "C-9", person: { given_name: "Bo", family_name: "Lind", birth_date: "1980-02-29", mail: null }, engagement: { org_unit: "FIN", job: "Finance assistant" }, digest: "9f86" }, candidates: ["person-2"] };
export const mergesOf = (id) => merges.filter(({ survivor }) => survivor === id).map(({ id: merge, absorbed }) => ({ id: merge, absorbed }));

/** The answer to one of these requests, and its status; undefined: it is another's. */
export function officer(method, room, noun, id, act, below, body, people, names) {
  switch (`${method} ${room}/${noun}${id ? "/:id" : ""}${act ? `/${act}` : ""}`) {
    case "POST identity/people/:id/merge": {
      const merge = { id: `merge-${merges.length + 1}`, survivor: id, absorbed: body.absorbed };
      merges.push(merge);
      people.find((one) => one.id === body.absorbed).merged_into = id;
      return [{ id: merge.id, absorbed: merge.absorbed }, 200];
    }
    case "POST identity/merges/:id/undo": {
      const at = merges.findIndex((one) => one.id === id);
      people.find((one) => one.id === merges[at].absorbed).merged_into = null;
      merges.splice(at, 1);
      return [undefined, 204];
    }
    case "GET identity/licences": return [{ licences: [licence("Office E3", 120, 7, 432), licence("Visio", 12, 0, 180)], idle: Array.from({ length: 7 }, (_, at) => ({ account: "account-3", system: "cloud", login: `left.${at}@office.example`, licence: "Office E3", cost_yearly: 432 })).map((one, at) => ({ ...one, account: `account-${at + 50}` })) }, 200];
    case "GET access/people/:id/exclusions": return [{ records: exclusions.filter(({ person }) => person === id), names: { ...names, "entitlement-4": "ad/GRP-004" } }, 200];
    case "POST access/people/:id/exclusions":
      Object.assign(exclusions.find(({ entitlement }) => entitlement === below), { lifted: iso(Date.now()), lifted_by: "user:u-1", lift_reason: body.reason });
      return [undefined, 204];
    case "GET identity/feeds": return [{ feeds }, 200];
    case "POST identity/feeds/:id/fetches": {
      const one = feeds.find(({ feed }) => feed === id);
      one.source = { state: "taken", tried: iso(Date.now()), taken: iso(Date.now()), failures: 0, problem: null, waiting: null };
      return [{ source: one.source, batch: null }, 200];
    }
    case "GET access/notices": return [{ records: [{ dispatch: "d-1", about: "request-1", kind: "request-ask", person: "person-1", language: "fr", subject: "À décider : Month end", asked: iso(now), state: "delivered", state_at: iso(now), problem: null }, { dispatch: "d-2", about: "request-1", kind: "request-remind", person: "person-3", language: "en", subject: "Still to decide: Month end", asked: iso(now), state: "no-address", state_at: iso(now), problem: "no address is known" }], names }, 200];
    case "GET access/delegations": return [{ records: [], names: {} }, 200];
    case "POST access/delegations": return [undefined, 204];
    case "POST access/delegations/end": return [undefined, 204];
    case "POST access/reviews/:id": return [{ record: { moved: 3 }, names }, 200];
    default: return undefined;
  }
}
