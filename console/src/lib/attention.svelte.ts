// What of the machine wants a person: asked for now and then, wherever in the house one is.
import { api, take } from "./api/client";
import { Resource } from "./api/resource.svelte";
import type { components } from "./api/schema";

const refresh_ms = 30_000;

class Attention extends Resource<components["schemas"]["Attention"]> {
  readonly again = async (): Promise<void> => {
    await this.load((signal) => take(api.GET("/api/v1/system/attention", { signal })));
  };

  /** Keeps it fresh until the returned function is called. */
  readonly watch = (): (() => void) => {
    void this.again();
    const timer = setInterval(() => void (document.hidden || this.again()), refresh_ms);
    return () => clearInterval(timer);
  };

  /** House time is the machine's from now on. */
  async trustClock(reason: string): Promise<void> {
    this.value = await take(api.POST("/api/v1/system/clock/trust", { body: { reason } }));
  }

  async tellAgain(subscriber: string, sequence: number): Promise<void> {
    await take(api.POST("/api/v1/system/parked/{subscriber}/{sequence}/retry", { params: { path: { subscriber, sequence } } }));
    await this.again();
  }
}

export const attention = new Attention();
