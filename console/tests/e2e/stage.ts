// What every file of browser tests begins with: a server, a browser and a page of somebody who is signed in; and that nothing
// failed on the way.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { openBrowser, openContext, openTarget, settle, signIn, type Look, type Target } from "./browser";

export interface Stage {
  target: Target;
  browser: Browser;
  context: BrowserContext;
  page: Page;
  /** Errors of scripts and words of the content policy. */
  faults: string[];
  /** Goes to a path and waits until nothing is on its way. */
  open: (path: string) => Promise<void>;
}

interface Wanted {
  look?: Look;
  /** False: the page of somebody who is still to sign in. */
  signedIn?: boolean;
  /** Faults that the tests make themselves. */
  except?: RegExp;
}

/** Sets the stage before the tests of a file, and clears it after them. */
export function stage({ look = { theme: "light", language: "en" }, signedIn = true, except }: Wanted = {}): Stage {
  const on = {} as Stage;
  beforeAll(async () => {
    on.target = await openTarget();
    on.browser = await openBrowser();
    Object.assign(on, await openContext(on.browser, look));
    on.page = await on.context.newPage();
    on.open = async (path) => {
      await on.page.goto(on.target.url + path);
      await settle(on.page);
    };
    if (signedIn) await signIn(on.page, on.target);
  });
  afterAll(async () => {
    await on.browser?.close();
    await on.target?.stop();
    expect(on.faults.filter((fault) => !except?.test(fault)), "nothing failed on the way").toEqual([]);
  });
  return on;
}

/** Asks the API as whoever is signed in on `page`, which has to be on a page of the server. */
export async function ask<T>(page: Page, method: string, path: string, body?: unknown): Promise<T> {
  const { status, answer } = await page.evaluate(
    async ([method, path, body]) => {
      const { signed_in } = (await (await fetch("/api/v1/session")).json()) as { signed_in: { csrf: string } | null };
      const headers = { "Content-Type": "application/json", "X-Vigie-Csrf": signed_in?.csrf ?? "" };
      const response = await fetch(`/api/v1/${path}`, { method, headers, ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }) });
      const text = await response.text();
      return { status: response.status, answer: text === "" ? null : (JSON.parse(text) as unknown) };
    },
    [method, path, body] as const,
  );
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  return answer as T;
}
