// Invented records of a house that does not exist, for developing the console and its tests without a server.
// Seeded: the same every time.

/** A small seeded generator of numbers in [0, 1). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = generator(7);
const pick = (list) => list[Math.floor(random() * list.length)];
const iso = (ms) => new Date(ms).toISOString().replace("Z", "000Z");
export const now = Date.now();
const hour = 3_600_000;

export const me = user("u-1", "nadia", "Nadia Benali", ["administrator", "analyst"]);
export const users = [
  me,
  user("u-2", "joao.silva", "João Silva", ["analyst"]),
  user("u-3", "mei.tanaka", "Mei Tanaka", ["engineer"]),
  { ...user("u-4", "old.account", "Piotr Nowak", ["auditor"]), disabled: true },
];

function user(id, name, display_name, roles) {
  return { id, name, display_name, roles, disabled: false, invited: false, created: iso(now - 900 * hour), last_login: iso(now - 2 * hour), version: 1 };
}

const hosts = ["WS-041", "WS-017", "DC-01", "FS-02", "MAIL-01", "WS-133"];
const accounts = ["DUTY\\amina.diallo", "DUTY\\svc-backup", "DUTY\\peter.okoro", "NT AUTHORITY\\SYSTEM"];
const entity = (kind, name) => ({ kind, name, key: name.toLowerCase().replace(/^.*\\/, "") });

const ruleSeeds = [
  ["LSASS Memory Dump Via Comsvcs.dll", "critical", "windows/process_creation", ["T1003.001"]],
  ["Suspicious Encoded PowerShell Command Line", "high", "windows/process_creation", ["T1059.001"]],
  ["Remote Service Installation Through SMB", "high", "windows/system", ["T1021.002", "T1543.003"]],
  ["Impossible Travel Sign-In", "medium", null, ["T1078"]],
  ["Scheduled Task Created In Temp Folder", "medium", "windows/security", ["T1053.005"]],
  ["Net.exe Group Discovery", "low", "windows/process_creation", ["T1069.001"]],
  ["New Inbox Rule Forwards Outside", "high", null, ["T1114.003"]],
  ["Volume Shadow Copy Deleted", "critical", "windows/process_creation", ["T1490"]],
  ["PowerShell Script Block With Base64", "informational", "windows/ps_script", ["T1027"]],
];
const correlationSeeds = [
  ["Many Failed Logons For One Account", "high", "correlation/event_count", ["T1110.001"]],
  ["Discovery Then Lateral Movement", "critical", "correlation/temporal_ordered", ["T1021.002"]],
];
export const rules = Array.from({ length: 4000 }, (_, at) => {
  const seed = at > 20 && at % 100 < 2 ? correlationSeeds[at % 100] : ruleSeeds[at % ruleSeeds.length];
  const kql = seed[2] === null;
  return {
    id: at < ruleSeeds.length ? `rule-${at}` : `6f3e2987-db24-4c78-a860-${String(at).padStart(12, "0")}`,
    kind: kql ? "kql" : "sigma",
    title: at < ruleSeeds.length ? seed[0] : `${seed[0]} (variant ${Math.floor(at / ruleSeeds.length)})`,
    severity: at === 2 ? "medium" : seed[1],
    severity_written: at === 2 ? seed[1] : null,
    state: at % 41 === 40 ? "broken" : at % 9 === 8 ? "disabled" : "enabled",
    status: kql ? null : pick(["stable", "test", "experimental"]),
    log_source: seed[2],
    techniques: seed[3],
    tags: ["attack.execution"],
    origin: kql ? "Nadia Benali" : `rules/windows/process_creation/rule_${at}.yml`,
    alert_count: at < ruleSeeds.length ? 40 - at * 4 : 0,
    last_alert: at < ruleSeeds.length ? iso(now - at * 400_000) : null,
    problem_count: at % 41 === 40 || at === 4 ? 1 : 0,
    version: 1,
  };
});
export const ruleText = (rule) =>
  rule.kind === "kql"
    ? "SigninLogs\n| summarize places = dcount(Location) by UserPrincipalName, bin(TimeGenerated, 1h)\n| where places > 1"
    : `title: ${rule.title}\nid: ${rule.id}\nstatus: ${rule.status}\nlogsource:\n  product: windows\n  category: process_creation\ndetection:\n  selection:\n    Image|endswith: '\\rundll32.exe'\n    CommandLine|contains|all:\n      - 'comsvcs'\n      - 'MiniDump'\n  condition: selection\nlevel: ${rule.severity_written ?? rule.severity}\n`;

const gate = (name, can_hold, fields) => ({ name, can_hold, fields: Object.entries(fields).map(([field, source_field]) => ({ field, source_field })) });
export const gatesOf = (rule) =>
  rule.kind === "kql" || rule.log_source.startsWith("correlation/") || rule.state !== "enabled" ? []
    : rule.id === "rule-4" ? [gate("Security 4698", false, { TaskName: "TaskName", ParentImage: null, Hashes: null })]
    : [gate("Sysmon 1", true, { Image: "Image", CommandLine: "CommandLine", Hashes: "Hashes" }), gate("Security 4688", true, { Image: "NewProcessName", CommandLine: "CommandLine", Hashes: null })];
export const correlations = { rules: 80, groups: 132, hits: 41_870, most_hits: 1_000_000, late: 12, evicted: 340, without_value: 0, watermark: iso(now - 95_000) };

const days = (count) => count * 24 * hour;
export const exceptions = [
  { id: "exception-1", rule_id: "rule-0", title: "Vendor support on MAIL-01", detection: "selection:\n  Computer: 'MAIL-01.duty.example'\n  SubjectUserName: 'peter.okoro'\n", owner: "Nadia Benali", reason: "The vendor debugs the mail server until the end of the month", state: "active", trial: { samples: 3, samples_silenced: 0, alerted: 41, alerted_silenced: 6 }, created: iso(now - days(3)), expires: iso(now + days(11)), version: 1 },
  { id: "exception-0", rule_id: "rule-0", title: "Migration", detection: "selection:\n  SubjectUserName|startswith: 'mig-'\n", owner: "João Silva", reason: "Files move", state: "expired", trial: { samples: 3, samples_silenced: 3, alerted: 41, alerted_silenced: 2 }, created: iso(now - days(60)), expires: iso(now - days(30)), version: 2 },
];

/** A stand-in for the trial: looks at the names of fields alone. */
export function trial(detection) {
  const fields = [...detection.matchAll(/^\s+'?([\w.]+)(?:\|\w+)?'?: /gm)].map(([, field]) => field);
  if (!/^\w+:\n/.test(detection) || fields.length === 0) return null;
  const broad = fields.every((field) => field === "Image" || field === "CommandLine");
  return { samples: 3, samples_silenced: broad ? 3 : 0, alerted: 41, alerted_silenced: broad ? 38 : fields.length > 1 ? 6 : 9 };
}

