// Groups by key alone: a circle is told, a large one is read on, one is emptied, deleted and brought back within its days.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage, target } from "./stage";

stage();

async function order(button: string, reason: string) {
  await page.getByRole("button", { name: button, exact: true }).first().focus();
  await page.keyboard.press("Enter");
  await page.locator("aside textarea").fill(reason);
  await page.keyboard.press("Control+Enter");
}

test("a group in a circle shows the circle and the way of each member", async ({ skip }) => {
  if (!target.mock) return skip("needs groups that lie in each other");
  await open("/access/groups?view=circle");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByText("These groups lie in each other").waitFor();
  await page.locator("[data-row]", { hasText: "by ad/FIN-Write" }).waitFor();
  expect(await violations(page)).toEqual([]);
});

test("a quarter of a million members come a page at a time, and few are in the document", { timeout: 60_000 }, async ({ skip }) => {
  if (!target.mock) return skip("needs a large group");
  await open("/access/groups?of=group-1");
  await page.getByText("250,000 own, 250,000 effective").waitFor();
  const list = page.getByRole("region", { name: "Members" });
  for (let at = 0; at < 6; at++) {
    await list.evaluate((one) => one.scrollTo(0, one.scrollHeight));
    await page.waitForFunction((before) => document.querySelectorAll("[data-at]").length > 0 && Number([...document.querySelectorAll<HTMLElement>("[data-at]")].at(-1)?.dataset["at"]) > before, at * 500);
  }
  expect(await page.locator("[data-row]").count()).toBeLessThan(80);
  await page.getByRole("button", { name: "Read at the system" }).click();
  await page.getByText("250,000 members in 250 pages; read to the end").waitFor();
});

test("a member of a large group is found, and the file has those alone who were asked for", async ({ skip }) => {
  if (!target.mock) return skip("needs a large group");
  await open("/access/groups?of=group-1");
  await page.getByRole("searchbox", { name: "Login, name or number of a member" }).fill("user24999");
  await page.getByText("11 found").waitFor();
  await page.getByRole("combobox", { name: "Whose accounts" }).selectOption({ label: "Accounts of nobody on record" });
  await page.getByText(/^\d found$/).waitFor();
  expect(page.url()).toContain("member=user24999");
  await page.getByRole("combobox", { name: "By which way" }).selectOption({ label: "By another group" });
  await page.getByText("Nobody found").waitFor();
});

test("an owner is appointed with a reason; who was faster is told", async ({ skip }) => {
  if (!target.mock) return skip("needs a group without an owner");
  await open("/access/groups?of=group-3");
  await page.getByRole("button", { name: "Appoint an owner" }).first().click();
  await page.getByRole("searchbox", { name: "Owner" }).fill("Os");
  await page.getByRole("complementary").getByRole("button", { name: /Osei/ }).first().click();
  await page.getByRole("textbox", { name: /reason/i }).fill("she runs the team");
  await page.getByRole("complementary").getByRole("button", { name: "Appoint an owner" }).click();
  await page.getByText("The owner is appointed.").first().waitFor({ state: "attached" });
});

test("a group that nobody needs is emptied, deleted and brought back; who is gone is named", async ({ skip }) => {
  if (!target.mock) return skip("needs a group on its way out");
  await open("/access/groups?view=going");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await order("Empty it", "is he the last owner?");
  await page.locator("aside [role=alert]", { hasText: "is the last owner" }).waitFor();
  await page.locator("aside textarea").fill("the flood is over");
  await page.keyboard.press("Control+Enter");
  await page.getByText("2 were in it before it was emptied").waitFor();
  await order("Delete it", "nobody asked for it");
  await page.getByRole("button", { name: "Delete it", exact: true }).waitFor({ state: "detached" });
  await order("Bring it back", "somebody did");
  await page.locator("aside").getByText("former.colleague").waitFor();
  expect(await violations(page)).toEqual([]);
});
