// Writing KQL for the reader: a cell becomes a condition, an entity a question. Pure text in, text out.

const word = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A column name as KQL reads it: `['odd name']` when it is not a plain word. */
export function columnName(name: string): string {
  return word.test(name) ? name : `['${escapeText(name, "'")}']`;
}

/** A value of a result cell as a literal of its type; null when the type has none that compares. */
export function literal(value: unknown, type: string): string | null {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "bool":
      return value === true ? "true" : "false";
    case "int":
    case "long":
      return String(value);
    case "real":
    case "decimal":
    case "datetime":
    case "timespan":
    case "guid":
      return `${type}(${String(value)})`;
    case "dynamic":
      return null;
    default:
      return `"${escapeText(String(value), '"')}"`;
  }
}

/** The condition that holds for rows with this value, or for all others. */
export function condition(column: string, type: string, value: unknown, include: boolean): string {
  const name = columnName(column);
  if (value === null || value === undefined || (type === "string" && value === "")) {
    return type === "string" ? `${include ? "isempty" : "isnotempty"}(${name})` : `${include ? "isnull" : "isnotnull"}(${name})`;
  }
  if (type === "dynamic") {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return `tostring(${name}) ${include ? "==" : "!="} "${escapeText(text, '"')}"`;
  }
  return `${name} ${include ? "==" : "!="} ${literal(value, type) ?? "dynamic(null)"}`;
}

/** The query with one more condition at its end, before a `render`. */
export function addCondition(query: string, text: string): string {
  const { head, stages } = splitPipeline(query);
  const last = stages[stages.length - 1];
  const render = last !== undefined && /^\s*render\b/.test(last) ? stages.pop() : undefined;
  const all = [...stages, ` where ${text}`, ...(render === undefined ? [] : [render])];
  return head + joinStages(all);
}

/** A fresh question about a value: where the present query starts from, with this condition only. */
export function pivot(query: string, text: string): string {
  const { head, stages } = splitPipeline(query);
  return head + joinStages([stages[0] ?? "", ` where ${text}`]);
}

/** `let` statements stay in `head`; the last statement is cut at its top-level bars. */
export function splitPipeline(query: string): { head: string; stages: string[] } {
  const cuts = topLevel(query);
  const start = (cuts.filter((cut) => cut.character === ";" && query.slice(cut.at + 1).trim() !== "").pop()?.at ?? -1) + 1;
  const bars = cuts.filter((cut) => cut.character === "|" && cut.at >= start).map((cut) => cut.at);
  const end = query.replace(/[\s;]+$/, "").length;
  const edges = [start, ...bars.map((at) => at + 1)];
  const stages = edges.map((from, at) => query.slice(from, bars[at] ?? end));
  return { head: query.slice(0, start), stages };
}

function joinStages(stages: string[]): string {
  return stages.map((stage, at) => (at === 0 ? stage.trimEnd() : `| ${stage.trim()}`)).join("\n");
}

/** Places of `|` and `;` outside brackets, strings and comments. */
function topLevel(query: string): { character: string; at: number }[] {
  const found: { character: string; at: number }[] = [];
  let depth = 0;
  for (let at = 0; at < query.length; at++) {
    const character = query.charAt(at);
    if (query.startsWith("//", at)) {
      const newline = query.indexOf("\n", at);
      at = newline < 0 ? query.length : newline;
    } else if (character === '"' || character === "'") at = stringEnd(query, at);
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    else if (depth === 0 && (character === "|" || character === ";")) found.push({ character, at });
  }
  return found;
}

/** The place of the closing quote. In `@"…"` a backslash is a backslash and a doubled quote stays inside. */
function stringEnd(query: string, start: number): number {
  const quote = query.charAt(start);
  const verbatim = /@[hH]?$/.test(query.slice(Math.max(0, start - 2), start));
  for (let at = start + 1; at < query.length; at++) {
    if (!verbatim && query[at] === "\\") at += 1;
    else if (query[at] === quote) {
      if (verbatim && query[at + 1] === quote) at += 1;
      else return at;
    }
  }
  return query.length;
}

function escapeText(text: string, quote: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll(quote, `\\${quote}`)
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
}
