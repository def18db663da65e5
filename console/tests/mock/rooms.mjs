// The rooms behind the desk of the mock: messages, a headcount, a report, a radio check, equipment, people, contacts, positions.
import { iso } from "./data.mjs";

const minutes = (count) => iso(Date.now() + count * 60_000);
const post = (number, changes) => ({
  id: `message-${number}`, means: "sms", sender: "+6705550101", person: "P-1", name: "Ana Soares", organisation: "UNA", subject: null, text: "Bridge is closed, going round", precedence: "routine",
  relayed_by: [], sent: minutes(-6), received: minutes(-5), taken_as: "unread", entry: 12, seen: null, ...changes,
});
const inbox = [post(1, {}), post(2, { name: "Beto Lima", text: "أنا بخير BF12", taken_as: "contact", relayed_by: ["BF12"] }), post(3, { taken_as: "distress", precedence: "distress", text: "SOS" })];
const outgoing = (number, changes) => ({ key: `message-${number}/written`, about: "log-9", recipient: "Hana Brito", text: "Report by 17:00", asked: minutes(-8), state: "delivered", state_at: minutes(-7), means: "sms", problem: null, ...changes });
const sent = [outgoing(4, {}), outgoing(5, { state: "undeliverable", problem: "no channel for sms is configured", text: "" })];
const travel = ({ key, recipient, state, problem }) => ({
  id: key, key, desk: "field", about: "log-9", recipient, addresses: [{ means: "sms", address: "+6705550104" }], place: 0, subject: null, text: null, precedence: "immediate", exercise: false, state, open: false,
  tries: 2, requested: minutes(-8), due: minutes(-7), expires: minutes(600), problem, updated: minutes(-7),
});
const channel = { name: "sms", kind: "smpp", connected: true, since: minutes(-500), problem: null, received: 31, duplicates: 2, sent: 12, failed: 1, faulty: 0, dropped: 0, last_received: minutes(-5) };

const counted = (number, name, organisation, safety, changes = {}) => ({ person: `P-${number}`, name, organisation, joined: false, safety, answered: safety === "unknown" ? null : minutes(-3), answered_by: null, means: "sms", zone: "4", duress: false, ...changes });
const people = [counted(1, "Ana Soares", "UNA", "unknown"), counted(2, "Beto Lima", "UNA", "safe"), counted(3, "Hana Brito", "LAMP", "needs-help")];
const count = { id: "count-1", label: "HC-0001", scope: "zone", scope_key: "4", state: "open", started: minutes(-20), ended: null };

function tally(of) {
  const by_safety = {};
  for (const { safety } of of) by_safety[safety] = (by_safety[safety] ?? 0) + 1;
  const accounted = of.filter(({ safety }) => safety === "safe").length;
  const unknown = of.filter(({ safety }) => safety === "unknown").map(({ person }) => person);
  return { total: of.length, accounted, by_safety, joined: 0, words: `${accounted} of ${of.length}${unknown.length > 0 ? `, ${unknown.length} unknown: call ${unknown.join(", ")}` : ""}` };
}
const headcount = () => ({
  headcount: count, tally: tally(people), by_organisation: { UNA: tally(people.slice(0, 2)), LAMP: tally(people.slice(2)) }, people,
  lists: [{ zone: "4", warden: "P-2", name: "Beto Lima", given: minutes(-20), why: "warden" }],
});

const report = {
  id: "log-9", label: "IR-0001", who: "bf12", place: "COMORO", what: "carjack", severity: "high", happened: minutes(-30), opened: minutes(-30), exercise: false, people: ["P-1"], vehicles: ["UN-2"],
  organisations: ["UNA", "LAMP"], mission: "mission-2", alarm: "alarm-1", incident: "incident-1", incident_label: "INC-0001", situation_reports: 1, closed: null, outcome: null,
};
const said = [{ line: 1, kind: "flash", number: null, text: "FLASH IR-0001 (high): carjack", author_name: "Olga", at: minutes(-30) }, { line: 2, kind: "situation", number: 1, text: "both are safe", author_name: "Olga", at: minutes(-12) }];
const facility = (key, name, excluded) => ({ facility: key, name, kind: "hospital", capability: "surgery trauma", phone: "+6705550111", minutes: 7.4, kilometres: 5.6, crow_flies: false, hours: "24/7", verified: minutes(-90_000), notes: [], excluded });

