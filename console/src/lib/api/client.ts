// The one door to the server: typed by the contract, with the CSRF value on every write and problems as exceptions.
import createClient, { type Middleware } from "openapi-fetch";
import { KnownAnswers } from "./known";
import { problemOf } from "./problem";
import type { paths } from "./schema";

/** Who asks. */
interface Asker {
  csrf: () => string | null;
  /** In which language they read. */
  language: () => string;
  /** The server no longer knows us. */
  refused: () => void;
}

let asker: Asker = { csrf: () => null, language: () => "en", refused: () => {} };

/** Set once by the session, which would otherwise import us in a circle. */
export function setAsker(given: Asker): void {
  asker = given;
}

export function writeHeaders(): Record<string, string> {
  const csrf = asker.csrf();
  return csrf === null ? {} : { "X-Vigie-Csrf": csrf };
}

const known = new KnownAnswers();

const door: Middleware = {
  onRequest({ request }) {
    // What the server says in sentences, it says in the language that was chosen here.
    request.headers.set("Accept-Language", asker.language());
    if (request.method === "GET") {
      known.ask(request, asker.csrf());
      return;
    }
    for (const [name, value] of Object.entries(writeHeaders())) request.headers.set(name, value);
  },
  async onResponse({ request, response }) {
    if (response.ok) return known.remember(request, response);
    const same = response.status === 304 ? known.again(request, response) : undefined;
    if (same) return same;
    await refuse(response, new URL(request.url).pathname);
  },
};

/** Throws the problem that `response` tells; a lost session also leads to the sign-in page. */
export async function refuse(response: Response, path: string): Promise<never> {
  const problem = await problemOf(response);
  if (response.status === 401 && !path.endsWith("/login")) asker.refused();
  throw problem;
}

export const api = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin" });
api.use(door);

/** The data of an answer. Problems have been thrown before; an empty answer where data is due is the server's fault. */
export async function take<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}
