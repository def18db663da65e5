// The other nodes of the mock: headquarters, whose link is down, and a sub-office that refused a batch; and what they told.
import { iso } from "./data.mjs";

const minutes = (count) => iso(Date.now() + count * 60_000);
const peer = (node, more) => ({ node, state: "up", heard: minutes(0), as_of: minutes(0), silent_min: 0, behind: 0, owed: 0, problem: null, ...more });
const peers = () => [
  peer("HQ", { state: "down", heard: minutes(-217), as_of: minutes(-219), silent_min: 217, owed: 412, problem: "connection refused" }),
  peer("BAUCAU", { behind: 1 }),
];
const record = (kind, subject, body) => ({ node: "BAUCAU", kind, subject, time: minutes(-4), body });
const records = [
  record("log", "12", { kind: "note", entered: minutes(-4), author: "user:u-7", line: "all quiet at the gate", meaning: "note: all quiet at the gate" }),
  record("mission", "mission-7", { label: "M-0007", title: "Vaccine run", state: "en-route", contact: "overdue", leader: "BA21", last_place: "MANATUTO" }),
  record("alarm", "alarm-9", { label: "A-0009", kind: "contact-overdue", title: "M-0007: no contact since 12:05", state: "open", owner: null }),
  record("incident", "log-31", { label: "INC-0003", who: "BA21", place: "MANATUTO", what: "road blocked", severity: "high", closed: null }),
  record("position", "tracker-4", { fix: minutes(-5), lat: -8.51, lon: 126.01, source: "inreach" }),
];
const shared = [{ ours: "INC-0001", node: "BAUCAU", theirs: "INC-0003", our_text: "BF12, COMORO: carjack", their_text: "BA21, MANATUTO: road blocked", severity: "high", open: true, reason: "the same vehicle within two hours" }];

const lane = (name, more) => ({ lane: name, behind: 0, owed: 0, held: 40, told: 40, waiting_bytes: null, batch_bytes: null, ...more });
const lanes = () => [lane("distress"), lane("deadline", { owed: 12 }), lane("log", { owed: 400, waiting_bytes: 8192, batch_bytes: 65536 }), lane("bulk")];
const offer = { node: "BAUCAU", mission: "mission-7", label: "M-0007", title: "Vaccine run", contact: "overdue", due: minutes(-9), last_contact: minutes(-40), last_place: "MANATUTO", leader: "BA21", signs: [{ sign: "BA21", kind: "vehicle", key: "UN-7", name: "White pickup" }], aboard: ["Ana Soares"], proofs: [{ number: 2, meaning: "BA21 is heard" }], link: null };
const custody = { node: "DILI", offers: [offer], missions: [] };

/** The answer to a request under `/field/custody`, and its status. */
export function custodyOf(method, body) {
  if (method === "GET") return [{ ...custody, now: minutes(0) }, 200];
  custody.offers = custody.offers.filter(({ mission }) => mission !== body.mission);
  custody.missions.push({ mission: "mission-9", label: "M-0009", state: "taken-over", room: body.node, label_there: "M-0007", contact: "ok", worst: "overdue", link: null });
  return [{ mission: {}, notes: ["taken over from BAUCAU (M-0007)"] }, 200];
}

/** The answer to a request under `/replica`, and its status. */
export function nodes(noun, query) {
  if (noun === "records") return [{ records: records.filter(({ kind, node }) => kind === query.kind && (!query.node || node === query.node)) }, 200];
  if (noun === "nodes") return [{ node: "DILI", now: minutes(0), nodes: peers().map((peer) => ({ peer, lanes: lanes(), refusals: peer.node === "HQ" ? [{ time: minutes(-300), problem: "entry 7 of lane log does not follow" }] : [] })) }, 200];
  if (noun === "incidents") return [{ incidents: shared }, 200];
  return [{ node: "DILI", now: minutes(0), peers: peers() }, 200];
}
