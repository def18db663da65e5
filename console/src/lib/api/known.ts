// What the radio room said last, so that what has not changed is not sent again over a thin link. In memory alone, and for
// whoever is signed in.

/** Answers that are remembered; a page asks for a handful. */
const most = 40;
const covered = "/api/v1/field/";
/** The server's time, of an answer that is not sent. */
const houseTime = "x-house-time";

interface Known {
  tag: string;
  text: string;
}

export class KnownAnswers {
  #answers = new Map<string, Known>();
  #owner: string | null = null;

  /** Says with a request which answer is known. `owner` stands for who asks. */
  ask(request: Request, owner: string | null): void {
    if (owner !== this.#owner) this.#answers.clear();
    this.#owner = owner;
    const known = this.#answers.get(request.url);
    if (known) request.headers.set("If-None-Match", known.tag);
  }

  /** Keeps a whole answer. */
  async remember(request: Request, response: Response): Promise<undefined> {
    const tag = response.headers.get("etag");
    if (tag === null || request.method !== "GET" || !new URL(request.url).pathname.startsWith(covered)) return;
    const text = await response.clone().text();
    this.#answers.delete(request.url);
    this.#answers.set(request.url, { tag, text });
    const oldest = this.#answers.keys().next();
    if (this.#answers.size > most && !oldest.done) this.#answers.delete(oldest.value);
  }

  /** The answer that is known, at the server's time now; undefined when it was not asked with one. */
  again(request: Request, response: Response): Response | undefined {
    const known = this.#answers.get(request.url);
    if (known?.tag !== response.headers.get("etag")) return undefined;
    const now = response.headers.get(houseTime);
    const text = now === null || known === undefined ? known?.text : known.text.replace(/"now":"[^"]*"/, `"now":"${now}"`);
    return new Response(text, { status: 200, headers: { "content-type": "application/json" } });
  }
}