const round = { id: "round-1", label: "RC-0001", kind: "staff", network: "VHF-1", state: "open", fault: null, started: minutes(-9), ended: null };
const call = (sign, hearing) => ({ sign, name: "White pickup", organisation: "UNA", hearing, attempts: hearing ? 1 : 0, at: hearing ? minutes(-8) : null });
const roster = [call("BF11", "heard"), call("BF12", "not-heard"), call("3611", null)];
const position = (number, changes) => ({
  id: `position-${number}`, device: `TRK-${number}`, holder_kind: "vehicle", holder: `UN-${number}`, name: "White pickup", sign: `BF1${number}`, organisation: "UNA", source: "osmand", fix: minutes(-4), received: minutes(-4),
  latitude: -8.56, longitude: 125.52 + number / 50, accuracy_m: 12, altitude_m: null, speed_mps: null, course_deg: null, trust: "good", doubts: [], mission: null, ...changes,
});
const positions = [position(1, {}), position(2, { accuracy_m: 1500, doubts: ["coarse"] }), position(3, { trust: "quarantined", latitude: 0, longitude: 0, doubts: ["null-island"] })];
const person = (number, name, organisation, changes) => ({ person: `P-${number}`, name, category: "staff", organisation, zone: "4", presence: "present", phone: `+670555010${number}`, missions: [], position: null, ...changes });
const crew = [
  person(1, "Ana Soares", "UNA", { missions: [{ label: "M-0001", title: "School visit", state: "en-route", contact: "overdue", due: minutes(-9), vehicle: "UN-1" }], position: positions[0] }),
  person(2, "Beto Lima", "UNA", { presence: "leave" }), person(3, "Hana Brito", "LAMP", { phone: null }),
];
const card = (contact, doubts) => ({ contact, name: "Hana Brito", organisation: "LAMP", means: "phone", address: "+6705550103", priority: 1, verified: minutes(-400_000), doubts });
const leaf = (number, name, sign) => ({ person: `P-${number}`, name, organisation: "UNA", phone: `+670555010${number}`, sign, presence: "present" });
const tree = () => ({ now: minutes(0), functions: { "focal-point": [card("C1", ["not verified for 278 days"])], "security-adviser": [card("C2", [])] }, zones: [{ zone: "4", name: "Harbour", warden: leaf(2, "Beto Lima", "3612"), alternate: leaf(1, "Ana Soares", null), alternate_calls: true, people: [leaf(1, "Ana Soares", null), leaf(2, "Beto Lima", "3612")] }] });
const systems = () => ({
  now: minutes(0), power_low: false,
  equipment: [{ equipment: "VHF-1", name: "Channel 1", kind: "channel", network: "VHF-1", state: "failed", level_percent: null, words: "no carrier", read: minutes(-40), doubts: [], power_low: false }, { equipment: "UPS", name: "Radio room UPS", kind: "ups", network: null, state: "ok", level_percent: 60, words: "", read: minutes(-30), doubts: ["nobody is named who repairs it"], power_low: false }],
  anomalies: [{ id: "record-9", label: "AN-0001", equipment: "VHF-1", title: "Channel 1 failed: no carrier", told: null, opened: minutes(-40), closed: null, outcome: null }],
});
const trends = { days: 30, signs: [{ sign: "BF12", network: "VHF-1", holder_name: "White van", organisation: "UNA", called: 4, not_heard: 3, by_phone: 1, last_heard: minutes(-2000) }], misuse: [{ entry: 19, sign: "BF12", holder_name: "White van", organisation: "UNA", network: "VHF-1", what: "private talk", at: minutes(-300) }] };
const tracker = { device: "TRK-1", name: "Tracker", holder_kind: "vehicle", holder: "UN-1", state: "silent", since: minutes(-40), last_fix: minutes(-50), last_received: minutes(-50), battery_percent: 14 };

const crossing = (number, changes) => ({ holder_kind: "vehicle", holder: `UN-${number}`, name: "White pickup", sign: `BF1${number}`, fence: "NOGO1", fence_name: "Old quarry", fence_kind: "no-go", at: minutes(-30 * number), side: "inside", mission: null, withdrawn: null, ...changes });
const crossings = [crossing(1, {}), crossing(2, { fence: "ROAD-A2", fence_name: "Way to Baucau", fence_kind: "corridor", side: "outside" }), crossing(3, { withdrawn: minutes(-20) }), crossing(4, { fence_kind: "site", fence_name: "Harbour", side: "outside" })];
const settings = { public_url: "https://radio.office.example", positions_kept_days: 730, language: "en" };
const affiliations = [{ user: { id: "u-1", name: "Nadia Benali" }, organisation: null, person: "P-1" }];
const phrases = [{ id: "phrase-1", shown_as: "all in order", tell: [{ id: "u-1", name: "Nadia Benali" }], set: minutes(-9000) }];

/** What a line does to the rooms, as far as a test looks at it. */
export function follow(line) {
  const answer = /^hc (\S+) (safe|help)/.exec(line);
  const one = answer && people.find(({ person: key }) => key === answer[1]);
  if (one) Object.assign(one, { safety: answer[2] === "safe" ? "safe" : "needs-help", answered: minutes(0), means: "desk" });
  const called = /^rc (\S+?)([-=]?)$/.exec(line);
  const sign = called && roster.find((entry) => entry.sign === called[1]);
  if (sign) Object.assign(sign, { hearing: { "": "heard", "-": "not-heard", "=": "by-phone" }[called[2]], attempts: sign.attempts + 1, at: minutes(0) });
}

