// The console dies while somebody types: another takes the line over with every letter, and the first is told.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { openContext, settle, signIn } from "./browser";
import { browser, open, page, stage, target } from "./stage";

stage();

const kept = (line: string) => page.waitForResponse((response) => /\/field\/drafts\//.test(response.url()) && response.request().method() === "PUT" && response.request().postDataJSON()?.line === line && response.ok());

test("a line left at a quiet console is taken over into an empty line only", async ({ skip }) => {
  if (!target.mock) return skip("needs a console that went quiet");
  await open("/field");
  await page.getByText("Olga was typing at").waitFor();
  expect(await violations(page)).toEqual([]);
  const take = page.getByRole("button", { name: "Take it over" });
  const waiting = kept("my own");
  await page.locator("#duty-line").fill("my own");
  expect(await take.isDisabled(), "a line of one's own is not written over").toBe(true);
  await waiting;
  const cleared = kept("");
  await page.locator("#duty-line").fill("");
  await cleared;
  await take.click();
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#duty-line")?.value === "bf12 at comoro, two cars");
  expect(await page.evaluate(() => document.activeElement?.id), "one goes on typing").toBe("duty-line");
  const entered = page.waitForResponse((response) => response.url().endsWith("/field/log") && response.request().method() === "POST");
  await page.keyboard.press("Enter");
  const sent = (await entered).request().postDataJSON() as { draft: { console: string; revision: number } };
  expect(sent.draft.console).toMatch(/^[0-9a-f]{32}$/);
  expect(sent.draft.revision).toBeGreaterThan(1);
});

test("what is typed is at another console within half a minute, and who typed it is told that it went", { timeout: 90_000 }, async () => {
  await open("/field");
  await page.locator("#duty-line").focus();
  const waiting = kept("bf11 at the old bridge");
  await page.keyboard.type("bf11 at the old bridge");
  await waiting;
  const { context, faults } = await openContext(browser, { theme: "light", language: "en" });
  const second = await context.newPage();
  await signIn(second, target);
  await second.goto(`${target.url}/field`);
  await settle(second);
  // Of the same person it is offered at once.
  const offer = second.locator("li", { hasText: "bf11 at the old bridge" }).filter({ hasText: "You were typing elsewhere" });
  await offer.getByRole("button", { name: "Take it over" }).click({ timeout: 30_000 });
  await second.waitForFunction(() => document.querySelector<HTMLInputElement>("#duty-line")?.value === "bf11 at the old bridge");
  await page.keyboard.type(" now");
  await page.getByText("has taken this line over at another console").waitFor();
  expect(await page.locator("#duty-line").inputValue(), "nothing is lost where it was typed").toBe("bf11 at the old bridge now");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Clear it here" }).click();
  expect(await page.locator("#duty-line").inputValue()).toBe("");
  const cleared = second.waitForResponse((response) => /\/field\/drafts\//.test(response.url()) && response.request().postDataJSON()?.line === "");
  await second.locator("#duty-line").fill("");
  await cleared;
  expect(faults).toEqual([]);
  await context.close();
});
