// Who did something, by name: the server writes `user:…`, `token:…` or `system:…` where it keeps an id. Users are asked for once.
import { api, take } from "./client";
import { session } from "./session.svelte";

class Actors {
  #names = $state.raw<ReadonlyMap<string, string>>(new Map());
  #asked: string | null = null;

  /** Has the names here, once for whoever is signed in. Who may not read users reads ids. */
  async need(): Promise<void> {
    const reader = session.user?.id ?? null;
    if (reader === null || this.#asked === reader || !session.can("read-users")) return;
    this.#asked = reader;
    try {
      const { users } = await take(api.GET("/api/v1/users"));
      this.#names = new Map(users.map((user) => [`user:${user.id}`, user.display_name]));
    } catch {
      this.#asked = null; // The next who needs a name asks again; until then the id is read.
    }
  }

  /** The name, or what the server wrote. */
  nameOf(actor: string): string {
    return this.#names.get(actor) ?? actor;
  }
}

export const actors = new Actors();
