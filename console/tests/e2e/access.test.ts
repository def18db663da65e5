// The Access desk: two hundred items reviewed by keyboard alone, somebody disabled everywhere, a held delivery decided,
// access asked for and borrowed. Needs an office with people in it, which only the stand-in server has.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage, target } from "./stage";

stage();

test("every room of the desk opens, and is accessible", { timeout: 120_000 }, async () => {
  for (const room of ["mine", "approvals", "reviews", "people", "accounts", "groups", "findings", "systems", "hybrids", "licences", "feeds", "plans", "policy", "suggestions", "separation", "conditional", "conditional?tab=gaps", "conditional?tab=last-resort", "conditional?tab=tenants", "consents", "audit"]) {
    await open(`/access/${room}`);
    expect(await violations(page), room).toEqual([]);
  }
});

test("two hundred items are decided without a mouse", { timeout: 120_000 }, async ({ skip }) => {
  if (!target.mock) return skip("needs a campaign with items");
  await open("/access/reviews?of=campaign-1");
  await page.locator("article h2").waitFor();
  let before = "";
  for (let at = 0; at < 200; at++) {
    // The next item is there a moment after the count; keys are for what is read.
    const item = page.locator("article .mono").first();
    await item.filter({ hasNotText: before || "no item" }).waitFor();
    const name = (before = await item.innerText());
    // Every fifth takes more away with it: it is kept. Of the others every third is revoked.
    const number = Number(name.slice(-3));
    await page.keyboard.press(number % 5 !== 4 && number % 3 === 0 ? "x" : "y");
    await page.getByText(`${at + 1} of 200 decided`).waitFor();
  }
});

test("somebody is disabled everywhere, and what could not be reached is named", async ({ skip }) => {
  if (!target.mock) return skip("needs somebody with accounts");
  await open("/access/people");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Disable everywhere" }).click();
  await page.locator("aside textarea").fill("stolen laptop");
  await page.keyboard.press("Control+Enter");
  await page.getByText("These systems did not answer; they are tried again.").waitFor();
  expect(await violations(page)).toEqual([]);
});

test("a held delivery says why, and is refused with a reason", async ({ skip }) => {
  if (!target.mock) return skip("needs a held delivery");
  await open("/access/feeds");
  await page.locator("[data-row]").first().click();
  await page.getByText("140 people would leave").waitFor();
  await page.getByRole("radio", { name: "Refuse" }).check();
  await page.locator("aside textarea").fill("the file is cut");
  await page.keyboard.press("Control+Enter");
  await page.locator("aside").getByText("the file is cut").waitFor();
});

test("toxic parts of a request are shown before it is sent, and access is borrowed with a ticket", async ({ skip }) => {
  if (!target.mock) return skip("needs a catalogue");
  await open("/access/mine");
  await page.getByRole("button", { name: "Ask for access" }).click();
  await page.locator("aside").getByRole("checkbox", { name: /Month end/ }).check();
  await page.locator("aside").getByRole("checkbox", { name: /Vendors/ }).check();
  await page.getByText("Parts of the request must stay apart").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Borrow", exact: true }).click();
  await page.getByLabel("Incident or mission *").fill("incident-7");
  await page.locator("aside textarea").fill("restore the vault");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Give back" }).click();
  await page.getByText("ending, not seen yet").waitFor();
});

