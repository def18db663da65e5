// Lines of the duty log as forms write them: what is clicked is entered as it would have been typed. Pure.

/** Words that may stand in a line: one line, no key that the grammar would take for the next part. */
const words = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/\b(who|where|what|sev):/gi, "$1 ")
    .trim();

export interface IncidentWords {
  who: string;
  where: string;
  what: string;
  severity: string;
}

/** `inc 833 where:comoro what:carjack sev:high`; what was not said is left out. */
export function incidentLine({ who, where, what, severity }: IncidentWords): string {
  const part = (key: string, text: string) => (words(text) === "" ? "" : ` ${key}:${words(text)}`);
  return `inc${words(who) === "" ? "" : ` ${words(who)}`}${part("where", where)}${part("what", what)}${part("sev", severity)}`;
}

export type CountScope = { scope: "all" } | { scope: "zone" | "org" | "mission"; key: string };

export const countLine = (scope: CountScope): string => (scope.scope === "all" ? "hc start all" : `hc start ${scope.scope} ${scope.key}`);

/** What the desk heard of somebody; `by` is who answered for them. */
export function answerLine(person: string, safety: "safe" | "help", by: string): string {
  return `hc ${person} ${safety}${by.trim() === "" ? "" : ` by ${by.trim()}`}`;
}

const marks = { heard: "", "not-heard": "-", "by-phone": "=" } as const;
export type Hearing = keyof typeof marks;

export const callLine = (sign: string, hearing: Hearing): string => `rc ${sign}${marks[hearing]}`;

/**
 * A line that was typed while the server could not be reached, with the time at which it was: whenever it is sent, it says when
 * it happened. A line that ends with a time already says so. Times are UTC: `0625z`.
 */
export function timedLine(line: string, typed: Date): string {
  if (/(^|\s)\d{3,4}z?$/i.test(line.trim()) && !/^rc\s/i.test(line.trim())) return line.trim();
  if (/^rc\s.*\sat\s+\d{3,4}z?$/i.test(line.trim())) return line.trim();
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(typed.getUTCHours())}${two(typed.getUTCMinutes())}z`;
  return /^rc\s/i.test(line.trim()) ? `${line.trim()} at ${time}` : `${line.trim()} ${time}`;
}
