// The one door to the server: typed by the contract, with the CSRF value on every write and problems as exceptions.
import { words } from "$lib/i18n/i18n.svelte";
import createClient, { type Middleware } from "openapi-fetch";
import { KnownAnswers } from "./known";
import { problemOf } from "./problem";
import type { paths } from "./schema";

interface Credentials {
  csrf: () => string | null;
  /** The server no longer knows us. */
  refused: () => void;
}

let credentials: Credentials = { csrf: () => null, refused: () => {} };

/** Set once by the session, which would otherwise import us in a circle. */
export function setCredentials(given: Credentials): void {
  credentials = given;
}

export function writeHeaders(): Record<string, string> {
  const csrf = credentials.csrf();
  return csrf === null ? {} : { "X-Vigie-Csrf": csrf };
}

const known = new KnownAnswers();

const door: Middleware = {
  onRequest({ request }) {
    // What the server says in sentences, it says in the language that was chosen here.
    request.headers.set("Accept-Language", words.language);
    if (request.method === "GET") {
      known.ask(request, credentials.csrf());
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
  if (response.status === 401 && !path.endsWith("/login")) credentials.refused();
  throw problem;
}

export const api = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin" });
api.use(door);

/** The data of an answer. Problems have been thrown before; an empty answer where data is due is the server's fault. */
export async function take<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}
