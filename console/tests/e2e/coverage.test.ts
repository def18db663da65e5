// The ATT&CK matrix as a detection engineer walks it: by key, by standing, into a technique and on to its rules.
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { violations } from "./axe";
import { openContext, settle, signIn, type Look } from "./browser";
import { browser, page, stage, target } from "./stage";

stage();

const focused = (on: Page = page) => on.evaluate(() => document.activeElement?.getAttribute("data-technique"));

test("the palette and two keys lead to the matrix", async () => {
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.waitForURL(/\/coverage$/);
  await page.goto(target.url);
  // Keys count when the page is there, and letters when the palette has the focus.
  await settle(page);
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]").waitFor();
  await page.keyboard.type("matrix");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: /matrix/i }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/coverage$/);
  await page.getByRole("heading", { name: "ATT&CK matrix" }).waitFor();
});

test("tactics stand in ATT&CK's order; what names none stands last", async ({ skip }) => {
  await page.goto(`${target.url}/coverage`);
  await settle(page);
  if ((await page.getByRole("grid").count()) === 0) return skip("no rule of this server names a technique");
  const heads = (await page.getByRole("columnheader").allInnerTexts()).map((text) => text.split("\n")[0]);
  expect(heads.slice(0, 5)).toEqual(["Reconnaissance", "Resource Development", "Initial Access", "Execution", "Persistence"]);
  if (target.mock) expect(heads.slice(-2)).toEqual(["time-travel", "No tactic named"]);
});

test("arrows walk, plus shows sub-techniques, Enter opens and Escape returns", async ({ skip }) => {
  if (!target.mock) return skip("needs a known matrix");
  await page.goto(`${target.url}/coverage`);
  await page.getByRole("grid").waitFor();
  expect(await page.locator("[role=grid] .open[tabindex='0']").count(), "one cell is in the way of Tab").toBe(1);
  await page.locator("[role=grid] .open[tabindex='0']").focus();
  expect(await focused()).toBe("T1001");
  await page.keyboard.press("ArrowRight");
  expect(await focused(), "the empty column is stepped over").toBe("T1010");
  await page.keyboard.press("+");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toBe("T1010.001");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("-");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).not.toBe("T1010.001");
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Enter");
  await page.waitForURL(/technique=T1001/);
  await page.locator("aside").waitFor();
  expect(await violations(page), "a technique").toEqual([]);
  await page.keyboard.press("Escape");
  await page.locator("aside").waitFor({ state: "detached" });
  await expect.poll(() => focused()).toBe("T1001");
  await page.keyboard.press("Enter");
  await page.locator("aside").getByRole("link", { name: /\d+ rules?$/ }).click();
  await page.waitForURL(/\/rules\?technique=T1001$/);
});

test("a standing filters; its shape and word are in every cell", async ({ skip }) => {
  if (!target.mock) return skip("needs a known matrix");
  await page.goto(`${target.url}/coverage`);
  await page.getByRole("grid").waitFor();
  const before = await page.locator("[role=grid] .cell").count();
  await page.getByRole("group", { name: "Standing" }).getByRole("button", { name: "No events" }).click();
  await page.waitForURL(/standing=no-events/);
  const kept = await page.locator("[role=grid] .cell .open > .visually-hidden").allTextContents();
  expect(kept.length).toBeLessThan(before);
  expect(kept.some((one) => one.includes("No events"))).toBe(true);
  // What is there besides carries a sub-technique that fits.
  for (const one of kept) expect(one.includes("No events") || kept.some((other) => other.startsWith(`${one.split(",")[0]}.`)), one).toBe(true);
  await page.getByText("What these mean").click();
  await page.getByText("No event of the rules’ log sources has arrived.").waitFor();
  await page.getByRole("button", { name: "Show sub-techniques" }).click();
  expect(await violations(page)).toEqual([]);
});

test("the Navigator layer is downloaded", async () => {
  await page.goto(`${target.url}/coverage`);
  await settle(page);
  const arriving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Navigator layer" }).click();
  const file = await arriving;
  expect(file.suggestedFilename()).toMatch(/^vigie-attack-\d{4}-\d\d-\d\d\.json$/);
  const layer = JSON.parse(readFileSync(await file.path(), "utf8")) as { versions: { layer: string }; techniques: unknown[] };
  expect(layer.versions.layer).toBe("4.5");
  expect(Array.isArray(layer.techniques)).toBe(true);
});

test("on a narrow screen, right to left, the arrow to the left goes on and the page is no wider than the window", async ({ skip }) => {
  if (!target.mock) return skip("needs a known matrix");
  const look: Look = { theme: "dark", language: "ar" };
  const narrow = await openContext(browser, look, { width: 400, height: 800 });
  const small = await narrow.context.newPage();
  await signIn(small, target);
  await small.goto(`${target.url}/coverage`);
  await small.getByRole("grid").waitFor();
  await small.locator("[role=grid] .open[tabindex='0']").focus();
  await small.keyboard.press("ArrowLeft");
  expect(await focused(small)).toBe("T1010");
  expect(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await small.keyboard.press("Enter");
  await small.locator("aside").waitFor();
  expect(await violations(small)).toEqual([]);
  expect(narrow.faults).toEqual([]);
  await narrow.context.close();
});

