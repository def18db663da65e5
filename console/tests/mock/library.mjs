// The library of the mock: functions, watchlists and reference tables that can be kept, changed and dropped.
import { iso, now } from "./data.mjs";

const base = (name, more) => ({ name, description: "", changed_by: "user:u-1", created: iso(now), updated: iso(now), version: 1, ...more });
const functions = new Map([
  ["FailedSignIns", base("FailedSignIns", { parameters: "(days: long = 7)", body: "SecurityEvent\n| where EventID == 4625\n| where TimeGenerated > ago(days * 1d)", description: "Failed sign-ins of the last days", problems: [], uses: [] })],
  ["Noisy", base("Noisy", { parameters: "", body: "FailedSignIns()\n| summarize count() by Gone", problems: [{ code: "KQL0031", level: "error", message: "there is no column `Gone`", start: 36, end: 40, line: 2, column: 24, help: null }], uses: ["FailedSignIns"] })],
]);
const watchlists = new Map([["HighValueAssets", base("HighValueAssets", { search_key: "Host", columns: ["Host", "Owner", "Note"], items: 3, csv: "Host,Owner,Note\r\nDC-01,Identity,\"first, and last\"\r\nFS-02,Files,\r\nWS-041,Nadia,travels\r\n" })]]);
const references = new Map([["countries", base("countries", { addresses: ["https://lists.example/countries.csv"], bytes: 44, sha256: "9f86d081", content: "code,name\nTL,Timor-Leste\nFR,France\n" })]]);

class Kept extends Error {
  constructor(status, body) {
    super(body.detail);
    this.answer = [{ status, id: "req-lib", ...body }, status];
  }
}

function put(all, name, body, more) {
  const before = all.get(name);
  if ((before?.version ?? null) !== (body.version ?? null)) throw new Kept(409, { code: "conflict", title: "Changed meanwhile", detail: `\`${name}\` has changed`, yours: body, theirs: before ?? {}, version: before?.version ?? 0 });
  all.set(name, base(name, { ...more, description: body.description ?? "", version: (before?.version ?? 0) + 1 }));
  return [all.get(name), before ? 200 : 201];
}
const without = (field) => (one) => Object.fromEntries(Object.entries(one).filter(([name]) => name !== field));

/** The answer to a request under the library's rooms, and its status. */
export function library(method, room, name, body, query) {
  const [all, list, hide] = { functions: [functions, "functions", ""], watchlists: [watchlists, "watchlists", "csv"], "reference-tables": [references, "reference_tables", "content"] }[room];
  try {
    if (method === "GET" && name === undefined) return [{ [list]: [...all.values()].sort((a, b) => a.name.localeCompare(b.name)).map(without(hide)) }, 200];
    const found = all.get(name);
    if (method !== "PUT" && !found) throw new Kept(404, { code: "not-found", title: "No such thing", detail: `there is no \`${name}\`` });
    if (method === "GET") return [found, 200];
    if (method === "DELETE") {
      if (Number(query.version) !== found.version) throw new Kept(409, { code: "conflict", title: "Changed meanwhile", detail: "changed", yours: {}, theirs: found, version: found.version });
      all.delete(name);
      return [undefined, 204];
    }
    if (room === "functions") return put(all, name, body, { parameters: body.parameters ?? "", body: body.body, problems: [], uses: [] });
    if (room === "watchlists") return put(all, name, body, { search_key: body.search_key ?? "", columns: body.csv.split(/\r?\n/, 1)[0].split(","), items: body.csv.trim().split("\n").length - 1, csv: body.csv });
    return put(all, name, body, { addresses: body.addresses, bytes: body.content.length, sha256: "00", content: body.content });
  } catch (error) {
    if (error instanceof Kept) return error.answer;
    throw error;
  }
}

/** Somebody else changes a watchlist while it is being edited. */
export const meddle = (name) => (watchlists.get(name).version += 1);
