// Groups of the mock's Access desk: two that lie in each other, one of a quarter of a million, one that nobody needs.
import { iso, now } from "./data.mjs";

const days = (count) => iso(now + count * 86_400_000);
const crowd = 250_000;
const group = (number, name, more = {}) => ({ id: `group-${number}`, system: "ad", name, title: null, kind: "group", native_id: null, owner: "P-1", privileged: false, direct: 2, effective: 2, parents: [], children: [], cycle: [], last_use: days(-3), life: null, gone: null, ...more });
const groups = [
  group(1, "All Staff", { kind: "distribution-list", title: "Everybody at the office", direct: crowd, effective: crowd }),
  group(2, "FIN-Read", { children: ["ad/FIN-Write"], parents: ["ad/FIN-Write"], cycle: ["ad/FIN-Read", "ad/FIN-Write", "ad/FIN-Read"], effective: 3 }),
  group(3, "FIN-Write", { children: ["ad/FIN-Read"], parents: ["ad/FIN-Read"], cycle: ["ad/FIN-Read", "ad/FIN-Write", "ad/FIN-Read"], effective: 3, owner: null }),
  group(4, "Domain Admins", { privileged: true, direct: 1, effective: 1 }),
  group(5, "Flood 2019", { last_use: days(-700), life: { state: "proposed", reason: "nobody in it was used for 90 days", members: 0, changed: days(-1), changed_by: "system:identity", restore_until: null, version: 1 } }),
  ...Array.from({ length: 260 }, (_, at) => group(at + 10, `APP-${String(at).padStart(3, "0")}`, { direct: 0, effective: 0, owner: at % 2 ? null : "P-2", last_use: null })),
];
const next = { propose: "proposed", keep: "kept", disable: "disabled", remove: "removed", restore: "restored" };
const person = (at) => `person-${(at % 3) + 1}`;
const member = (of, at) => ({ account: `account-${String(at).padStart(6, "0")}`, system: "ad", login: `user${at}`, person: at % 7 === 6 ? null : person(at), path: of.children.length > 0 && at % 3 === 2 ? [of.children[0], `ad/${of.name}`] : [`ad/${of.name}`], last_use: days(-at % 90) });
let pages = 0;

/** The answer to a request about groups, and its status. */
export function groupsOf(method, id, act, body, query, names) {
  const record = (one) => [{ record: one, names }, 200];
  if (method === "GET" && !id) return [{ records: groups, names }, 200];
  if (id === "stale") return record({ looked_at: groups.length, proposed: [], withdrawn: [], unknown_use: 12 });
  const one = groups.find((other) => other.id === id);
  if (!one) return [{ code: "not-found", status: 404, title: "No such thing", detail: `there is no group ${id}`, id: "req-grp" }, 404];
  if (act === "members") {
    const [from, limit] = [query.after ? Number(query.after.slice(8)) + 1 : 0, Number(query.limit ?? 500)];
    const fits = ({ login, person, path }) => (!query.text || login.includes(query.text)) && (!query.way || (query.way === "direct") === (path.length === 1)) && (!query.holder || (query.holder === "person") === (person !== null));
    const all = Array.from({ length: one.effective }, (_, at) => member(one, at)).filter(fits);
    const left = all.filter(({ account }) => Number(account.slice(8)) >= from);
    return record({ members: left.slice(0, limit), total: one.effective, found: all.length, next: left.length > limit ? left[limit - 1].account : null });
  }
  if (act === "reads") {
    pages = Math.min(crowd / 1000, pages + 20);
    return record({ pages, members: pages * 1000, begun: days(0), at: days(0), done: pages === crowd / 1000 ? days(0) : null });
  }
  if (act === "owner") {
    if (body.instead_of !== one.owner) return [{ code: "conflict", status: 409, title: "Changed meanwhile", detail: "the record has changed since it was read", yours: body.owner, theirs: one.owner, version: 2, id: "req-grp" }, 409];
    one.owner = body.owner;
    return record(one);
  }
  const version = one.life?.version ?? 0;
  if (body.version !== version) return [{ code: "conflict", status: 409, title: "Changed meanwhile", detail: "the record has changed since it was read", yours: body.command, theirs: one.life?.state ?? "in use", version, id: "req-grp" }, 409];
  if (body.command === "disable" && /last owner/.test(body.reason)) return [{ code: "refused", status: 422, title: "Not possible", detail: "Ada Osei is the last owner of ad/Flood 2019: name another first", id: "req-grp" }, 422];
  const taken = body.command === "disable" ? one.effective : (one.life?.members ?? 0);
  one.life = { state: next[body.command], reason: body.reason, members: taken, changed: iso(Date.now()), changed_by: "user:u-1", restore_until: ["disable", "remove"].includes(body.command) ? iso(Date.now() + 30 * 86_400_000) : (one.life?.restore_until ?? null), version: version + 1 };
  one.effective = one.direct = ["disable", "remove"].includes(body.command) ? 0 : body.command === "restore" ? taken : one.direct;
  return record({ life: one.life, lost: body.command === "restore" ? [["former.colleague", "the directory does not know it any more"]] : [] });
}
