// A server to develop and test the console against when the real one is not there: the same addresses, the same content
// policy, invented records. Never part of the product.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import * as data from "./data.mjs";
import { analyze, answer } from "./kql.mjs";
import { access } from "./access.mjs";
import { field } from "./field.mjs";
import { custodyOf, nodes } from "./nodes.mjs";
import { library } from "./library.mjs";
import * as looks from "./looks.mjs";

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };
const policy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";
export const credentials = { user: "nadia", password: "correct horse battery" };
export const setupPath = "/setup#vgs_mock";

class Refusal extends Error {
  constructor(status, code, title, detail, extra = {}) {
    super(detail);
    this.body = { code, status, title, detail, id: `req-${Math.random().toString(36).slice(2, 10)}`, ...extra };
  }
}

/** Starts on a port (0: any free one). Returns its address and how to stop it. */
export async function start(port = 0) {
  const state = { sessions: new Set(), listeners: new Set(), saved: [savedQuery("q-1", "Failed sign-ins", "SecurityEvent\n| where EventID == 4625", true)], tokens: [], next: 1000 };
  const server = createServer((request, response) => void serve(request, response, state));
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  const timer = setInterval(() => state.listeners.forEach((one) => tell(one, "pulse", data.pulse())), 3000);
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Raises an alert as the live stream tells it. */
    raise: () => state.listeners.forEach((one) => tell(one, "alert", fresh(state))),
    stop: () => new Promise((done) => (clearInterval(timer), state.listeners.forEach((one) => one.end()), server.close(done), server.closeAllConnections())),
  };
}

function fresh(state) {
  const alert = { ...data.makeAlert(0, Date.now()), id: `alert-${state.next++}`, incident_id: null };
  data.alerts.unshift(alert);
  return alert;
}

const tell = (response, event, fact) => response.write(`event: ${event}\ndata: ${JSON.stringify({ event, data: fact })}\n\n`);

async function serve(request, response, state) {
  const url = new URL(request.url, "http://mock");
  response.setHeader("Content-Security-Policy", policy);
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (!url.pathname.startsWith("/api/")) return file(url.pathname, response);
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    await api(request, response, url, text === "" ? {} : JSON.parse(text), state);
  } catch (error) {
    const body = error instanceof Refusal ? error.body : { code: "internal", status: 500, title: "It broke", detail: String(error), id: "req-x" };
    if (!response.headersSent) response.writeHead(body.status, { "Content-Type": "application/problem+json" });
    response.end(JSON.stringify(body));
  }
}

function file(path, response) {
  const wanted = join(dist, normalize(path));
  const found = wanted.startsWith(dist) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, "index.html");
  response.writeHead(200, { "Content-Type": types[extname(found)] ?? "application/octet-stream" });
  createReadStream(found).pipe(response);
}

function session(signedIn) {
  const actions = ["own-session", "own-tokens", "manage-tokens", "read-users", "manage-users", "keep-house", "query", "save-queries", "read-alerts", "read-incidents", "respond-incidents", "read-rules", "manage-rules", "read-sources", "manage-sources", "read-ledger", "read-overview", "read-field", "operate-field", "manage-field", "manage-library", "read-identity", "operate-identity", "manage-identity", "lock-out", "own-access"];
  const signed_in = signedIn ? { user: data.me, csrf: "mock-csrf", expires: data.iso(Date.now() + 3_600_000), idle_s: 1800, actions } : null;
  return { signed_in, setup_required: false, server_time: data.iso(Date.now()), version: "0.1.0" };
}

