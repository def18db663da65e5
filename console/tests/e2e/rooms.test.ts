// The rooms behind the desk: what is said in them is entered, seen to, sent; without a link nothing is lost and nothing is done twice.
import { expect, test } from "vitest";
import { context, open, page, stage, target } from "./stage";

stage({ except: /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_RESET/ });

test("an unread message is seen to with a word, and answered in its lane", async ({ skip }) => {
  if (!target.mock) return skip("a real server has no message of ours");
  await open("/field/messages");
  const first = page.locator("li", { hasText: "Bridge is closed" });
  await first.getByRole("textbox").fill("rang them");
  await first.getByRole("button", { name: "Seen to" }).click();
  await first.getByRole("textbox").waitFor({ state: "detached" });
  await first.getByRole("button", { name: "Reply" }).click();
  await page.locator("aside textarea").fill("Take the coast road");
  await page.locator("aside [role=status]", { hasText: "1 short messages" }).waitFor();
  await page.locator("aside select").selectOption("immediate");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator("aside").waitFor({ state: "detached" });
  await page.getByRole("tab", { name: "Out", exact: true }).click();
  await page.getByText("Take the coast road").waitFor();
});

test("a headcount says whom to call, with the number, and takes what the desk heard", async ({ skip }) => {
  if (!target.mock) return skip("the people of a real server are others");
  await open("/field/headcount");
  expect(await page.locator(".f-tally").innerText()).toBe("1 of 3, 1 unknown: call P-1");
  const ana = page.locator("li", { hasText: "Ana Soares" });
  expect(await ana.locator("a[href='tel:+6705550101']").count()).toBe(1);
  await ana.getByRole("button", { name: "Ana Soares is safe" }).click();
  await page.locator(".f-tally", { hasText: "2 of 3" }).waitFor();
});

test("a report shows who can help and why others cannot, and numbers its situation reports", async ({ skip }) => {
  if (!target.mock) return skip("the report is the mock's");
  await open("/field/reports?id=log-9");
  await page.locator("li", { hasText: "National hospital" }).locator("a[href^='tel:']").waitFor();
  expect(await page.locator("li", { hasText: "Hill clinic" }).innerText()).toContain("bridge down");
  await page.locator("textarea").fill("Police are with them");
  await page.getByRole("button", { name: "Situation report", exact: true }).click();
  await page.locator("li", { hasText: "Police are with them" }).waitFor();
  expect(await page.locator("li", { hasText: "Police are with them" }).innerText()).toContain("Situation report 2");
});

test("a radio check is worked through sign by sign", async ({ skip }) => {
  if (!target.mock) return skip("the roster is the mock's");
  await open("/field/radio");
  await page.locator(".f-tally", { hasText: "1 of 3 answered, 1 not called yet" }).waitFor();
  await page.getByRole("button", { name: "3611: heard" }).click();
  await page.locator(".f-tally", { hasText: "2 of 3 answered, 0 not called yet" }).waitFor();
});

test("a missing person's traces are one button and a reason away", async ({ skip }) => {
  if (!target.mock) return skip("the people of a real server are others");
  await open("/field/people");
  await page.getByRole("button", { name: "Last traces of Ana Soares" }).click();
  await page.locator("aside textarea").fill("not heard since noon");
  await page.keyboard.press("Control+Enter");
  await page.locator("aside li", { hasText: "BF11 is at Comoro" }).waitFor();
});

test("the map is drawn without any network of others, and its list says what it shows", async () => {
  const outside: string[] = [];
  page.on("request", (request) => !request.url().startsWith(target.url) && !request.url().startsWith("blob:") && outside.push(request.url()));
  await open("/field/map");
  await page.locator(".canvas[data-ready=true]").waitFor();
  expect(outside).toEqual([]);
  if (!target.mock) return;
  await page.locator(".map-label", { hasText: "BF11" }).waitFor();
  expect(await page.locator(".map-label", { hasText: "BF13" }).count(), "a fix in quarantine is on no map").toBe(0);
  await page.getByLabel("Find a place or call sign").fill("como");
  await page.locator("li button", { hasText: "COMORO" }).click();
});

test("the wall has no controls and says how old it is", async () => {
  await open("/wall");
  await page.locator(".clock", { hasText: ":" }).waitFor();
  expect(await page.locator("button, a, input, select").count()).toBe(0);
  await page.getByText(/Data as of \d\d:\d\d:\d\dZ/).waitFor();
  expect(await page.locator(".missions").evaluate((list) => Number.parseFloat(getComputedStyle(list).fontSize)), "read at three metres on a screen of 1440").toBeGreaterThan(28);
  await page.keyboard.press("Escape");
  await page.waitForURL(/\/field$/);
});

test("one key prints, and only the sheets are on paper", async () => {
  await page.addInitScript(() => {
    const tell = window as unknown as { printed: number };
    tell.printed = 0;
    window.print = () => (tell.printed += 1);
  });
  await open("/field");
  await page.locator("#duty-line").focus();
  await page.keyboard.press("F9");
  await page.waitForFunction(() => (window as unknown as { printed: number }).printed === 1);
  await page.emulateMedia({ media: "print" });
  expect(await page.locator(".shell > nav").isVisible()).toBe(false);
  expect(await page.locator(".leaf").count()).toBe(4);
  expect(await page.locator(".leaf td").count(), "there is something to write on").toBeGreaterThan(200);
  await page.emulateMedia({ media: "screen" });
});

test("the tone can be tried, and the desk says whether it was played", async () => {
  await open("/field");
  const control = page.locator("[data-played]");
  const before = Number(await control.getAttribute("data-played"));
  await page.getByRole("button", { name: "Test the sound" }).click();
  await page.waitForFunction((count) => Number(document.querySelector("[data-played]")?.getAttribute("data-played")) > count, before);
  expect(await page.getByRole("button", { name: "Sound on" }).count()).toBe(1);
});

test("what is entered without a link is kept, says when it was typed, and is sent once", async () => {
  await open("/field");
  const line = `drill ${Date.now()} without a link`;
  await context.setOffline(true);
  await page.locator("#duty-line").fill(line);
  await page.locator("#duty-line").press("Enter");
  const waiting = page.locator("li.f-warn", { hasText: line });
  await waiting.waitFor();
  expect(await waiting.innerText()).toMatch(/\d{4}z/);
  await context.setOffline(false);
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await waiting.waitFor({ state: "detached" });
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.locator("ol li", { hasText: line }).first().waitFor();
  expect(await page.locator("ol li", { hasText: line }).count()).toBe(1);
});

test("a line whose answer was lost on the way is not entered twice", async () => {
  await open("/field");
  const line = `drill ${Date.now()} answer lost`;
  await page.route("**/api/v1/field/log", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    await route.fetch();
    await route.abort("connectionreset");
  });
  const lost = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/api/v1/field/log") && request.method() === "POST");
  await page.locator("#duty-line").fill(line);
  await page.locator("#duty-line").press("Enter");
  await lost;
  await page.unroute("**/api/v1/field/log");
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.locator("ol li", { hasText: line }).first().waitFor();
  await page.locator("section li.f-warn").waitFor({ state: "detached" });
  expect(await page.locator("ol li", { hasText: line }).count()).toBe(1);
});

test("every room fits a telephone", async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  for (const room of ["", "/messages", "/headcount", "/reports", "/radio", "/systems", "/people", "/contacts", "/map", "/nodes", "/register", "/print"]) {
    await open(`/field${room}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${room} is wider than the telephone`).toBe(true);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

