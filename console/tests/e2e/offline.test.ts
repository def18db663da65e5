// Without a link: the console opens, shows what the desk last showed, takes lines and sends them once; and leaves nothing behind
// for whoever comes after a sign-out. No answer of the API is among the files that the browser keeps.
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { violations } from "./axe";
import { openContext, settle, type Look } from "./browser";
import { browser, stage, target } from "./stage";

stage({ signedIn: false });
let context: BrowserContext;
let page: Page;
let faults: string[];
const line = `drill ${Date.now()} while the mast is down`;
beforeAll(async () => void (await enter({ theme: "light", language: "en" })));
afterAll(async () => {
  await context.close();
  expect(faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED|ERR_FAILED/.test(fault))).toEqual([]);
});

/** Signs in by hand: what is tested ends the session, which the other files share. */
async function enter(look: Look): Promise<void> {
  ({ context, faults } = await openContext(browser, look, { width: 1280, height: 800 }, true));
  page = await context.newPage();
  await page.goto(`${target.url}/login?next=/field`);
  await page.locator("input[autocomplete=username]").fill(target.user);
  await page.locator("input[autocomplete=current-password]").fill(target.password);
  await page.keyboard.press("Enter");
  await page.locator("#field-log").waitFor();
  await page.locator("html[data-offline=ready]").waitFor({ state: "attached" });
}

const kept = () => page.evaluate(() => localStorage.getItem("vigie.field.kept"));

test("the desk opens without a link, with its log and the line", async () => {
  await page.locator("#duty-line").fill("note written before the link broke");
  await page.locator("#duty-line").press("Enter");
  await page.locator("ol li", { hasText: "before the link broke" }).first().waitFor();
  await expect.poll(kept).toContain("before the link broke");
  await context.setOffline(true);
  await page.goto(`${target.url}/incidents`);
  await page.getByRole("heading", { name: "No link to the server" }).waitFor();
  await page.locator("ol li", { hasText: "before the link broke" }).first().waitFor();
  expect(await page.getByRole("status").first().innerText()).toMatch(/^What the desk showed \S+ at \d\d:\d\dZ$/);
  expect(await violations(page)).toEqual([]);
  const files = await page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat());
  expect(files.filter((path) => path.startsWith("/api/"))).toEqual([]);
  expect(files).toContain("/");
});

test("a line typed then says when it was typed, and is sent once when there is a link", async () => {
  await page.locator("#duty-line").fill(line);
  await page.locator("#duty-line").press("Enter");
  const waiting = page.locator("li.f-warn", { hasText: line });
  await waiting.waitFor();
  await page.reload();
  await waiting.waitFor();
  expect(await waiting.innerText()).toMatch(/\d{4}z/);
  await context.setOffline(false);
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.locator("nav").first().waitFor();
  await page.goto(`${target.url}/field`);
  await page.locator("ol li", { hasText: line }).first().waitFor();
  await waiting.waitFor({ state: "detached" });
  expect(await page.locator("ol li", { hasText: line }).count()).toBe(1);
});

test("who signs out leaves nothing behind", async () => {
  await page.goto(`${target.url}/settings`);
  await settle(page);
  expect(await kept()).not.toBeNull();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("input[autocomplete=username]").waitFor();
  expect(await kept()).toBeNull();
  await context.setOffline(true);
  await page.goto(`${target.url}/field`);
  await page.locator("[role=alert]").waitFor();
  expect(await page.locator("body").innerText()).not.toContain("before the link broke");
  await context.setOffline(false);
});