async function api(request, response, url, body, state) {
  const [, , , room, id, act, below] = url.pathname.split("/");
  const method = request.method;
  const query = Object.fromEntries(url.searchParams);
  const send = (value, status = 200) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(value === undefined ? "" : JSON.stringify(value));
  };
  const key = /vigie_mock=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
  const signedIn = state.sessions.has(key);
  const enter = () => {
    const fresh = Math.random().toString(36).slice(2);
    state.sessions.add(fresh);
    response.setHeader("Set-Cookie", `vigie_mock=${fresh}; HttpOnly; SameSite=Strict; Path=/`);
    return session(true);
  };
  const open = (["session", "login", "setup"].includes(room) && !id) || (room === "field" && id === "answers");
  if (!open && !signedIn) throw new Refusal(401, "unauthenticated", "Not signed in", "there is no session");
  if (!open && method !== "GET" && request.headers["x-vigie-csrf"] !== "mock-csrf") throw new Refusal(403, "csrf", "No CSRF value", "send X-Vigie-Csrf");
  if (!open && method !== "GET" && "reason" in body && body.reason.trim() === "") throw new Refusal(422, "invalid", "No reason", "`reason` is empty");

  if (room === "field" && id === "custody") return send(...custodyOf(method, body));
  if (room === "field" || room === "courier") return send(...field(method, id, act, body, below));
  if (room === "system") return send({ clock: null, waiting: [], parked: [] });
  if (room === "replica") return send(...nodes(id, query));
  if (["functions", "watchlists", "reference-tables"].includes(room)) return send(...library(method, room, id && decodeURIComponent(id), body, query));
  if (room === "identity" || room === "access") return send(...access(method, url.pathname.split("/").slice(3), body, query));
  switch (`${method} ${room}${id ? "/:id" : ""}${act ? `/${act}` : ""}`) {
    case "GET session":
      return send(session(signedIn));
    case "POST login":
      if (body.name !== credentials.user || body.password !== credentials.password) {
        throw new Refusal(401, "wrong-credentials", "Name or password is wrong", "no account has this name and password", { help: "After five tries the door rests for a while." });
      }
      return send(enter());
    case "POST setup":
      return send(enter());
    case "POST logout":
      state.sessions.delete(key);
      return send(undefined, 204);
    case "POST session/:id":
      return send(undefined, 204);
    case "GET overview":
      return send(data.overview(Number(query.hours ?? 24)));
    case "GET live":
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      state.listeners.add(response);
      tell(response, "pulse", data.pulse());
      return request.on("close", () => state.listeners.delete(response));
    case "GET alerts":
      return send(page(data.alerts.filter((alert) => fits(alert, query)), "alerts", query, 100));
    case "GET alerts/:id":
      return send(data.alertDetail(found(data.alerts, id)));
    case "GET incidents":
      return send(page(data.incidents.filter((one) => (!query.open || one.status !== "closed") && (!query.status || one.status === query.status) && (!query.owner || (one.owner?.id ?? "none") === query.owner) && atLeast(one, query)), "incidents", query, 100));
    case "POST incidents":
      data.incidents.unshift({ ...data.incidents[0], id: `incident-${state.next}`, number: state.next++, title: body.title, severity: body.severity, status: "new", owner: null, version: 1 });
      return send(dossier(data.incidents[0]), 201);
    case "GET incidents/:id":
      return send(dossier(found(data.incidents, id)));
    case "POST incidents/:id/commands":
      return send(command(found(data.incidents, id), body));
    case "GET rules":
      return send({ ...page(data.rules.filter((rule) => (!query.state || rule.state === query.state) && (!query.kind || rule.kind === query.kind) && (!query.technique || rule.techniques.some((one) => one.startsWith(query.technique.toUpperCase()))) && atLeast(rule, query) && (!query.search || `${rule.title} ${rule.id} ${rule.log_source ?? ""}`.toLowerCase().includes(query.search.toLowerCase()))), "rules", query, 500), ...Object.fromEntries(["enabled", "disabled", "broken"].map((one) => [one, data.rules.filter((rule) => rule.state === one).length])), correlations: data.correlations });
    case "POST rules":
      data.rules.unshift({ ...data.rules[3], id: `rule-${state.next++}`, title: body.rule.title, severity: body.rule.severity, alert_count: 0, last_alert: null });
      return send(ruleDetail(data.rules[0], body.rule), 201);
    case "GET rules/:id":
      return send(ruleDetail(found(data.rules, id)));
    case "GET rules/:id/kql":
      return send(looks.kqlOf(found(data.rules, id), data.ruleText(found(data.rules, id))));
    case "GET rules/:id/why": {
      // Long enough to be seen as under way.
      await new Promise((done) => setTimeout(done, 250));
      const report = looks.whyOf(found(data.rules, id), query);
      if (!report) throw new Refusal(422, "invalid", "The request cannot be used", "the rule is not in force");
      return send(report);
    }
    case "GET coverage":
      return send(looks.coverage());
    case "GET coverage/:id":
      return send(looks.layer());
    case "POST rules/:id/state": {
      const rule = found(data.rules, id);
      if (body.version !== rule.version) throw conflict({ enabled: body.enabled }, { enabled: rule.state === "enabled" }, rule.version);
      Object.assign(rule, { state: body.enabled ? "enabled" : "disabled", version: rule.version + 1 });
      return send(ruleDetail(rule));
    }
    case "POST rules/:id":
      return send(undefined, 202);
    case "POST rules/:id/severity": {
      const rule = found(data.rules, id);
      if (body.version !== rule.version) throw conflict({ severity: body.severity }, { severity: rule.severity }, rule.version);
      const written = rule.severity_written ?? rule.severity;
      Object.assign(rule, { severity: body.severity ?? written, severity_written: body.severity ? written : null, version: rule.version + 1 });
      return send(ruleDetail(rule));
    }
    case "GET exceptions":
      return send({ exceptions: data.exceptions.filter((one) => (!query.rule || one.rule_id === query.rule) && (query.over === "true" || one.state === "active")) });
    case "POST exceptions":
      return send(makeException(body, state), 201);
    case "POST exceptions/:id":
      return send(trial(body));
    case "POST exceptions/:id/prolong":
    case "POST exceptions/:id/end": {
      const one = found(data.exceptions, id);
      if (body.version !== one.version) throw conflict({ expires: body.expires ?? null }, { expires: one.expires, state: one.state }, one.version);
      return send(Object.assign(one, act === "end" ? { state: "ended" } : { expires: body.expires }, { version: one.version + 1 }));
    }
    case "GET sources":
      return send({ sources: data.sources, formats: ["windows-json", "syslog", "json", "csv"] });
    case "POST sources":
      data.sources.push({ ...data.sources[0], name: body.name, format: body.format, log_source: body.log_source ?? {}, records: 0, rate_per_s: 0, last_seen: null });
      return send({ source: data.sources.at(-1), token: newToken(state, { name: body.name, scopes: ["ingest"], target: body.name }), path: `/api/v1/ingest/${body.name}` }, 201);
    case "GET ledger":
      return send(page(data.ledger.filter((entry) => (!query.verb || entry.verb.startsWith(query.verb)) && (!query.actor || entry.actor === query.actor) && (!query.entity || entry.entity === query.entity)), "entries", query, 100));
    case "POST ledger/:id":
      return send({ intact: true, entries: 240, erased: 21, head: data.ledger[0].hash, first_bad: null, elapsed_ms: 18.2 });
    case "GET users":
      return send({ users: data.users });
    case "GET tokens":
      return send({ tokens: state.tokens });
    case "POST tokens":
      return send(newToken(state, body), 201);
    case "GET tables":
      return send({ tables: data.tables });
    case "GET queries":
      return send({ queries: state.saved });
    case "POST queries":
      state.saved.push(savedQuery(`q-${state.next++}`, body.name, body.query, body.shared));
      return send(state.saved.at(-1), 201);
    case "DELETE queries/:id":
      state.saved = state.saved.filter((one) => one.id !== id);
      return send(undefined, 204);
    case "POST kql/:id":
      return send(id === "analyze" ? analyze(body.text, body.offset) : { text: body.text.replace(/\s*\|\s*/g, "\n| "), diagnostics: [] });
    case "POST query":
      return stream(response, body.query);
    case "POST query/:id":
      response.writeHead(200, { "Content-Type": "text/csv" });
      return response.end("a,b\n1,2\n");
    default:
      throw new Refusal(404, "not-found", "No such thing", `${method} ${url.pathname}`);
  }
}

