// What the console tells of another node: how old the picture of it is, how long its link is down, what it said. Pure.
import type { NodeRecord, PeerNode } from "$lib/api/types";
import { utcText } from "$lib/i18n/format";

/** As of when a picture is: `14:03Z`, with the day before it when that is not today's. */
export function asOfText(iso: string, now: Date): string {
  const text = utcText(new Date(iso));
  const clock = `${text.slice(11, 16)}Z`;
  return text.slice(0, 10) === utcText(now).slice(0, 10) ? clock : `${text.slice(5, 10)} ${clock}`;
}

/** Whole minutes since a node was heard, by the server's clock `now`; null while its link is up or it was never heard. */
export function downMinutes(peer: PeerNode, now: Date): number | null {
  if (peer.state !== "down" || !peer.heard) return null;
  return Math.max(peer.silent_min, Math.floor((now.getTime() - Date.parse(peer.heard)) / 60_000));
}

/** `12 min`, from three hours on `3 h 12 min`, from two days on `7 d 4 h`: never rounded up, and never one unit alone. */
export function downText(minutes: number, locale: string): string {
  const part = (value: number, unit: "minute" | "hour" | "day") => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(value);
  const hours = Math.floor(minutes / 60);
  if (minutes < 180) return part(minutes, "minute");
  if (hours < 48) return `${part(hours, "hour")} ${part(minutes % 60, "minute")}`;
  return `${part(Math.floor(hours / 24), "day")} ${part(hours % 24, "hour")}`;
}

export type LinkTone = "good" | "warn" | "bad";

/** How a link is to be shown: a refusal is worse than silence, because it does not mend itself. */
export const linkTone = (peer: PeerNode): LinkTone => (peer.state === "up" ? (peer.problem ? "warn" : "good") : "bad");

/** Kinds of things that nodes tell each other, the most urgent first. */
export const toldKinds = ["distress", "alarm", "mission", "incident", "log", "position"] as const;
export type ToldKind = (typeof toldKinds)[number];

/** What another node said of a thing, in the few words of a row. */
export interface Telling {
  label: string;
  words: string;
  /** The prefix of the word for its state, and the state; absent: it has none. */
  state: [prefix: string, value: string] | null;
  /** Somebody has to see to it. */
  worrying: boolean;
}

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
const joined = (...parts: unknown[]): string => parts.map(text).filter(Boolean).join(" · ");

/** Reads the body of a record; what a newer node tells in another shape is shown by its subject. */
export function tellingOf({ kind, subject, body }: NodeRecord): Telling {
  const told = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const label = text(told["label"]) || subject;
  switch (kind) {
    case "mission":
      return { label, words: joined(told["title"], told["leader"], told["last_place"]), state: ["mission.state", text(told["state"])], worrying: ["overdue", "lost"].includes(text(told["contact"])) };
    case "alarm":
      return { label, words: joined(told["title"], told["owner"]), state: ["alarm.state", text(told["state"])], worrying: told["state"] === "open" };
    case "incident":
      return { label, words: joined(told["who"], told["place"], told["what"]), state: told["closed"] ? ["alarm.state", "closed"] : ["severity", text(told["severity"])], worrying: !told["closed"] && ["critical", "high"].includes(text(told["severity"])) };
    case "log":
      return { label: subject, words: joined(told["line"] ?? told["meaning"], told["author"]), state: null, worrying: false };
    case "position":
      return { label: subject, words: joined(told["lat"], told["lon"], told["source"]), state: null, worrying: false };
    case "distress":
    case "distress-cancelled":
      return { label: text(told["label"]) || text(told["device"]) || subject, words: joined(told["code"], told["text"], told["latitude"], told["longitude"]), state: null, worrying: kind === "distress" };
    default:
      return { label, words: "", state: null, worrying: false };
  }
}
