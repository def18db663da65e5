// A trial that follows what is being written: asked for a moment after the last letter, and known for that text alone.
import { api, take } from "$lib/api/client";
import { isAbort } from "$lib/api/problem";
import type { Trial } from "$lib/api/types";

const pause_ms = 350;

export class Trying {
  #known = $state.raw<{ detection: string; trial: Trial } | null>(null);
  busy = $state(false);
  problem = $state.raw<unknown>(null);

  /** The trial of exactly this detection. */
  of(detection: string): Trial | null {
    return this.#known?.detection === detection ? this.#known.trial : null;
  }

  /** Asks for a trial of `detection`; returns how to give it up. */
  ask(rule_id: string, detection: string): () => void {
    const abort = new AbortController();
    this.problem = null;
    this.busy = detection.trim() !== "";
    const timer = setTimeout(() => void this.#try(rule_id, detection, abort.signal), pause_ms);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  async #try(rule_id: string, detection: string, signal: AbortSignal): Promise<void> {
    if (detection.trim() === "") return;
    try {
      const trial = await take(api.POST("/api/v1/exceptions/trial", { body: { rule_id, detection }, signal }));
      if (signal.aborted) return;
      this.#known = { detection, trial };
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      this.problem = error;
    }
    this.busy = false;
  }
}
