// What can be done to an incident, and what its history says. Pure.
import type { IncidentAct, TimelineItem } from "$lib/api/types";

export type ActName = IncidentAct["command"];

/** The acts that move an incident from one state to another. */
export const stateActs = ["activate", "contain", "close", "reopen"] as const satisfies ActName[];

/** What a line of the history is about, as far as its parameters say it. */
export function detailOf(item: TimelineItem): { from: string | null; to: string | null; text: string | null } {
  const parameters = typeof item.parameters === "object" && item.parameters !== null ? (item.parameters as Record<string, unknown>) : {};
  const word = (name: string) => (typeof parameters[name] === "string" ? (parameters[name] as string) : null);
  const [from, to] = [word("from"), word("to")];
  const text = word("text") ?? word("title") ?? word("alert_title");
  return { from, to, text: text ?? (from === null && to === null ? item.text : null) };
}

/** Which dictionary translates the values of a line. */
export function dictionaryOf(kind: string): string {
  if (kind === "severity") return "severity";
  if (kind === "closed") return "classification";
  return kind === "status" || kind === "reopened" ? "incident.status" : "value";
}

/** The history cut at changes of day, so that a long one can be skimmed. */
export function byDay(items: readonly TimelineItem[]): { day: string; items: TimelineItem[] }[] {
  const days: { day: string; items: TimelineItem[] }[] = [];
  for (const item of items) {
    const day = item.at.slice(0, 10);
    const last = days[days.length - 1];
    if (last?.day === day) last.items.push(item);
    else days.push({ day, items: [item] });
  }
  return days;
}
