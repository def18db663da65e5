// What a finding says in its details, sorted for reading: who changed what at the system, which record waits and for whom it may be taken.

export interface Difference {
  what: string;
  ours: string;
  theirs: string;
}

export interface Attribution {
  /** The system's name for who did it; null: it keeps no names. */
  actor: string | null;
  /** ISO 8601. */
  at: string | null;
  /** Where that was read, such as `modifiersName`. */
  evidence: string;
}

export interface FindingDetail {
  differences: Difference[];
  attribution: Attribution | null;
  /** How often it was put back. */
  reverts: number;
  problems: string[];
  /** Ids of people for whom the record may be taken. */
  candidates: string[];
  /** The record of a feed, field by field. */
  record: [string, string][];
  batch: string | null;
  line: number | null;
  round: string[];
  group: string | null;
  /** What is left: short values by name. */
  facts: [string, string][];
  /** What is no short value, as it is. */
  rest: Record<string, unknown>;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : []);
const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** An instant as ISO 8601, whether it was written so or in microseconds since 1970. */
export function instantOf(value: unknown): string | null {
  if (typeof value === "number") return new Date(value / 1000).toISOString();
  return text(value);
}

/** Short values of a record and of what lies in it, by name; empty ones are left out. */
function flat(value: unknown): [string, string][] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]): [string, string][] => {
    if (isObject(one)) return flat(one);
    if (typeof one === "string" || typeof one === "number" || typeof one === "boolean") return one === "" ? [] : [[name, String(one)]];
    const all = texts(one);
    return all.length > 0 ? [[name, all.join(", ")]] : [];
  });
}

const known = new Set(["differences", "attribution", "reverts", "problems", "candidates", "record", "batch", "line", "round", "group", "digest"]);

export function readDetail(detail: unknown): FindingDetail {
  const all = isObject(detail) ? detail : {};
  const differences = (Array.isArray(all["differences"]) ? all["differences"] : []).filter(isObject);
  const by = isObject(all["attribution"]) ? all["attribution"] : null;
  const others = Object.entries(all).filter(([name, value]) => !known.has(name) && value !== null);
  return {
    differences: differences.map((one) => ({ what: text(one["what"]) ?? "", ours: text(one["ours"]) ?? "", theirs: text(one["theirs"]) ?? "" })),
    attribution: by && { actor: text(by["actor"]), at: instantOf(by["at"]), evidence: text(by["evidence"]) ?? "" },
    reverts: typeof all["reverts"] === "number" ? all["reverts"] : 0,
    problems: texts(all["problems"]),
    candidates: texts(all["candidates"]),
    record: flat(all["record"]).filter(([name]) => name !== "digest" && name !== "line"),
    batch: text(all["batch"]),
    line: typeof all["line"] === "number" ? all["line"] : null,
    round: texts(all["round"]),
    group: text(all["group"]),
    facts: others.flatMap(([name, value]): [string, string][] => (isObject(value) || Array.isArray(value) ? [] : [[name, String(value)]])),
    rest: Object.fromEntries(others.filter(([, value]) => isObject(value) || Array.isArray(value))),
  };
}
