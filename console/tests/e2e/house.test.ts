// Rules, sources, ledger and settings as an administrator uses them; and the door.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { settle } from "./browser";
import { page, stage, target } from "./stage";

stage({ signedIn: false });

test("the one-time link makes the first administrator", async ({ skip }) => {
  if (!target.setupUrl || !target.mock) return skip("the link of a real server was used to make the account of these tests");
  await page.goto(target.setupUrl);
  await page.locator("input[type=password]").first().waitFor();
  expect(await violations(page)).toEqual([]);
  await page.locator("input[type=password]").first().fill("short");
  expect(await page.locator("form button").first().getAttribute("aria-disabled")).toBe("true");
  await page.locator("input[type=password]").first().fill("long enough for anybody");
  await page.locator("input[type=password]").nth(1).fill("long enough for anybody");
  await page.locator("form button").first().click();
  await page.locator("nav").waitFor();
  await page.goto(`${target.url}/settings`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("input[autocomplete=username]").waitFor();
});

test("a wrong password is refused in words, and the right one leads to where one wanted to go", async () => {
  await page.goto(`${target.url}/rules?state=enabled`);
  await page.locator("input[autocomplete=username]").fill(target.user);
  await page.locator("input[autocomplete=current-password]").fill("not this one");
  await page.keyboard.press("Enter");
  await page.locator("[role=alert]").waitFor();
  await page.locator("input[autocomplete=current-password]").fill(target.password);
  await page.keyboard.press("Enter");
  await page.locator("nav").waitFor();
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe("/rules?state=enabled");
});

test("a rule is searched for, switched off with a reason, and on again", async () => {
  await page.goto(`${target.url}/rules?state=enabled`);
  await page.locator("[data-row]").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("a");
  await page.waitForURL(/search=a/);
  await page.locator("[data-row]").first().click();
  await page.locator(".code-block").waitFor();
  for (const [act, then] of [["Switch off", "Switch on"], ["Switch on", "Switch off"]] as const) {
    await page.getByRole("button", { name: act }).first().click();
    await page.locator("aside textarea").fill("Drill");
    await page.keyboard.press("Control+Enter");
    await page.locator("main").getByRole("button", { name: then }).first().waitFor();
    await page.locator("aside").waitFor({ state: "detached" });
  }
});

test("a source is connected and its token shown once", async () => {
  await page.goto(`${target.url}/sources`);
  await settle(page);
  const name = `drill-${Date.now()}`;
  await page.getByRole("button", { name: "Connect a source" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Category", { exact: true }).fill("not a word");
  expect(await page.locator("aside form button.primary, aside form button[type=submit]").last().getAttribute("aria-disabled")).toBe("true");
  await page.getByLabel("Category", { exact: true }).fill("proxy");
  expect(await violations(page), "the form").toEqual([]);
  await page.locator("aside textarea").fill("Drill");
  await page.keyboard.press("Control+Enter");
  await page.locator("aside .secret code").waitFor();
  expect(await page.locator("aside .secret code").innerText()).toMatch(/^vgt_/);
  expect(await page.locator("aside pre").innerText()).toContain(`/api/v1/ingest/${name}`);
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.locator("th", { hasText: name }).waitFor();
  expect(await page.locator("th", { hasText: name }).innerText()).toContain("category=proxy");
});

test("the ledger verifies, and an entry opens into its proof", async () => {
  await page.goto(`${target.url}/ledger`);
  await page.locator("[data-row]").first().waitFor();
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("The chain is intact").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await page.getByText("Hash", { exact: true }).waitFor();
});

test("language and light are chosen and stay", async () => {
  await page.goto(`${target.url}/settings`);
  await settle(page);
  await page.locator("#settings-theme").selectOption("dark");
  expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
  await page.locator("#settings-language").selectOption("fr");
  await page.getByRole("heading", { name: "Réglages" }).waitFor();
  await page.locator("#settings-language").selectOption("en");
  await page.reload();
  await settle(page);
  expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
});

test("single keys can be switched off", async () => {
  await page.goto(`${target.url}/settings`);
  await settle(page);
  await page.getByLabel("Single-key shortcuts").uncheck();
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  expect(new URL(page.url()).pathname).toBe("/settings");
  await page.getByLabel("Single-key shortcuts").check();
  await page.locator("h1").click();
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await page.waitForURL(/\/alerts/);
});

