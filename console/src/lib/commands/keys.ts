// From key strokes to commands: pure, so that every rule of it is tested without a keyboard.
import { commandIds, commandOf, type CommandId } from "./commands";

export interface Stroke {
  key: string;
  mod: boolean;
  shift: boolean;
  alt: boolean;
}

/** `Mod+Shift+f` as a stroke. */
export function parseStroke(text: string): Stroke {
  const parts = text === "+" ? ["+"] : text.split("+");
  const key = parts[parts.length - 1] ?? "";
  return { key: foldKey(key), mod: parts.includes("Mod"), shift: parts.includes("Shift"), alt: parts.includes("Alt") };
}

/** Shift is part of a printed character such as `?`, so it is compared for letters and named keys under Mod only. */
export function matchesStroke(stroke: Stroke, pressed: Stroke): boolean {
  if (stroke.key !== pressed.key || stroke.mod !== pressed.mod || stroke.alt !== pressed.alt) return false;
  const printed = stroke.key.length === 1 && !/[a-z0-9]/.test(stroke.key);
  return printed || stroke.shift === pressed.shift;
}

export const foldKey = (key: string): string => (key.length === 1 ? key.toLowerCase() : key);

/** A single key without Ctrl or Cmd: what a person may switch off, and what a text field keeps for itself. */
export function isPlain(stroke: Stroke): boolean {
  return !stroke.mod && !stroke.alt && stroke.key !== "Escape";
}

export interface Situation {
  /** Strokes so far of an unfinished sequence. */
  pending: readonly Stroke[];
  /** A text field has the focus. */
  inField: boolean;
  /** Single-key shortcuts are on. */
  plainKeys: boolean;
  /** Commands that some component can carry out now. */
  bound: ReadonlySet<CommandId>;
}

export type Outcome = { run: CommandId } | { wait: Stroke[] } | { nothing: true };

/** What a stroke means in a situation. */
export function interpret(pressed: Stroke, situation: Situation): Outcome {
  const strokes = [...situation.pending, pressed];
  let waits = false;
  for (const id of commandIds) {
    if (!situation.bound.has(id)) continue;
    const command = commandOf(id);
    if (situation.inField && command.inFields !== true) continue;
    for (const text of command.keys) {
      const wanted = text.split(" ").map(parseStroke);
      if (!situation.plainKeys && wanted.some(isPlain)) continue;
      if (!strokes.every((stroke, at) => wanted[at] !== undefined && matchesStroke(wanted[at], stroke))) continue;
      if (wanted.length === strokes.length) return { run: id };
      waits = true;
    }
  }
  return waits ? { wait: strokes } : { nothing: true };
}

/** Key caps to show for `Mod+Shift+f`: `Ctrl`, `Shift`, `F`. */
export function caps(text: string, mac: boolean): string[] {
  return text.split(" ").flatMap((stroke) => {
    const parts = stroke === "+" ? ["+"] : stroke.split("+");
    return parts.map((part) => (part === "Mod" ? (mac ? "⌘" : "Ctrl") : part === "Escape" ? "Esc" : part === "Enter" ? "↵" : part));
  });
}

/** How well `query` fits `title`: null not at all, greater is better. Letters must appear in order. */
export function score(title: string, query: string): number | null {
  const [hay, needle] = [fold(title), fold(query)];
  if (needle === "") return 0;
  const whole = hay.indexOf(needle);
  if (whole >= 0) return 1000 - whole;
  let at = -1;
  let gaps = 0;
  for (const letter of needle) {
    const next = hay.indexOf(letter, at + 1);
    if (next < 0) return null;
    gaps += next - at - 1;
    at = next;
  }
  return 500 - gaps;
}

const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
