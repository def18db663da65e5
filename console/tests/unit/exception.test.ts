// What an event says becomes a value of an exception and nothing else. The twins below read YAML and Sigma the slow way,
// by their specifications.
import { describe, expect, test } from "vitest";
import type { AlertEvent, Exception, RuleGate } from "$lib/api/types";
import { blinds, candidatesOf, detectionOf, endAfter, endsSoon, fieldName, firstEndingFirst, verdictOf, type Match } from "$lib/detection/exception";
import { isNameable, literalValue, yamlKey, yamlText } from "$lib/detection/sigmaText";

/** A small seeded generator: the same numbers every time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => Math.floor((((state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 0x80000000) % 1) * below);
}

/** The one scalar in `text`, or a failure: nothing may follow it. */
function readYaml(text: string): string {
  if (text.startsWith("'")) {
    let out = "";
    for (let at = 1; at < text.length; at++) {
      if (text[at] !== "'") out += text[at];
      else if (text[at + 1] === "'") out += text[++at];
      else return at === text.length - 1 ? out : fail(text);
    }
    return fail(text);
  }
  if (!text.startsWith('"')) return /^[A-Za-z_][\w.-]*$/.test(text) ? text : fail(text);
  let out = "";
  for (let at = 1; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === '"') return at === text.length - 1 ? out : fail(text);
    if (letter !== "\\") {
      out += letter;
      continue;
    }
    const kind = text.charAt(++at);
    const plain = ({ n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"' } as Record<string, string>)[kind];
    const digits = ({ x: 2, u: 4, U: 8 } as Record<string, number>)[kind] ?? 0;
    if (plain === undefined && digits === 0) return fail(text);
    out += plain ?? String.fromCodePoint(Number.parseInt(text.slice(at + 1, at + 1 + digits), 16));
    at += digits;
  }
  return fail(text);
}
function fail(text: string): never {
  throw new Error(`not one scalar: ${text}`);
}

/** A Sigma value as the specification reads it: null when it holds a wildcard. */
function readSigma(source: string): string | null {
  let out = "";
  for (let at = 0; at < source.length; at++) {
    const letter = source.charAt(at);
    const next = source.charAt(at + 1);
    if (letter === "*" || letter === "?") return null;
    if (letter === "\\" && next !== "" && "*?\\".includes(next)) out += source.charAt(++at);
    else out += letter;
  }
  return out;
}

const nasty = [
  "", "C:\\Windows\\System32\\rundll32.exe", "\\\\server\\share\\", "*", "a*b?c", "\\*", "\\\\*", "ends\\", "ends\\\\", "it's", "''", '"', "a: b", "- x", "# no comment", "a #b", "&anchor", "*alias",
  "!tag", "| block", "> fold", "%directive", "{flow}", "[flow]", "a\nselection:\n  x: y", "a\r\n", "tab\there", "null", "true", "~", "1", "0x10", "1e3", "2026-01-01", "---", "...", "<<", "=", " lead", "trail ",
  "\u0000", "\u0085", "\u2028", "\ufeff", "\u202egpj.exe", "\u00a0", "é", "日本", "😀", "'\n'", "\\n", "%COMSPEC%", "\u200f",
];

test("every value is read back as itself by YAML and by Sigma, whatever it holds", () => {
  const random = generator(11);
  const values = [...nasty];
  for (let round = 0; round < 4000; round++) values.push(Array.from({ length: 1 + random(5) }, () => nasty[random(nasty.length)]).join(random(2) === 0 ? "" : "\\"));
  for (const value of values) {
    const yaml = yamlText(literalValue(value));
    expect(yaml, JSON.stringify(value)).not.toMatch(/[\n\r]/);
    expect(readSigma(readYaml(yaml)), JSON.stringify(value)).toBe(value);
    expect(readYaml(yamlKey(value)), JSON.stringify(value)).toBe(value);
    // Sigma's `startswith` and the like put a wildcard after the value: it must stay one.
    expect(readSigma(`${literalValue(value)}*`), JSON.stringify(value)).toBeNull();
  }
});

test("letters that turn or hide text are written as numbers, so that what is read is what is meant", () => {
  expect(yamlText("\u202egpj.exe")).toBe('"\\u202egpj.exe"');
  expect(yamlText("a\u200bb")).toBe('"a\\u200bb"');
  expect(yamlText("a\u00a0b")).toBe('"a\\xa0b"');
  expect(yamlText("a b")).toBe("'a b'");
});

test("a detection has one line a field, whatever the event says", () => {
  const random = generator(3);
  for (let round = 0; round < 1000; round++) {
    const matches: Match[] = ["is", "startswith", "endswith", "contains"];
    const conditions = Array.from({ length: 1 + random(5) }, (_, at) => ({ field: `Field${at}`, match: matches[random(4)] ?? "is", value: nasty[1 + random(nasty.length - 1)] ?? "" }));
    const lines = detectionOf(conditions).split("\n");
    expect(lines[0]).toBe("selection:");
    expect(lines.length).toBe(conditions.length + 2);
    expect(lines.at(-1)).toBe("");
    conditions.forEach(({ field, match, value }, at) => {
      const [, key = "", scalar = ""] = /^ {2}(\S+): (.*)$/.exec(lines[at + 1] ?? "") ?? [];
      expect(readYaml(key)).toBe(match === "is" ? field : `${field}|${match}`);
      expect(readSigma(readYaml(scalar))).toBe(value);
    });
  }
});

describe("what cannot be said is left out", () => {
  const check = (field: string, match: Match, value: string, detection: string) => test(JSON.stringify([field, match, value]), () => expect(detectionOf([{ field, match, value }])).toBe(detection));
  check("User", "is", "svc-backup", "selection:\n  User: 'svc-backup'\n");
  check("Image", "endswith", "\\cmd.exe", "selection:\n  'Image|endswith': '\\cmd.exe'\n");
  check("CommandLine", "contains", "a*\\", "selection:\n  'CommandLine|contains': 'a\\*\\\\'\n");
  // A bar in the name of a field would begin a modifier of the event's choosing.
  check("User|re", "is", ".*", "");
  check("", "is", "x", "");
  check("User", "is", "\ud800", "");
  // Contains nothing: everything does.
  check("User", "contains", "", "");
  check("User", "is", "", "selection:\n  User: ''\n");
  check("yes", "is", "no", "selection:\n  'yes': 'no'\n");
  check("<<", "is", "x", "selection:\n  '<<': 'x'\n");
});

test("half a letter and a bar make no name", () => {
  expect([isNameable("a.b"), isNameable("a b"), isNameable("a|b"), isNameable(""), isNameable("\udc00")]).toEqual([true, true, false, false, false]);
});

const gates: RuleGate[] = [
  { name: "Sysmon 1", can_hold: true, fields: [{ field: "Image", source_field: "Image" }, { field: "Hashes", source_field: "Hashes" }] },
  { name: "Security 4688", can_hold: true, fields: [{ field: "Image", source_field: "NewProcessName" }, { field: "Hashes", source_field: null }] },
];
const event = (fields: unknown, reasons: AlertEvent["reasons"] = []): AlertEvent => ({ item_id: "i", time: "2026-01-01T00:00:00Z", raw: "", fields, reasons });

test("fields come under the rule's names, those it asks for first", () => {
  const found = candidatesOf(event({ Event: { System: { EventID: { "#text": 4688 }, Provider: { "#attributes": { Name: "P" } }, Computer: "WS" }, EventData: { NewProcessName: "c.exe", "Threat Name": "x", Empty: null } } }), gates);
  expect(found.map(({ field, value, asked }) => `${asked ? "+" : "-"}${field}=${value}`)).toEqual(["+Image=c.exe", "-Computer=WS", "-EventID=4688", "-Provider_Name=P", "-ThreatName=x"]);
});

test("a record that is no JSON gives the fields of its reasons; of a field twice the record's value counts", () => {
  const reasons = [{ field: "", predicate: "x", value: "anywhere" }, { field: "User", predicate: "is x", value: "cut…" }];
  expect(candidatesOf(event(null, reasons), []).map(({ field, value }) => [field, value])).toEqual([["User", "cut…"]]);
  expect(candidatesOf(event({ User: "whole" }, reasons), [])).toEqual([{ field: "User", value: "whole", asked: true }]);
});

test("what no exception is made of is not offered", () => {
  expect(candidatesOf(event({ "a|re": "x", Long: "x".repeat(2001), List: ["first", "second"], None: [], Half: "\ud800" }), []).map(({ field, value }) => `${field}=${value}`)).toEqual(["List=first"]);
});

test("names of nested fields", () => {
  expect(fieldName(["Event", "EventData", "Target User"])).toBe("TargetUser");
  expect(fieldName(["winlog", "event_data", "Image"])).toBe("Image");
  expect(fieldName(["Event", "System", "Execution", "ProcessID"])).toBe("ProcessID");
  expect(fieldName(["userIdentity", "arn"])).toBe("userIdentity.arn");
});

test("the verdict on a trial", () => {
  const verdict = (samples: number, samples_silenced: number, alerted: number, alerted_silenced: number) => verdictOf({ samples, samples_silenced, alerted, alerted_silenced });
  expect(verdict(3, 3, 10, 1)).toBe("blinds");
  expect(verdict(3, 1, 10, 10)).toBe("silences-all");
  expect(verdict(3, 0, 10, 0)).toBe("nothing");
  expect(verdict(0, 0, 10, 2)).toBe("untested");
  expect(verdict(3, 1, 10, 2)).toBe("narrow");
  expect(blinds({ samples: 0, samples_silenced: 0, alerted: 1, alerted_silenced: 1 })).toBe(false);
  expect(endAfter(365, Date.UTC(2026, 0, 1))).toBe("2027-01-01T00:00:00.000Z");
});

test("what ends first comes first, and within a week it is soon", () => {
  const one = (id: string, expires: string): Exception => ({ id, expires, rule_id: "r", title: "", detection: "", owner: "", reason: "", state: "active", created: expires, version: 1, trial: { samples: 0, samples_silenced: 0, alerted: 0, alerted_silenced: 0 } });
  const all = [one("late", "2026-03-01T00:00:00Z"), one("soon", "2026-01-03T00:00:00.123456Z")];
  expect(firstEndingFirst(all).map(({ id }) => id)).toEqual(["soon", "late"]);
  expect(all.map((exception) => endsSoon(exception, Date.UTC(2026, 0, 1)))).toEqual([false, true]);
});
