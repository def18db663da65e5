// Conditional access and consents: a policy is written, tried on recorded sign-ins, kept in its versions; gaps and the accounts of
// the last resort are told; a consent is taken away with a reason.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage, target } from "./stage";

stage();
const title = `Drill ${Date.now().toString(36)}`;

test("a policy is tried before it is kept, and its text comes back", async () => {
  await open("/access/conditional");
  await page.getByRole("button", { name: "New policy" }).click();
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Owner (number)").fill("P-08");
  await page.locator("aside").getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator("aside").getByText("Sign-ins looked at").waitFor();
  expect(await violations(page), "the form").toEqual([]);
  await page.getByLabel("Reason").fill("the plan of the year");
  await page.getByRole("button", { name: "Save the policy" }).click();
  await page.locator("[data-row]", { hasText: title }).click();
  await page.locator("aside .code-block", { hasText: "authentication_strength" }).waitFor();
  for (const part of ["What would it do", "Versions", "For Entra"]) {
    await page.locator("aside").getByRole("tab", { name: part }).click();
    expect(await violations(page), part).toEqual([]);
  }
  await page.locator("aside").getByRole("tab", { name: "Versions" }).click();
  await page.locator("aside .versions", { hasText: "the plan of the year" }).waitFor();
});

test("a policy that would shut out the last resort is not put in force", async ({ skip }) => {
  if (target.mock) return skip("the stand-in server judges nothing");
  await open("/access/conditional");
  await page.getByRole("button", { name: "New policy" }).click();
  await page.getByLabel("Title").fill(`${title} bad`);
  await page.getByLabel("Owner (number)").fill("P-08");
  await page.getByRole("radio", { name: "on", exact: true }).check();
  await page.getByLabel("Policy in Cedar").fill('forbid(principal, action == Action::"sign-in", resource);');
  await page.getByLabel("Reason").fill("drill");
  await page.getByRole("button", { name: "Save the policy" }).click();
  await page.locator("aside [role=alert]", { hasText: "break_glass" }).waitFor();
});

test("gaps and the last resort are told", async () => {
  await open("/access/conditional?tab=gaps");
  await page.getByText(/\d+ users and \d+ applications looked at/).waitFor();
  await open("/access/conditional?tab=last-resort");
  await page.getByText("No account of the last resort is held up").waitFor();
});

test("a consent says why it is risky, and is taken away", async ({ skip }) => {
  if (!target.mock) return skip("needs a tenant with consents");
  await open("/access/consents");
  await page.locator("[data-row]", { hasText: "Mail Helper" }).click();
  await page.locator("aside", { hasText: "nobody knows who published it" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.locator("aside textarea").fill("nobody asked for it");
  await page.keyboard.press("Control+Enter");
  await page.locator("[data-row]", { hasText: "Mail Helper" }).waitFor({ state: "detached" });
});
