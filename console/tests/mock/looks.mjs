// What the server says about a rule on stored events and in the ATT&CK matrix, invented: rule-0 fires, rule-1 nearly does,
// rule-2 sees no event of its log source, rule-4 cannot fire at all, rule-5 cannot be said in KQL, rule-7 is looked at in part.
import { gatesOf, iso, rules } from "./data.mjs";

const sigmaOf = (rule) => rule.kind === "sigma" && !rule.log_source.startsWith("correlation/");

export function kqlOf(rule, text) {
  if (rule.kind === "kql") return { text, refused: null, left_out: [] };
  if (!sigmaOf(rule)) return { text: null, refused: "it correlates other rules", left_out: [] };
  if (rule.state !== "enabled") return { text: null, refused: "it is not in force", left_out: [] };
  const lacks = { gate: "Security 4688", reason: "its table SecurityEvent has no column for Hashes" };
  if (rule.id === "rule-5") return { text: null, refused: "its log source has no table in which KQL could ask for it", left_out: [lacks] };
  return {
    text: `// ${rule.title}\nDeviceProcessEvents\n| where FileName endswith "rundll32.exe"\n| where ProcessCommandLine contains "comsvcs" and ProcessCommandLine contains "MiniDump"\n`,
    refused: null, left_out: [lacks],
  };
}

/** Null: this rule cannot be asked. */
export function whyOf(rule, query) {
  if (!sigmaOf(rule) || rule.state !== "enabled") return null;
  const dead = rule.id === "rule-4";
  const blind = rule.id === "rule-2";
  const fired = rule.id === "rule-0" ? 3 : 0;
  const time = iso(Date.parse(query.to) - 600_000);
  const item_id = "0192f6c1-77aa-7c3e-9a51-000000000010-7";
  const line = "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, #24 624 C:\\Temp\\out.dmp full";
  const test = (field, source_field, asked, values, held) => ({ detection: "selection", field, source_field, asked, values, held });
  const image = test("Image", "NewProcessName", "ends with '\\rundll32.exe'", ["C:\\Windows\\System32\\rundll32.exe"], true);
  const dump = test("CommandLine", "CommandLine", "contains 'MiniDump'", [line], false);
  const gates = (gatesOf(rule).length > 0 ? gatesOf(rule) : [{ name: "Security 4688", can_hold: true, fields: [] }]).map((gate, at) => {
    const passed = blind ? 0 : at === 0 ? 1200 : 34_000;
    const fields = gate.fields.map((field, nth) => ({ ...field, filled: field.source_field === null ? 0 : nth === 0 ? passed : nth === 1 ? Math.round(passed * 0.4) : 0 }));
    return { name: gate.name, can_hold: gate.can_hold, passed, tests: [{ field: "Channel", asked: "is 'Security'", held: passed, other: "System" }], fields };
  });
  return {
    from: query.from, to: query.to, events: 41_870, complete: rule.id !== "rule-7", fired, gates,
    unreachable: dead ? "its condition can never hold: no known event of windows/security carries Hashes, ParentImage" : null,
    first: fired === 0 ? null : { time, item_id, reasons: [{ field: "Image", predicate: "endswith '\\rundll32.exe'", value: "C:\\Windows\\System32\\rundll32.exe" }, { field: "CommandLine", predicate: "contains 'MiniDump'", value: `${line} MiniDump` }] },
    nearest: blind || dead ? null : {
      time, item_id, gate: gates[0].name, distance: 1, changes: [dump],
      parts: [{ condition: "selection", held: false, tests: [dump, image], further: 2 }, { condition: "not filter", held: true, tests: [test("ParentImage", null, "is '\\vendor.exe'", [], false)], further: 0 }],
    },
  };
}

const standings = ["not-in-force", "no-events", "no-fields", "loaded", "some-fields", "ready", "fired"];
const tactics = ["reconnaissance", "initial-access", "execution", "persistence", "privilege-escalation", "stealth", "credential-access", "discovery", "lateral-movement", "exfiltration", "impact"];

/** Techniques with sub-techniques, some in two tactics, one in none, one in a tactic that nobody knows. */
export function coverage() {
  const technique = (id, named, at) => {
    const standing = standings[at % standings.length];
    const best = rules.slice(at % 8, (at % 8) + 3).map(({ title }) => title);
    return { technique: id, tactics: named, standing, rules: 3 + (at % 9), by_standing: { [standing]: 1 + (at % 9), "not-in-force": 2 }, alerts: standing === "fired" ? 7 + at : 0, best };
  };
  const found = [];
  for (let at = 0; at < 60; at++) {
    const id = `T${1001 + at * 9}`;
    const named = at === 59 ? [] : at === 58 ? ["time-travel"] : at % 7 === 3 ? [tactics[at % 11], tactics[(at + 1) % 11]] : [tactics[at % 11]];
    found.push(technique(id, named, at + 4));
    for (let sub = 1; sub <= (at % 4 === 1 ? 3 : 0); sub++) found.push(technique(`${id}.00${sub}`, sub === 3 ? [] : named, at + 4 + sub));
  }
  return { techniques: found, event_kinds: 118 };
}

export const layer = () => ({ name: "Vigie", versions: { layer: "4.5" }, domain: "enterprise-attack", techniques: coverage().techniques.map(({ technique: techniqueID, standing }) => ({ techniqueID, score: 100 * Number(standing === "fired") })) });
