// What every file of browser tests begins with: a server, a browser, and a page of somebody who is signed in; and what it ends
// with: nothing failed on the way. A file of tests is a module graph of its own, so there is one stage a file.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { openBrowser, openContext, openTarget, settle, signIn, type Look, type Target } from "./browser";

export let target: Target;
export let browser: Browser;
export let context: BrowserContext;
export let page: Page;
/** Errors of scripts and words of the content policy. */
export let faults: string[];

interface Wanted {
  look?: Look;
  /** False: the page of somebody who is still to sign in. */
  signedIn?: boolean;
  /** Faults that the tests make themselves. */
  except?: RegExp;
}

/** Sets the stage before the tests of a file, and clears it after them. */
export function stage({ look = { theme: "light", language: "en" }, signedIn = true, except }: Wanted = {}): void {
  beforeAll(async () => {
    target = await openTarget();
    browser = await openBrowser();
    ({ context, faults } = await openContext(browser, look));
    page = await context.newPage();
    if (signedIn) await signIn(page, target);
  });
  afterAll(async () => {
    await browser?.close();
    await target?.stop();
    expect(faults?.filter((fault) => !except?.test(fault)), "nothing failed on the way").toEqual([]);
  });
}

/** Goes to a path and waits until nothing is on its way. */
export async function open(path: string): Promise<void> {
  await page.goto(target.url + path);
  await settle(page);
}

/** Asks the API as whoever is signed in on a page, which has to be on a page of the server. */
export async function ask<T>(as: Page, method: string, path: string, body?: unknown): Promise<T> {
  const { status, answer } = await as.evaluate(
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
