// What an access officer does once a week: who changed what at a system, duplicates, exclusions, licences, stand-ins.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage, target } from "./stage";

stage();

async function decide(reason: string) {
  await page.locator("textarea:visible").last().fill(reason);
  await page.keyboard.press("Control+Enter");
}

test("drift names who did it and where that was read; a record that waits is told field by field", async ({ skip }) => {
  if (!target.mock) return skip("needs drift");
  await open("/access/findings?finding=finding-2");
  await page.locator("aside").getByText("OFFICE\\former.admin", { exact: true }).waitFor();
  await page.locator("aside").getByText("It was put back 2 times.").waitFor();
  expect(await violations(page), "drift").toEqual([]);
  await open("/access/findings?finding=finding-1");
  await page.locator("aside").getByRole("link", { name: "Bo Lind" }).waitFor();
  await page.locator("aside").getByText("Finance assistant").waitFor();
  expect(await violations(page), "match").toEqual([]);
});

test("two records of one person are merged with both in sight, and taken apart again", async ({ skip }) => {
  if (!target.mock) return skip("needs two records");
  await open("/access/people?of=person-1");
  await page.getByRole("button", { name: "Merge a duplicate" }).click();
  await page.locator("aside").getByRole("searchbox").fill("Chidi");
  await page.locator("aside").getByRole("button", { name: /Chidi Eze/ }).click();
  await page.locator("aside").getByText("chidi.eze@office.example").waitFor();
  expect(await violations(page), "merge").toEqual([]);
  await decide("one human being, two contracts");
  await page.getByRole("heading", { name: "Merged records" }).waitFor();
  await page.getByRole("button", { name: "Take apart" }).click();
  await decide("two after all");
  await page.getByRole("heading", { name: "Merged records" }).waitFor({ state: "detached" });
});

test("an exclusion says why, and is lifted", async ({ skip }) => {
  if (!target.mock) return skip("needs an exclusion");
  await open("/access/people?of=person-1&tab=exclusions");
  await page.getByText("not needed for the work").waitFor();
  await page.getByRole("button", { name: "Let rules give it again" }).click();
  await decide("needed again");
  await page.getByText("needed again").waitFor();
});

test("licences tell what lies idle, account by account", async ({ skip }) => {
  if (!target.mock) return skip("needs licences");
  await open("/access/licences");
  await page.getByText("Licences cost 54,000 a year; 3,024 of it").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("aside").getByText("left.6@office.example").waitFor();
  expect(await violations(page)).toEqual([]);
});

test("somebody stands in for a time; open items of who left are passed on", async ({ skip }) => {
  if (!target.mock) return skip("needs colleagues");
  await open("/access/mine");
  await page.getByRole("button", { name: "Let somebody stand in" }).click();
  await page.locator("aside").getByRole("searchbox").fill("Bo");
  await page.locator("aside").getByRole("button", { name: /Bo Lind/ }).click();
  await page.locator("aside").getByLabel("Until").fill("2099-01-01");
  expect(await violations(page), "stand-in").toEqual([]);
  await page.locator("aside").getByRole("button", { name: "Let somebody stand in" }).click();
  await page.locator("aside").waitFor({ state: "detached" });
  await open("/access/reviews");
  await page.getByRole("button", { name: "Pass on open items" }).click();
  await page.getByText("3 items were passed on.").waitFor();
});

test("a source that failed says why, and is asked now; who was told of a request is one key away", async ({ skip }) => {
  if (!target.mock) return skip("needs a source that failed");
  await open("/access/feeds");
  await page.getByText("the database cannot be reached").waitFor();
  await page.getByRole("button", { name: "Fetch now: Consultants" }).click();
  expect(await violations(page), "the source").toEqual([]);
  await decide("the database is back");
  await page.getByText("the database cannot be reached").waitFor({ state: "detached" });
  await open("/access/approvals");
  await page.getByText("Who was told").first().click();
  await page.getByText("no address is known").waitFor();
  expect(await violations(page), "notices").toEqual([]);
});
