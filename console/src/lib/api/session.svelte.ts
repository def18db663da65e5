// Who is signed in and what they may do.
import { clearKept, keptDesk } from "$lib/field/keptDesk";
import { words } from "$lib/i18n/i18n.svelte";
import { api, setAsker, take } from "./client";
import { asProblem } from "./problem";
import type { SessionState, SignedIn, User } from "./types";

class Session {
  /** offline: the server cannot be reached, and what the desk last showed is here. */
  state = $state<"loading" | "in" | "out" | "offline" | "failed">("loading");
  error = $state.raw<unknown>(null);
  #now = $state.raw<SessionState | null>(null);

  constructor() {
    setAsker({ csrf: () => this.#now?.signed_in?.csrf ?? null, language: () => words.language, refused: () => this.#leave() });
  }

  get user(): User | null {
    return this.#now?.signed_in?.user ?? null;
  }

  /** Who is signed in and how long the session lasts; null: nobody. */
  get signedIn(): SignedIn | null {
    return this.#now?.signed_in ?? null;
  }

  get version(): string {
    return this.#now?.version ?? "";
  }

  get setupRequired(): boolean {
    return this.#now?.setup_required ?? false;
  }

  /** Whether the policies grant an action; the server decides again whatever the console shows. */
  can(action: string): boolean {
    return this.#now?.signed_in?.actions.includes(action) ?? false;
  }

  async load(): Promise<void> {
    try {
      this.#take(await take(api.GET("/api/v1/session")));
    } catch (error) {
      this.error = error;
      const unreachable = asProblem(error).body.code === "unreachable";
      this.state = unreachable && keptDesk(new Date()) ? "offline" : "failed";
    }
  }

  async login(name: string, password: string): Promise<void> {
    this.#take(await take(api.POST("/api/v1/login", { body: { name, password } })));
  }

  async setup(token: string, name: string, display_name: string, password: string): Promise<void> {
    const body = { token, name: name || null, display_name: display_name || null, password };
    this.#take(await take(api.POST("/api/v1/setup", { body })));
  }

  async logout(): Promise<void> {
    // First, and whatever the server says: who signs out leaves nothing behind.
    clearKept();
    await take(api.POST("/api/v1/logout"));
    await this.load();
  }

  #take(state: SessionState): void {
    this.#now = state;
    if (!state.signed_in) return this.#leave();
    // Somebody else's desk is none of theirs.
    if (keptDesk(new Date())?.reader.id !== state.signed_in.user.id) clearKept();
    this.state = "in";
  }

  #leave(): void {
    clearKept();
    this.state = "out";
  }
}

export const session = new Session();
