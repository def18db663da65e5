// The triage path by keyboard alone: from the overview to an alert, its reasons, its incident, and acts on it.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { settle } from "./browser";
import { context, page, stage, target } from "./stage";

stage({ look: { theme: "dark", language: "en" } });

const path = () => new URL(page.url()).pathname;
const press = async (...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key);
};

test("from the overview to why an alert was raised, without a mouse", async () => {
  await settle(page);
  await press("g", "a");
  await settle(page);
  expect(path()).toBe("/alerts");
  await page.locator("[data-row]").first().waitFor();
  await press("j", "e");
  await page.locator(".code-block").first().waitFor();
  expect(new URL(page.url()).searchParams.get("open")).not.toBeNull();
  // Law 6: reason, raw event, rule text.
  for (const label of ["Why it matched", "Raw event", "Rule text"]) expect(await page.getByText(label).first().isVisible(), label).toBe(true);
  // Law 1: a reload loses nothing.
  await page.reload();
  await page.locator(".code-block").first().waitFor();
  await press("k", "e");
});

test("an incident is opened by hand, commented, moved on and closed, each act with its reason", async () => {
  const title = `Keyboard drill ${Date.now()}`;
  await press("g", "i");
  await settle(page);
  await press("Control+k");
  await page.keyboard.type("Go to inc");
  await press("Escape");
  await page.getByRole("button", { name: "Open an incident" }).press("Enter");
  await page.keyboard.type(title);
  await page.locator("aside textarea").last().fill("Drill");
  await press("Control+Enter");
  await page.locator("main h1", { hasText: title }).waitFor();
  expect(path()).toMatch(/^\/incidents\/.+/);

  await press("m");
  await page.locator("aside textarea").first().waitFor();
  await page.keyboard.type("Nobody is hurt; it is a drill.");
  await page.locator("aside button.primary").press("Enter");
  await page.getByText("Nobody is hurt; it is a drill.").waitFor();
  await page.locator("aside").waitFor({ state: "detached" });

  await press("t");
  await page.locator("aside select").first().waitFor();
  const submit = page.locator("aside form button").first();
  expect(await submit.getAttribute("aria-disabled"), "an act without a reason cannot be sent").toBe("true");
  await page.locator("aside textarea").fill("Looking at it");
  await press("Control+Enter");
  await page.locator("main dl").getByText("Active").waitFor();

  await press("t");
  await page.locator("aside select").first().selectOption("close");
  await page.locator("aside select").nth(1).selectOption("benign-positive");
  await page.locator("aside textarea").fill("Drill over");
  await press("Control+Enter");
  await page.locator("main dl").getByText("Closed").first().waitFor();
  await page.locator("main dl").getByText("Benign positive").waitFor();
});

test("two people change one incident: the second sees both values and chooses", async () => {
  await page.goto(`${target.url}/incidents`);
  await page.locator("[data-row]").first().click();
  await page.locator("main dl").first().waitFor();
  const other = await context.newPage();
  await other.goto(page.url());
  await other.locator("main dl").first().waitFor();
  const worded = await page.locator("main dl .severity").innerText();
  const [mine, theirs] = worded.includes("Low") ? ["high", "medium"] : ["low", "medium"];
  const change = async (where: Page, severity: string) => {
    await where.keyboard.press("s");
    await where.locator("aside select").selectOption(severity);
    await where.locator("aside textarea").fill(`To ${severity}`);
    await where.keyboard.press("Control+Enter");
  };
  // Both forms are open before either is sent.
  await page.keyboard.press("s");
  await page.locator("aside select").selectOption(mine ?? "low");
  await page.locator("aside textarea").fill("Mine");
  if (worded.includes("Medium")) await change(other, "high");
  else await change(other, theirs ?? "medium");
  await other.locator("aside").waitFor({ state: "detached" });
  await page.keyboard.press("Control+Enter");
  await page.getByText("Somebody else was faster").waitFor();
  await page.getByRole("button", { name: "Write mine over theirs" }).click();
  await page.locator("aside").waitFor({ state: "detached" });
  expect((await page.locator("main dl .severity").innerText()).toLowerCase()).toContain(mine);
  await other.close();
});

test("new alerts are counted and do not move what is read", async ({ skip }) => {
  if (!target.raise) return skip("only the mock raises alerts at will");
  await page.goto(`${target.url}/alerts`);
  await page.locator("[data-row]").first().waitFor();
  const first = await page.locator("[data-row]").first().getAttribute("data-row");
  await page.getByText("Live", { exact: true }).waitFor();
  target.raise();
  await page.getByText("1 new alert").waitFor();
  expect(await page.locator("[data-row]").first().getAttribute("data-row")).toBe(first);
  await page.keyboard.press("n");
  await page.waitForFunction((before) => document.querySelector("[data-row]")?.getAttribute("data-row") !== before, first);
});