export const alerts = Array.from({ length: 260 }, (_, at) => makeAlert(at, now - at * 190_000 - 20_000));

export function makeAlert(at, time) {
  const rule = rules[at % ruleSeeds.length];
  const host = hosts[at % hosts.length];
  return {
    id: `alert-${at}`,
    rule_id: rule.id,
    rule_kind: rule.kind,
    title: rule.title,
    severity: rule.severity,
    event_time: iso(time),
    last_event_time: iso(time + 4000),
    raised: iso(time + 800),
    event_count: 1 + (at % 7) * 3,
    entities: [entity("host", host), entity("account", accounts[at % accounts.length]), ...(at % 3 === 0 ? [entity("ip", `10.20.${at % 16}.7`)] : []), ...(at % 5 === 0 ? [entity("process", "C:\\Windows\\System32\\rundll32.exe")] : [])],
    techniques: rule.techniques,
    incident_id: at % 4 === 3 ? null : `incident-${at % 6}`,
    group_id: `group-${at % 6}`,
    withdrawn: at % 13 === 4 ? iso(time + 90_000) : null,
    risk: 90 - (at % 60),
  };
}

export function alertDetail(alert) {
  const raw = {
    EventID: 4688, Channel: "Security", Computer: `${alert.entities[0].name}.duty.example`, TimeCreated: alert.event_time,
    NewProcessName: "C:\\Windows\\System32\\rundll32.exe", SubjectUserName: "amina.diallo",
    CommandLine: "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 624 C:\\Temp\\out.dmp full",
  };
  const event = (n) => ({
    item_id: `0192f6c1-77aa-7c3e-9a51-00000000${n}-${n}`,
    time: alert.event_time,
    raw: JSON.stringify(raw),
    fields: raw,
    reasons: [
      { field: "Image", predicate: "endswith '\\rundll32.exe'", value: "C:\\Windows\\System32\\rundll32.exe" },
      { field: "CommandLine", predicate: "contains 'comsvcs'", value: raw.CommandLine },
      { field: "CommandLine", predicate: "contains 'MiniDump'", value: raw.CommandLine },
    ],
  });
  const rule = rules.find(({ id }) => id === alert.rule_id);
  return {
    alert,
    explanation: `rundll32.exe on ${alert.entities[0].name} called MiniDump of comsvcs.dll: it writes the memory of LSASS, with everybody's credentials, to a file.`,
    events: Array.from({ length: Math.min(alert.event_count, 5) }, (_, n) => event(n + 10)),
    rule_text: ruleText(rule),
    rule_revision: "3f9c2e1",
    rule_language: rule.kind === "kql" ? "kql" : "yaml",
    rule_description: "Detects process memory dumps of LSASS through the legitimate library comsvcs.dll.",
    references: ["https://attack.mitre.example/T1003/001"],
    false_positives: ["An administrator who debugs a server with its vendor"],
    rule_changed: false,
  };
}