const found = (list, id) => {
  const one = list.find((entry) => entry.id === decodeURIComponent(id));
  if (!one) throw new Refusal(404, "not-found", "No such thing", `nothing has the id ${id}`);
  return one;
};
const order = ["informational", "low", "medium", "high", "critical"];
const atLeast = (one, query) => !query.severity || order.indexOf(one.severity) >= order.indexOf(query.severity);
const fits = (alert, query) => atLeast(alert, query) && (!query.rule || alert.rule_id === query.rule) && (!query.technique || alert.techniques.includes(query.technique)) && (!query.unassigned || !alert.incident_id) && (!query.entity || alert.entities.some(({ kind, key }) => `${kind}:${key}` === query.entity)) && (!query.from || alert.raised >= query.from);

function page(list, name, query, usual) {
  const [from, limit] = [Number(query.cursor ?? 0), Number(query.limit ?? usual)];
  return { [name]: list.slice(from, from + limit), next: from + limit < list.length ? String(from + limit) : null };
}

function conflict(yours, theirs, version) {
  return new Refusal(409, "conflict", "Changed meanwhile", "the record has changed since it was read", { yours, theirs, version });
}

function trial(body) {
  const tried = data.trial(body.detection);
  if (!tried) throw new Refusal(422, "invalid", "The exception is not valid", "detection: say which events to leave out: `selection:` and fields with their values");
  return tried;
}

