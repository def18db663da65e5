// Other nodes: the bar says as of when their picture is, the page what they told; with a binary at hand, between two real servers.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { openContext, settle, signIn } from "./browser";
import { binary, startServer } from "./server";
import { ask, browser, open, page, stage, target } from "./stage";

stage();

test("the bar and the page say how old the picture of each node is", async ({ skip }) => {
  if (!target.mock) return skip("the real server of these tests has no other node; see the next test");
  await open("/");
  const bar = page.locator("header .link");
  expect(await bar.first().innerText()).toMatch(/^HQ: data as of (\d\d-\d\d )?\d\d:\d\dZ, link down 3 hrs? 3[67] mins?$/);
  expect(await bar.nth(1).innerText()).toMatch(/^BAUCAU: data as of (\d\d-\d\d )?\d\d:\d\dZ$/);
  await bar.first().click();
  await page.waitForURL(/\/field\/nodes$/);
  await settle(page);
  await page.getByText("412 entries to send").waitFor();
  await page.getByText("Incidents known to two rooms").waitFor();
  await page.locator("summary", { hasText: "Lane by lane" }).first().click();
  await page.getByText("entry 7 of lane log does not follow").waitFor();
  await page.getByRole("button", { name: "Take it over" }).click();
  await page.locator("aside textarea").fill("we hear them");
  expect(await violations(page), "taking over").toEqual([]);
  await page.keyboard.press("Control+Enter");
  await page.locator(".f-item", { hasText: "the other room has not heard of it yet" }).waitFor();
  await page.locator(".f-bad [data-row]", { hasText: "Vaccine run" }).click();
  await page.locator(".whole", { hasText: "MANATUTO" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("tab", { name: "Duty log" }).click();
  await page.locator("[data-row]", { hasText: "all quiet at the gate" }).waitFor();
});

test("an office and its headquarters", { timeout: 180_000 }, async ({ skip }) => {
  if (target.mock || binary === "") return skip("needs a server to start: VIGIE_BINARY names none");
  const { context, faults } = await openContext(browser, { theme: "light", language: "en" });
  const [there, here] = [await context.newPage(), await (await openContext(browser, { theme: "light", language: "en" })).context.newPage()];
  const headquarters = await startServer({ VIGIE_REPLICA_NODE: "HQ" });
  await signIn(there, headquarters);
  const { secret } = await ask<{ secret: string }>(there, "POST", "tokens", { name: "DILI", scopes: ["replicate"], expires_in_days: 30, reason: "drill" });
  const office = await startServer({ VIGIE_REPLICA_NODE: "DILI", VIGIE_REPLICA_PEER: "HQ", VIGIE_REPLICA_URL: headquarters.url, VIGIE_REPLICA_TOKEN: secret });
  try {
    await signIn(here, office);
    await ask(here, "POST", "field/log", { line: "all quiet at the gate" });
    await there.goto(`${headquarters.url}/field/nodes?kind=log`);
    await there.locator("[data-row]", { hasText: "all quiet at the gate" }).waitFor({ timeout: 60_000 });
    await here.goto(`${office.url}/field/nodes`);
    await settle(here);
    await here.locator("header .link.good", { hasText: /HQ: data as of \d\d:\d\dZ/ }).waitFor({ timeout: 60_000 });
    await here.locator(".f-item", { hasText: "link up" }).waitFor();
    expect(await violations(here)).toEqual([]);
    expect(faults).toEqual([]);
    await there.close();
    await headquarters.stop();
    // It goes wrong at once; after a minute the link counts as down, which the stand-in server shows.
    await here.locator(".f-item .f-tone-bad").first().waitFor({ timeout: 60_000 });
  } finally {
    await Promise.all([headquarters.stop(), office.stop()]);
    await context.close();
  }
});
