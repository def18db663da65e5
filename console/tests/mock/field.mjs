// The radio room of the mock: a mission on the road, one that is overdue, an alarm, a log, a small register.
import { draftsOf, entered } from "./drafts.mjs";
import { iso } from "./data.mjs";
import { follow, room } from "./rooms.mjs";

const minutes = (count) => iso(Date.now() + count * 60_000);
const log = [];

function enter(line, meaning, outcome = []) {
  const entry = {
    number: log.length + 1, id: `log-${log.length + 1}`, kind: "contact", happened: minutes(0), entered: minutes(0), clock_suspect: false,
    author: "user:u-1", author_name: "Nadia Haddad", sign: null, holder_name: null, mission: null, line, meaning, outcome, corrects: null, corrected_by: null,
  };
  log.unshift(entry);
  return entry;
}
enter("bf11 dep", "BF11 (White pickup) departs", ["M-0001: next contact by 22:05 (13:05z)"]);
enter("generator refuelled", "note: generator refuelled");

const vehicle = (plate, sign) => ({ vehicle: plate, name: "White pickup", sign, arrived: null, due: null, contact: "ok" });
const seat = { person: "P-1", name: "Ana Soares", organisation: "UNA", vehicle: "UN-1", from: minutes(-90), until: null };
const mission = (number, changes) => ({
  id: `mission-${number}`, label: `M-000${number}`, number, title: "School visit", state: "en-route", contact: "ok", area: "LOW",
  legs: [{ from: "BASE", to: "Hilltop school", area: "LOW" }], leg: 0, convoy: [vehicle("UN-1", "BF11"), vehicle("UN-2", "BF12")], manifest: [seat],
  leader: "BF11", deputy: null, planned_departure: null, departed: minutes(-60), due: minutes(12), last_contact: minutes(-48), last_place: "COMORO",
  overnight: false, custody: null, custody_offered: null, exercise: false, ended: null, version: 4,
  commands: ["report", "halt", "arrive", "abort", "reroute", "seat", "lead", "offer-custody"], ...changes,
});
const missions = () => [mission(1, { contact: "overdue", due: minutes(-9) }), mission(2, {})];
const attempt = { number: 1, role: "focal-point", organisation: "UNA", name: "Hana Brito", means: "phone", address: "555-0102", state: "pending", begun: minutes(-2), answer_by: minutes(1), ended: null, answered_by: null };
const alarm = () => ({
  id: "alarm-1", label: "A-0001", kind: "contact-overdue", title: "M-0001: no contact since 12:05", state: "open", mission: "mission-1", missed: minutes(-9), raised: minutes(-9),
  expired_while_down: false, owner: null, all_means_failed: false, silent: false, ladder: "+0 desk radio; +15 focal-point", steps_taken: 2, attempts: [attempt], reminders: 0, closed: null, outcome: null, version: 3,
});
const column = (name, form, changes = {}) => ({ name, form, words: [], of: null, needed: true, says: `The ${name}`, ...changes });
const nouns = [
  { name: "organisation", key_says: "Short name", columns: [column("name", "text"), column("kind", "word", { words: ["un", "ngo"] })] },
  { name: "person", key_says: "Badge", columns: [column("name", "text"), column("category", "word", { words: ["staff", "visitor"] }), column("organisation", "key", { of: "organisation" })] },
];
const record = (key, fields, doubts = []) => ({ key, version: 1, retired: null, updated: minutes(-600), fields, doubts });
const records = {
  organisation: [record("UNA", { name: "Agency for Almanacs", kind: "un" })],
  person: [record("P-1", { name: "Ana Soares", category: "staff", organisation: "UNA" }), record("P-2", { name: "Beto Lima", category: "staff", organisation: "UNA" }, ["never verified"]), { ...record("P-9", { name: "Former Colleague", category: "staff", organisation: "UNA" }), retired: minutes(-90_000) }],
  vehicle: [record("UN-1", { name: "White pickup" })],
  zone: [record("4", { name: "Harbour" })],
  premises: [record("COMORO", { name: "Comoro bridge", kind: "other", latitude: "-8.556", longitude: "125.535" })],
  facility: [record("HOSP1", { name: "National hospital", kind: "hospital", capability: "surgery", hours: "24/7", phone: "+6705550111", latitude: "-8.553", longitude: "125.585", verified: "2026-01-02", excluded: "" }, ["not verified for 320 days"])],
  fence: [record("NOGO1", { name: "Old quarry", kind: "no-go", width_m: "", shape: '{"type":"Polygon","coordinates":[[[125.6,-8.6],[125.64,-8.6],[125.64,-8.57],[125.6,-8.6]]]}' })],
  road: [record("A2", { name: "Bridge", closed: "bridge down", surface: "paved", shape: '{"type":"LineString","coordinates":[[125.535,-8.556],[125.5,-8.6]]}' })],
  area: [record("LOW", { name: "Lowlands", risk: "low" })],
};
const sign = { id: "record-1", sign: "BF11", holder_kind: "vehicle", holder: "UN-1", holder_name: "White pickup", network: "VHF-1", from: minutes(-9000), until: null };
const sheet = [{ label: "A-0001", subject: "alarm-1", text: "M-0001: no contact", due: minutes(-9), read_back: true }, { label: "M-0002", subject: "mission-2", text: "School visit: en route", due: minutes(12), read_back: false }];
const desk = () => ({ now: minutes(0), time_zone: "Asia/Dili", shift: { number: 4, officer: "user:u-2", officer_name: "Olga", began: minutes(-200), signed: minutes(-1) }, sheet });

function reading({ line }) {
  const known = line.startsWith("bf11");
  const findings = known ? [] : [{ code: "FLD0102", level: "warning", message: "nobody is known under that", start: 0, end: 1, line: 1, column: 1, help: "did they say BF11?" }];
  const completions = known ? [] : [{ text: "BF11", says: "White pickup", start: 0, end: line.length }];
  return { meaning: known ? "BF11 (White pickup) is well" : `note: ${line}`, usable: true, findings, completions };
}

/** The answer to a request under `/field`, and its status. */
export function field(method, id, act, body, below) {
  switch (`${method} ${id}`) {
    case "GET desk":
    case "POST desk":
      return [desk(), 200];
    case "GET missions":
      return [{ now: minutes(0), missions: missions() }, 200];
    case "POST missions":
      return [{ mission: missions()[1], notes: [] }, act ? 200 : 201];
    case "GET alarms":
      return [{ now: minutes(0), alarms: [alarm()] }, 200];
    case "POST alarms":
      return [{ ...alarm(), state: "acknowledged" }, 200];
    case "GET log":
      return [{ entries: log, next: null }, 200];
    case "GET drafts":
    case "PUT drafts":
    case "POST drafts":
      return draftsOf(method, act, below, body);
    case "POST log":
      if (act === "read") return [reading(body), 200];
      entered(body.draft);
      follow(body.line);
      return [enter(body.line, reading(body).meaning), 201];
    case "GET register":
      return [act ? { records: records[act] ?? [] } : { nouns }, 200];
    case "GET call-signs":
    case "POST call-signs":
      return [{ call_signs: [sign] }, 200];
    case "PUT register":
      return [record(body.key, body.fields), 200];
    case "POST register":
      return [{ created: 1, changed: 0, unchanged: 2, written: !body.trial, findings: [] }, 200];
    default:
      return room(method, id, act, body, below);
  }
}