function makeException(body, state) {
  const tried = trial(body);
  if (tried.samples_silenced === tried.samples && !body.accept_blind) throw new Refusal(422, "refused", "It blinds the rule", "with this exception the rule fires on none of the 3 events that its tests know it by");
  const { accept_blind: _, ...kept } = body;
  data.exceptions.unshift({ ...kept, id: `exception-${state.next++}`, state: "active", trial: tried, created: data.iso(Date.now()), version: 1 });
  return data.exceptions[0];
}

const tasks = {};

function dossier(incident) {
  const alerts = data.alerts.filter(({ incident_id }) => incident_id === incident.id).slice(0, 12);
  const commands = { new: ["activate", "close"], active: ["contain", "close"], contained: ["close", "activate"], closed: ["reopen"] }[incident.status];
  return {
    incident, description: "The memory of LSASS was written to a file; then a service was installed on the domain controller.", alerts, comments: [], timeline: data.timelines[incident.id] ?? [],
    entities: incident.entities.map((entity, at) => ({ entity, alert_count: 9 - at * 3, first_seen: incident.first_event, last_seen: incident.last_event, query: `SecurityEvent\n| where Computer startswith "${entity.name}"` })),
    commands: [...commands, "assign", "set-severity", "comment", ...(incident.status === "closed" ? [] : ["add-task", "set-task"])],
    tasks: (tasks[incident.id] ??= [{ id: "task-1", title: "Change the password of svc-backup", assignee: incident.owner, state: "open", created: incident.created, ended: null }]), previous: null,
  };
}

function command(incident, body) {
  if (body.version !== incident.version) throw conflict({ severity: body.severity ?? null }, { severity: incident.severity, owner: incident.owner?.name ?? null }, incident.version);
  const status = { activate: "active", contain: "contained", close: "closed", reopen: "active" }[body.command];
  if (status) incident.status = status;
  if (body.command === "close") incident.classification = body.classification;
  if (body.command === "assign") incident.owner = body.owner ? { id: body.owner, name: data.users.find(({ id }) => id === body.owner)?.display_name ?? body.owner } : null;
  if (body.command === "set-severity") incident.severity = body.severity;
  if (body.command === "add-task") tasks[incident.id].push({ id: `task-${Date.now()}`, title: body.title, assignee: body.assignee ? { id: body.assignee, name: data.me.display_name } : null, state: "open", created: data.iso(Date.now()), ended: null });
  if (body.command === "set-task") tasks[incident.id].find(({ id }) => id === body.task).state = body.state;
  incident.version += 1;
  const kind = { assign: "assigned", "set-severity": "severity", comment: "comment", close: "closed", "add-task": "task", "set-task": "task-state" }[body.command] ?? "status";
  (data.timelines[incident.id] ??= []).push({ at: data.iso(Date.now()), kind, actor: "user:u-1", actor_name: "Nadia Benali", text: body.text ?? "", parameters: body.command === "comment" ? {} : body.command === "close" ? { from: "active", classification: body.classification } : body.title ? { title: body.title } : { to: body.state ?? status ?? body.severity ?? body.owner ?? null }, reason: body.reason });
  return dossier(incident);
}

