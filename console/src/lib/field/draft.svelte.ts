// The line that is being typed, as the server keeps it for this window: when the console dies, another takes it over.
import { api, take } from "$lib/api/client";
import { asProblem, type Problem } from "$lib/api/problem";
import type { ConsoleDraft } from "./drafts";
import { newKey } from "./key";

const storageKey = "vigie.field.console";
const [typing_ms, retry_ms] = [400, 5_000];

interface Kept {
  console: string;
  revision: number;
}

export class DraftLine {
  /** Somebody else took the line over: who, and when. */
  taken = $state.raw<{ name: string; at: string } | null>(null);
  /** Why the server does not keep it; a link that is away is no such reason. */
  problem = $state.raw<Problem | null>(null);
  #kept: Kept;
  #line: string;
  /** What the server has; null: nobody knows. */
  #sent: string | null = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  constructor(line: string) {
    this.#kept = stored() ?? { console: newKey(), revision: 0 };
    this.#line = line;
    if (line !== "") this.#sent = null;
  }

  /** The name of this window. */
  get console(): string {
    return this.#kept.console;
  }

  /** After each key: kept when the typist rests for a moment. */
  keep(line: string): void {
    this.#line = line;
    this.#later(typing_ms);
  }

  /** At once: the reader turns away from the line. */
  readonly flush = (): void => this.#later(0);

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The line is entered: it goes from the drafts in the same transaction. */
  entering(): Kept {
    clearTimeout(this.#timer);
    [this.#line, this.#sent] = ["", ""];
    return this.#next();
  }

  /** It was not entered after all. */
  back(line: string): void {
    this.#sent = null;
    this.keep(line);
  }

  /** What another window was typing becomes this one's; answers with the line as it was typed. */
  async takeOver(other: ConsoleDraft): Promise<string> {
    clearTimeout(this.#timer);
    await this.#send(); // What was cleared here a moment ago.
    const draft = await this.#take(other).catch((error: unknown) => {
      // This window's own line was taken by somebody: under another name it goes on.
      if (asProblem(error).status !== 422) throw error;
      this.#keepName({ console: newKey(), revision: 0 });
      return this.#take(other);
    });
    this.#keepName({ console: this.#kept.console, revision: draft.revision });
    [this.#line, this.#sent, this.taken] = [draft.line, draft.line, null];
    return draft.line;
  }

  #take = (other: ConsoleDraft): Promise<ConsoleDraft> => take(api.POST("/api/v1/field/drafts/{id}/take", { params: { path: { id: other.console } }, body: { ...this.#kept } }));

  #later(wait_ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), wait_ms);
  }

  async #send(): Promise<void> {
    if (this.#line === this.#sent) return;
    if (this.#busy) return this.#later(typing_ms);
    this.#busy = true;
    const line = this.#line;
    const { console, revision } = this.#next();
    try {
      await take(api.PUT("/api/v1/field/drafts/{id}", { params: { path: { id: console } }, body: { line, revision } }));
      // Entered meanwhile: what the server has is no longer this.
      if (revision === this.#kept.revision) this.#sent = line;
      this.problem = null;
    } catch (error) {
      this.#failed(asProblem(error));
    }
    this.#busy = false;
    if (this.#line !== this.#sent && !this.taken && !this.problem) this.#later(this.#sent === null ? retry_ms : typing_ms);
  }

  #failed(problem: Problem): void {
    this.#sent = null;
    if (problem.body.code === "unreachable") return;
    if (problem.body.code !== "draft-taken") return void (this.problem = problem);
    const said = problem.body.parameters ?? {};
    this.taken = { name: said["taken_by_name"] ?? said["taken_by"] ?? "", at: said["taken_at"] ?? "" };
    this.#keepName({ console: newKey(), revision: 0 });
  }

  /** The reader has seen that the line was taken, and goes on with what stands there. */
  goOn(line: string): void {
    this.taken = null;
    this.keep(line);
  }

  #next(): Kept {
    this.#keepName({ console: this.#kept.console, revision: this.#kept.revision + 1 });
    return this.#kept;
  }

  #keepName(kept: Kept): void {
    this.#kept = kept;
    try {
      sessionStorage.setItem(storageKey, JSON.stringify(kept));
    } catch {
      // Storage refused: after a reload this is another window.
    }
  }
}

function stored(): Kept | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(storageKey) ?? "null") as Partial<Kept> | null;
    return typeof kept?.console === "string" && typeof kept.revision === "number" ? { console: kept.console, revision: kept.revision } : null;
  } catch {
    return null;
  }
}
