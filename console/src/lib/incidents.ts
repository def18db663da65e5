// What can be done to an incident, and what its history says. Pure.
import type { IncidentAct, IncidentDetail, TimelineItem, User } from "$lib/api/types";

export type ActName = IncidentAct["command"];

/** The acts that move an incident from one state to another. */
export const stateActs = ["activate", "contain", "close", "reopen"] as const satisfies ActName[];

/** Lines whose kind says all. */
const wordless = new Set(["opened", "reopened", "description"]);

/** What a line of the history is about, as far as its parameters say it. */
export function detailOf(item: TimelineItem): { from: string | null; to: string | null; text: string | null } {
  const parameters = typeof item.parameters === "object" && item.parameters !== null ? (item.parameters as Record<string, unknown>) : {};
  const word = (name: string) => (typeof parameters[name] === "string" ? (parameters[name] as string) : null);
  if (wordless.has(item.kind)) return { from: null, to: null, text: null };
  if (item.kind === "closed") return { from: null, to: word("classification"), text: null };
  const [from, to] = [word("from"), word("to")];
  // An assignment to nobody has no `to`: the value is absent, not unknown.
  if (item.kind === "assigned") return { from, to: to ?? "", text: null };
  return { from, to, text: word("title") ?? (from === null && to === null ? item.text : null) };
}

/** Which dictionary translates the values of a line. */
export function dictionaryOf(kind: string): string {
  if (kind === "severity") return "severity";
  if (kind === "closed") return "classification";
  if (kind === "task-state") return "task-state";
  return kind === "status" ? "incident.status" : "value";
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

/** Every name that the dossier itself knows, and those of the people in the house. */
export function namesIn(detail: IncidentDetail, people: readonly User[]): Map<string, string> {
  const names = new Map(people.map((user) => [user.id, user.display_name || user.name]));
  const known = [detail.incident.owner, ...detail.comments.map(({ author }) => author), ...detail.tasks.map(({ assignee }) => assignee)];
  for (const one of known) if (one) names.set(one.id, one.name);
  for (const { actor, actor_name } of detail.timeline) names.set(actor.replace(/^user:/, ""), actor_name);
  return names;
}