const unreachable = "its condition can never hold: no known event of windows/security carries Hashes, ParentImage";

function ruleDetail(rule, schedule = null) {
  const kql = rule.kind === "kql";
  const planned = { title: rule.title, description: "", severity: rule.severity, query: data.ruleText(rule), frequency_s: 300, period_s: 3600, operator: "greater-than", threshold: 0, entities: [{ kind: "account", column: "UserPrincipalName" }], techniques: rule.techniques, suppression_s: null, enabled: true };
  return {
    rule, text: data.ruleText(rule), language: kql ? "kql" : "yaml", description: "Detects what its title says.", author: kql ? null : "Rule writers",
    references: ["https://attack.mitre.example/T1003/001"], false_positives: ["Administrators at work"],
    problems: rule.state === "broken" ? ["line 9, column 14: the field modifier `cidrr` is not known; did you mean `cidr`?"] : rule.id === "rule-4" ? [unreachable] : [],
    digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", revision: kql ? null : "3f9c2e1", gates: data.gatesOf(rule), unreachable: rule.id === "rule-4" ? unreachable : null,
    alerts_by_day: Array.from({ length: 30 }, (_, day) => (rule.alert_count > 0 ? (day * 7 + rule.alert_count) % 6 : 0)),
    schedule: kql ? (schedule ?? planned) : null, last_run: kql ? { at: data.iso(Date.now() - 90_000), rows: 0, elapsed_ms: 41, error: null } : null,
  };
}

function savedQuery(id, name, query, shared) {
  return { id, name, description: "", query, owner: { id: "u-1", name: "Nadia Benali" }, shared, created: data.iso(data.now), updated: data.iso(data.now), version: 1 };
}

function newToken(state, { name, scopes, target = null }) {
  const token = { id: `t-${state.next++}`, name, prefix: "vgt_x7Qm", scopes, target, owner: { id: "u-1", name: "Nadia Benali" }, created: data.iso(Date.now()), expires: data.iso(Date.now() + 8e9), last_used: null, revoked: null };
  state.tokens.push(token);
  return { token, secret: "vgt_x7QmMockMockMockMockMockMockMockMock" };
}

async function stream(response, query) {
  if (/^\s*boom/.test(query)) throw new Refusal(422, "query-invalid", "The query is not valid", "`boom` is not a table", { help: "Pick a table from the tree.", diagnostics: [] });
  const { columns, rows, visualization } = answer(query);
  response.writeHead(200, { "Content-Type": "application/x-ndjson" });
  response.write(`${JSON.stringify({ columns })}\n`);
  const slow = /slow/.test(query);
  if (slow) response.write(`${JSON.stringify({ progress: { elapsed_ms: 250, files: 12, files_planned: 61, rows: 2_400_000, rows_planned: 5_000_000, bytes: 41_000_000, bytes_planned: 227_000_000 } })}\n`);
  for (let at = 0; at < rows.length && !response.destroyed; at += 2000) {
    response.write(`${JSON.stringify({ rows: rows.slice(at, at + 2000) })}\n`);
    await new Promise((done) => setTimeout(done, slow ? 400 : 0));
  }
  const truncated = rows.length >= 100_000;
  response.end(`${JSON.stringify({ done: { elapsed_ms: 184.2, rows: rows.length, rows_scanned: 4_120_331, read: { elapsed_ms: 184.2, files: 12, files_planned: 12, rows: 4_120_331, rows_planned: 4_120_331, bytes: 61_000_000, bytes_planned: 190_000_000 }, truncated, visualization, warnings: [] } })}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start(Number(process.env.PORT ?? 7420));
  console.log(`${url}  ${credentials.user} / ${credentials.password}`);
}