const titles = [
  "Credential dump on WS-041 and lateral movement to DC-01",
  "Phishing, token theft and mail forwarding for amina.diallo",
  "Shadow copies deleted on FS-02",
  "Discovery with net.exe on WS-133",
  "Service installed over SMB on MAIL-01",
  "Encoded PowerShell on WS-017",
];
export const incidents = titles.map((title, at) => ({
  id: `incident-${at}`,
  number: 118 - at,
  title,
  severity: ["critical", "high", "critical", "low", "medium", "high"][at],
  status: ["active", "new", "contained", "new", "active", "closed"][at],
  classification: at === 5 ? "benign-positive" : null,
  owner: [0, 2, 5].includes(at) ? { id: "u-1", name: "Nadia Benali" } : null,
  created: iso(now - (at + 1) * 2 * hour),
  updated: iso(now - (at + 1) * 700_000),
  closed: at === 5 ? iso(now - hour) : null,
  first_event: iso(now - (at + 2) * 2 * hour),
  last_event: iso(now - (at + 1) * hour),
  alert_count: alerts.filter(({ incident_id }) => incident_id === `incident-${at}`).length,
  entities: [entity("host", hosts[at]), entity("account", accounts[at % 3]), ...(at === 0 ? [entity("host", "DC-01")] : [])],
  techniques: ruleSeeds[at][3],
  version: 3,
}));

const line = (kind, ms, actor_name, text, parameters = {}, reason = null) => ({ at: iso(ms), kind, actor: actor_name === "Vigie" ? "system:detect" : "user:u-1", actor_name, text, parameters, reason });
export const timelines = Object.fromEntries(
  incidents.map((incident, at) => [
    incident.id,
    [
      line("opened", now - (at + 1) * 26 * hour, "Vigie", "Opened from two alerts that share the host"),
      line("alert", now - (at + 1) * 25 * hour, "Vigie", "LSASS Memory Dump Via Comsvcs.dll", { alert_id: "alert-0" }),
      line("alert", now - 3 * hour, "Vigie", "Remote Service Installation Through SMB", { alert_id: "alert-2" }),
      line("alert-withdrawn", now - 2.5 * hour, "Vigie", "Alert withdrawn, undone by an event that came late: Remote Service Installation Through SMB", { alert_id: "alert-2", title: "Remote Service Installation Through SMB" }),
      line("severity", now - 2 * hour, "Nadia Benali", "", { from: "high", to: "critical" }, "A domain controller is touched"),
      line("assigned", now - 1.9 * hour, "Nadia Benali", "", { from: null, to: "Nadia Benali" }, "On duty tonight"),
      line("comment", now - 1.5 * hour, "Nadia Benali", "WS-041 is off the network since 13:40. The dump was taken by a session of svc-backup; its password is being changed.\nJoão calls the duty station."),
      line("status", now - 0.4 * hour, "João Silva", "", { from: "new", to: "active" }, "Work has begun"),
    ],
  ]),
);

export const sources = [
  source("dc-security", "windows-json", "SecurityEvent", 812.4, 1_204_332, 0, false),
  source("sysmon-workstations", "windows-json", null, 1460.2, 5_402_118, 12, false),
  source("border-firewall", "syslog", "Syslog", 0, 88_120, 0, true),
  source("mail-gateway", "syslog", "Syslog", 14.1, 41_772, 318, false),
  source("station-east", "windows-json", null, 3.2, 9_113, 0, false),
];

function source(name, format, table, rate_per_s, records, unparsed, silent) {
  return {
    name, format, table, time_zone: null, log_source: name === "mail-gateway" ? { category: "proxy", product: "squid" } : {}, registered: name !== "dc-security", first_seen: iso(now - 400 * hour),
    last_seen: iso(now - (silent ? 5 * hour : 900)), last_event: iso(now - 1900), records, bytes: records * 1830,
    unparsed, dropped: name === "border-firewall" ? 42 : 0, duplicates: 3, rate_per_s, lag_ms: silent ? null : 740, silent,
  };
}

