// Who is signed in and what they may do.
import { api, setCredentials, take } from "./client";
import type { SessionState, User } from "./types";

class Session {
  state = $state<"loading" | "in" | "out" | "failed">("loading");
  error = $state.raw<unknown>(null);
  #now = $state.raw<SessionState | null>(null);

  constructor() {
    setCredentials({ csrf: () => this.#now?.signed_in?.csrf ?? null, refused: () => (this.state = "out") });
  }

  get user(): User | null {
    return this.#now?.signed_in?.user ?? null;
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
      this.state = "failed";
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
    await take(api.POST("/api/v1/logout"));
    await this.load();
  }

  #take(state: SessionState): void {
    this.#now = state;
    this.state = state.signed_in ? "in" : "out";
  }
}

export const session = new Session();
