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

/** The answer to a request under `/replica`, and its status. */
export function nodes(noun, query) {
  if (noun === "records") return [{ records: records.filter(({ kind, node }) => kind === query.kind && (!query.node || node === query.node)) }, 200];
  if (noun === "incidents") return [{ incidents: shared }, 200];
  return [{ node: "DILI", now: minutes(0), peers: peers() }, 200];
}
