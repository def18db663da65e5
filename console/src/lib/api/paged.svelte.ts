// A list that the server gives in pages: what has come so far, and how to get more of it.
import { Resource } from "./resource.svelte";

export interface Page<T> {
  items: T[];
  next: string | null;
}

export class Paged<T, P extends Page<T> = Page<T>> {
  #resource = new Resource<P>();
  #ask: (cursor: string | null, signal: AbortSignal) => Promise<P>;
  #questions = 0;
  /** Which question the list answers: another one begins at its top. */
  question = $state(0);

  constructor(ask: (cursor: string | null, signal: AbortSignal) => Promise<P>) {
    this.#ask = ask;
  }

  /** The last page as it came, with the items of all pages before; undefined until the first has come. */
  get value(): P | undefined {
    return this.#resource.value;
  }

  get items(): readonly T[] {
    return this.#resource.value?.items ?? [];
  }

  get hasMore(): boolean {
    return (this.#resource.value?.next ?? null) !== null;
  }

  get loading(): boolean {
    return this.#resource.loading;
  }

  get error(): unknown {
    return this.#resource.error;
  }

  /** From the start. What is on screen stays until the answer has come. */
  readonly reload = (): Promise<void> => this.#resource.load((signal) => this.#ask(null, signal));

  /** Another question: what is on screen no longer counts, nor where the reader was in it. */
  readonly restart = (): Promise<void> => {
    this.question = ++this.#questions;
    return this.reload();
  };

  /** The page after the last one; nothing while one is on its way, since that one would be dropped. */
  readonly more = async (): Promise<void> => {
    const before = this.#resource.value;
    if (!before?.next || this.#resource.loading) return;
    await this.#resource.load(async (signal) => {
      const page = await this.#ask(before.next, signal);
      return { ...page, items: [...before.items, ...page.items] };
    });
  };
}
