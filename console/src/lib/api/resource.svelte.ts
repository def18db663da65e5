// Something loaded from the server: the value, whether it is on its way, and what went wrong. The last value stays on
// screen while the next one loads, and a late answer to an old question is dropped.
import { isAbort } from "./problem";

export class Resource<T> {
  value = $state.raw<T | undefined>(undefined);
  error = $state.raw<unknown>(null);
  loading = $state(false);
  #abort: AbortController | null = null;

  async load(ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.loading = true;
    try {
      const value = await ask(abort.signal);
      if (abort.signal.aborted) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted || isAbort(error)) return;
      this.error = error;
    }
    this.loading = false;
  }

  /** Nothing to show any more. */
  clear(): void {
    this.#abort?.abort();
    this.value = undefined;
    this.error = null;
    this.loading = false;
  }
}
