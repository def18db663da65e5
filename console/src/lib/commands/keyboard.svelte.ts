// Binds commands to the components on screen and listens to the keyboard.
import { onDestroy } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import type { CommandId } from "./commands";
import { foldKey, interpret, type Stroke } from "./keys";

type Handler = () => void;
const sequence_ms = 1200;
const storageKey = "vigie.plain-keys";

class Keyboard {
  /** The newest binding of a command wins; it goes when its component does. */
  #bindings = new SvelteMap<CommandId, Handler[]>();
  #pending: Stroke[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Single-key shortcuts may be switched off (WCAG 2.1.4). */
  plainKeys = $state(readPlainKeys());

  start(): void {
    addEventListener("keydown", (event) => this.#press(event));
  }

  get bound(): ReadonlySet<CommandId> {
    return new Set([...this.#bindings].filter(([, handlers]) => handlers.length > 0).map(([id]) => id));
  }

  bind(id: CommandId, handler: Handler): () => void {
    this.#bindings.set(id, [...(this.#bindings.get(id) ?? []), handler]);
    return () => {
      this.#bindings.set(id, (this.#bindings.get(id) ?? []).filter((one) => one !== handler));
    };
  }

  run(id: CommandId): void {
    this.#bindings.get(id)?.at(-1)?.();
  }

  setPlainKeys(on: boolean): void {
    this.plainKeys = on;
    try {
      localStorage.setItem(storageKey, on ? "on" : "off");
    } catch {
      // Storage refused: the choice lasts as long as the page.
    }
  }

  #press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
    const target = event.composedPath()[0] as HTMLElement | undefined;
    // Enter on a button or link presses it, whatever the list would do with the key.
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && target?.closest?.("button, a, summary, select")) return;
    const pressed = { key: foldKey(event.key), mod: event.ctrlKey || event.metaKey, shift: event.shiftKey, alt: event.altKey };
    const outcome = interpret(pressed, {
      pending: this.#pending,
      inField: isField(target),
      plainKeys: this.plainKeys,
      bound: this.bound,
    });
    clearTimeout(this.#timer);
    this.#pending = [];
    if ("run" in outcome) {
      event.preventDefault();
      this.run(outcome.run);
    } else if ("wait" in outcome) {
      this.#pending = outcome.wait;
      this.#timer = setTimeout(() => (this.#pending = []), sequence_ms);
    }
  }
}

export const keyboard = new Keyboard();

/** Binds handlers for as long as the calling component lives. */
export function useCommands(handlers: Partial<Record<CommandId, Handler>>): void {
  const undo = Object.entries(handlers).map(([id, handler]) => keyboard.bind(id as CommandId, handler as Handler));
  onDestroy(() => undo.forEach((one) => one()));
}

function isField(target: HTMLElement | undefined): boolean {
  if (!target?.tagName) return false;
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target.tagName === "INPUT" && !["checkbox", "radio", "button"].includes((target as HTMLInputElement).type);
}

function readPlainKeys(): boolean {
  try {
    return localStorage.getItem(storageKey) !== "off";
  } catch {
    return true;
  }
}
