// What the radio room's page works out for itself: how long until a contact, how a line is completed. Pure.
import type { ContactState, LineCompletion } from "$lib/api/types";

/** How a due contact is to be shown. */
export interface Countdown {
  /** Minutes and seconds, or hours and minutes; with a sign when it is past. */
  text: string;
  tone: "calm" | "soon" | "past";
}

/** A contact is soon within so many seconds. */
const soon_s = 300;

/** Until `due`, or since it was missed. */
export function countdown(due: string, now: Date): Countdown {
  const left_s = Math.round((Date.parse(due) - now.getTime()) / 1000);
  const away_s = Math.abs(left_s);
  const [hours, minutes, seconds] = [Math.floor(away_s / 3600), Math.floor((away_s % 3600) / 60), away_s % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  const text = hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
  return { text: left_s < 0 ? `+${text}` : text, tone: left_s < 0 ? "past" : left_s <= soon_s ? "soon" : "calm" };
}

/** Contact states that somebody has to see to. */
export const isMissing = (contact: ContactState): boolean => contact === "overdue" || contact === "lost";

/** The line after a proposal was taken, and where the cursor then stands. */
export function completed(line: string, proposal: LineCompletion): { line: string; at: number } {
  const head = line.slice(0, proposal.start) + proposal.text + (proposal.text.endsWith(":") ? "" : " ");
  return { line: head + line.slice(proposal.end).trimStart(), at: head.length };
}
