// What the radio room keeps: crossings and positions; its settings; agreed words; personal data erased on request.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage, target } from "./stage";

stage();

test("crossings and positions are listed with what is doubtful, and kept as a track", async () => {
  await open("/field");
  await page.keyboard.press("f");
  await page.keyboard.press("v");
  await page.waitForURL(/movements/);
  await page.getByRole("tab", { name: "Positions" }).click();
  await page.getByRole("tabpanel").waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await page.getByRole("link", { name: "GPX" }).getAttribute("href")).toMatch(/^\/api\/v1\/courier\/tracks\?format=gpx&from=/);
  if (!target.mock) return;
  await page.getByText("at 0, 0").waitFor();
  await page.getByRole("tab", { name: "Fence crossings" }).click();
  await page.getByText("It never was").waitFor();
  await page.getByLabel("Who or what").selectOption("vehicle:UN-1");
  await page.waitForURL(/holder=vehicle%3AUN-1/);
  expect(await page.getByRole("link", { name: "KML" }).getAttribute("href")).toContain("holder=UN-1");
});

test("fewer days say what they erase, and the server's map says whether it is there", async ({ skip }) => {
  if (!target.mock) return skip("changes how long positions are kept");
  await open("/field/settings");
  await page.getByText("name a PMTiles file in the configuration").waitFor();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await page.locator("aside").getByLabel("Days for which positions are kept").fill("90");
  await page.locator("aside").getByText("What is older than 90 days is erased for good.").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.locator("aside textarea").fill("house rule of the year");
  await page.keyboard.press("Control+Enter");
  await page.locator("main dl").getByText("90 days").waitFor();
});

test("a word is agreed on without being shown, and somebody retired is erased by name", async ({ skip }) => {
  if (!target.mock) return skip("writes agreed words");
  await open("/field/settings");
  await page.getByRole("button", { name: "Agree on a word" }).click();
  await page.getByLabel("The word or phrase").fill("greetings to aunt Rosa");
  await page.getByLabel("What the log shows in its place").fill("greetings");
  await page.getByRole("checkbox").first().check();
  await page.locator("textarea").fill("yearly change");
  await page.keyboard.press("Control+Enter");
  await page.locator("li", { hasText: "greetings" }).waitFor();
  expect(await page.locator("main").innerText()).not.toContain("aunt Rosa");
  await open("/field/register?of=person");
  await page.getByRole("button", { name: "Erase personal data" }).click();
  await page.locator("aside input").fill("P-9");
  await page.locator("aside textarea").fill("asked for it");
  await page.keyboard.press("Control+Enter");
  await page.locator("aside").getByText("The personal data are erased.").waitFor();
  expect(await violations(page)).toEqual([]);
});