const verbs = ["incident.assign", "incident.comment", "rule.disable", "user.invite", "source.connect", "token.create", "query.run", "session.login"];
export const ledger = Array.from({ length: 240 }, (_, at) => {
  const sequence = 240 - at;
  const hex = (n) => generator(n)().toString(16).slice(2).padEnd(13, "0").repeat(5).slice(0, 64);
  return {
    sequence, at: iso(now - at * 500_000), actor: at % 5 === 4 ? "system:detect" : "user:u-1", actor_name: at % 5 === 4 ? "Vigie" : "Nadia Benali",
    verb: verbs[at % verbs.length], entity: `incident-${at % 6}`, reason: at % 5 === 4 ? null : "On duty tonight; the host is off the network",
    before: at % 11 === 10 ? null : { owner: null, version: 2 }, after: at % 11 === 10 ? null : { owner: "u-1", version: 3 }, erased: at % 11 === 10, hash: hex(sequence),
  };
});

export const tables = [
  ["SecurityEvent", "TimeGenerated:datetime Computer:string EventID:int Account:string TargetUserName:string IpAddress:string LogonType:int CommandLine:string NewProcessName:string ParentProcessName:string EventData:dynamic"],
  ["DeviceProcessEvents", "TimeGenerated:datetime DeviceName:string FileName:string ProcessCommandLine:string AccountName:string InitiatingProcessFileName:string SHA256:string"],
  ["SigninLogs", "TimeGenerated:datetime UserPrincipalName:string IPAddress:string Location:string ResultType:string"],
  ["Syslog", "TimeGenerated:datetime Computer:string Facility:string SeverityLevel:string SyslogMessage:string"],
  ["_Unparsed", "TimeGenerated:datetime Reason:string Table:string Position:string RawBytes:string _SourceName:string _RawData:string"],
  ["Incidents", "Id:guid Number:long Title:string Severity:string Status:string Owner:string TimeGenerated:datetime"],
  ["Ledger", "Sequence:long TimeGenerated:datetime Actor:string Verb:string Entity:string Reason:string Hash:string"],
].map(([name, columns]) => ({ name, columns: columns.split(" ").map((column) => ({ name: column.split(":")[0], type: column.split(":")[1] })) }));

export function overview(hours) {
  const from = now - hours * hour;
  const points = (scale, seed) => {
    const next = generator(seed);
    return Array.from({ length: 48 }, (_, at) => ({ at: iso(from + (at * hours * hour) / 48), value: Math.round((0.4 + 0.4 * Math.sin(at / 5) + 0.3 * next()) * scale) }));
  };
  const open = incidents.filter(({ status }) => status !== "closed");
  const words = ["critical", "high", "medium", "low", "informational"];
  const by = (list) => words.map((severity) => ({ severity, count: list.filter((one) => one.severity === severity).length, query: `Incidents\n| where Severity == "${severity}"` }));
  return {
    now: iso(Date.now()), from: iso(from), pulse: pulse(),
    events: { step_s: (hours * 3600) / 48, points: points(190_000, 3), query: "union withsource=Table *\n| summarize count() by bin(TimeGenerated, 30m)\n| render timechart" },
    alerts: { step_s: (hours * 3600) / 48, points: points(9, 5), query: "Alerts\n| summarize count() by bin(TimeGenerated, 30m)\n| render timechart" },
    alerts_by_severity: by(alerts), open_incidents_by_severity: by(open),
    open_incidents: { value: open.length, query: 'Incidents\n| where Status != "closed"' },
    unassigned_incidents: { value: open.filter(({ owner }) => !owner).length, query: "Incidents\n| where isempty(Owner)" },
    top_rules: rules.slice(0, 7).map((rule) => ({ rule_id: rule.id, title: rule.title, count: rule.alert_count, query: `Alerts\n| where RuleId == "${rule.id}"` })),
    top_entities: hosts.slice(0, 4).map((name, at) => ({ entity: entity("host", name), count: 44 - at * 9, query: `Alerts\n| where Entities has "${name}"` })).concat([{ entity: entity("account", accounts[0]), count: 12, query: "Alerts" }]),
    techniques: rules.slice(0, 6).map((rule, at) => ({ technique: rule.techniques[0], count: 38 - at * 5, query: "Alerts" })),
    incidents: open.slice(0, 5), recent_alerts: alerts.slice(0, 8),
  };
}

export function pulse() {
  return {
    at: iso(Date.now()), events_per_s: 2289.9 + Math.random() * 60, records: 6_745_455, unparsed: 330, dropped: 42, sources: sources.length,
    silent_sources: sources.filter(({ silent }) => silent).map(({ name }) => name), open_incidents: incidents.filter(({ status }) => status !== "closed").length, alerts_last_hour: 19,
  };
}
export { iso };
