// The links to other nodes, kept fresh for whoever shows them: the bar above every page, the wall, the page of nodes. A server
// that has no other node is asked once.
import { api, take } from "$lib/api/client";
import { Resource } from "$lib/api/resource.svelte";
import type { Nodes } from "$lib/api/types";
import { clock } from "$lib/time/clock.svelte";

const refresh_ms = 15_000;

class Links extends Resource<Nodes> {
  /** The server's clock less ours, ms: ages are told by its clock. */
  #skew_ms = $state(0);
  #watchers = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** The server's clock now. */
  get now(): Date {
    return new Date(clock.now.getTime() + this.#skew_ms);
  }

  /** Whether this server has a name among others. */
  get configured(): boolean {
    return typeof this.value?.node === "string";
  }

  readonly again = async (): Promise<void> => {
    await this.load((signal) => take(api.GET("/api/v1/replica", { signal })));
    if (this.value && !this.error) this.#skew_ms = Date.parse(this.value.now) - Date.now();
  };

  /** Keeps them fresh until the returned function is called. */
  readonly watch = (): (() => void) => {
    this.#watchers += 1;
    if (this.#watchers === 1) {
      void this.again();
      this.#timer = setInterval(() => {
        const alone = this.value !== undefined && !this.configured && !this.error;
        if (!document.hidden && !alone) void this.again();
      }, refresh_ms);
    }
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearInterval(this.#timer);
    };
  };
}

export const links = new Links();
