// Something of the radio room that is kept fresh: read at once, again when the room tells of a change, and every twenty
// seconds in case the telling was lost.
import { live } from "$lib/api/live.svelte";
import { Resource } from "$lib/api/resource.svelte";
import { session } from "$lib/api/session.svelte";
import { words } from "$lib/i18n/i18n.svelte";

const refresh_ms = 20_000;
/** A partner hears of nothing: they ask, and what has not changed is not sent again. */
const untold_ms = 5_000;
/** One act makes several facts; they are told once. */
const gather_ms = 60;

export class Watched<T> extends Resource<T> {
  /** When the last answer came, by the browser's clock, ms; null until one has. */
  at_ms = $state<number | null>(null);
  #ask: (signal: AbortSignal) => Promise<T>;

  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    super();
    this.#ask = ask;
  }

  readonly again = async (): Promise<void> => {
    await this.load(this.#ask);
    if (!this.error) this.at_ms = Date.now();
  };
}

/** Watches until the component goes. What `ask` reads of the state is followed: another choice is another question. */
export function watch<T>(ask: (signal: AbortSignal) => Promise<T>): Watched<T> {
  const watched = new Watched(ask);
  $effect(() => {
    // Another language is another question: the server's sentences come in it.
    void words.language;
    void watched.again();
    const timer = setInterval(() => !document.hidden && void watched.again(), session.can("read-overview") ? refresh_ms : untold_ms);
    let soon: ReturnType<typeof setTimeout> | undefined;
    const quiet = live.on("field", () => {
      clearTimeout(soon);
      soon = setTimeout(() => void watched.again(), gather_ms);
    });
    return () => (clearInterval(timer), clearTimeout(soon), quiet());
  });
  return watched;
}