/** The answer of a room to a request under `/field` or `/courier`, and its status; undefined where it is none of theirs. */
export function room(method, id, act, body, below) {
  switch (`${method} ${id}`) {
    case "GET messages":
      return [{ messages: act === "sent" ? sent : inbox }, 200];
    case "POST messages":
      if (act === "sent") return [(sent.unshift(outgoing(sent.length + 9, { recipient: body.to, text: body.text, state: "queued" })), sent[0]), 201];
      Object.assign(inbox.find((one) => one.id === act) ?? {}, { seen: minutes(0) });
      return [undefined, 204];
    case "GET dispatches":
      return [sent.map(travel), 200];
    case "GET headcounts":
      return [act ? headcount() : { headcounts: [count] }, 200];
    case "GET answers":
      return [{ headcount: "HC-0001", name: "Ana Soares", safety: "unknown", over: false, expires: minutes(900) }, 200];
    case "POST answers":
      return [{ headcount: "HC-0001", name: "Ana Soares", safety: body.safe ? "safe" : "needs-help", over: false, expires: minutes(900) }, 200];
    case "GET reports":
      return [act ? { report: { ...report, situation_reports: said.filter(({ kind }) => kind === "situation").length }, lines: said, links: [] } : { reports: [report] }, 200];
    case "POST reports":
      said.push({ line: said.length + 1, kind: body.command, number: body.command === "situation" ? said.filter(({ kind }) => kind === "situation").length + 1 : null, text: body.text ?? body.outcome ?? "", author_name: "Nadia Haddad", at: minutes(0) });
      return [report, 200];
    case "GET facilities":
      return [{ now: minutes(0), facilities: [facility("HOSP1", "National hospital", null), facility("CLIN2", "Hill clinic", "the only way is closed: bridge down")] }, 200];
    case "GET rounds":
      return [act === "trends" ? trends : act ? { round, roster } : { rounds: [round] }, 200];
    case "GET systems":
      return [systems(), 200];
    case "GET trackers":
      return [{ now: minutes(0), trackers: [tracker] }, 200];
    case "GET positions":
      return [{ now: minutes(0), positions }, 200];
    case "GET faulty":
      return [[{ id: "delivery-1", channel: "cot", received: minutes(-12), encoding: "text", body: "<event version='2.0' uid='ANDROID-1'", findings: ["line 1: the element `event` is not closed"] }], 200];
    case "POST test":
    case "GET dispatch":
      return [{ message: { ...travel({ key: "test/1", recipient: "test", state: method === "GET" ? "delivered" : "sent", problem: null }), open: method !== "GET" }, tries: [{ number: 1, channel: "sms", means: "sms", address: body?.address ?? "+6705550104", began: minutes(0), ended: minutes(0), outcome: "accepted", problem: null }] }, 200];
    case "GET crossings":
      return [{ now: minutes(0), crossings }, 200];
    case "GET settings":
      return [settings, 200];
    case "PUT settings":
      return [Object.assign(settings, { public_url: body.public_url || null, positions_kept_days: body.positions_kept_days, language: body.language ?? settings.language }), 200];
    case "GET map":
      return [{ code: "not-found", status: 404, title: "No such thing", detail: "there is no map base.pmtiles", help: "name a PMTiles file in the configuration: field.map_file", id: "req-map" }, 404];
    case "GET affiliations":
      return [{ affiliations }, 200];
    case "PUT affiliations":
      affiliations.splice(0, affiliations.length, ...affiliations.filter(({ user }) => user.id !== body.user), { user: { id: body.user, name: body.user }, organisation: body.organisation, person: body.person });
      return [affiliations.at(-1), 200];
    case "GET duress":
      return [{ phrases }, 200];
    case "POST duress":
      if (below === "delete") return [(phrases.splice(phrases.findIndex((one) => one.id === act), 1), undefined), 204];
      phrases.push({ id: `phrase-${phrases.length + 1}`, shown_as: body.shown_as, tell: body.tell.map((one) => ({ id: one, name: one })), set: minutes(0) });
      return [phrases.at(-1), 201];
    case "GET people":
      return [{ now: minutes(0), people: crew }, 200];
    case "POST people":
      if (below === "erase") return [{ person: act, positions: 412, messages: 9, entries: 31, ledger: 40 }, 200];
      return [{ person: act, name: "Ana Soares", query: "DutyLog | take 10", traces: below === "traces" ? [{ at: minutes(-50), trace: "radio", what: "BF11 is at Comoro" }] : [] }, 200];
    case "GET sight":
      return [{ whole: true, organisation: null, opened: [] }, 200];
    case "GET sights":
      return [{ sights: [{ id: "s-1", user: { id: "u-9", name: "Hana" }, organisation: "UNA", reason: "convoy shared", begun: minutes(-50), expires: minutes(10), views: 3 }] }, 200];
    case "GET phone-tree":
      return [tree(), 200];
    case "POST segments":
      return [{ coding: "GSM-7", segments: Math.ceil(body.text.length / 160), left: 160 - (body.text.length % 160) }, 200];
    case "GET undefined":
    case "GET ":
      return [{ channels: [channel], waiting: [{ means: "sms", waiting: 1 }] }, 200];
    default:
      return [undefined, 404];
  }
}
