// WCAG 2.2 AA as far as a machine can walk it, on every page of the Field and Access desks: all that can be used is reached by Tab,
// is seen where the focus is and not hidden there, nothing holds the focus, pages have names of their own and fit 320 pixels.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage } from "./stage";

stage({ except: /ERR_INTERNET_DISCONNECTED/ });

const field = ["", "/map", "/movements", "/movements?tab=positions", "/settings", "/messages", "/messages?tab=channels", "/headcount", "/reports", "/radio", "/systems", "/people", "/contacts", "/nodes", "/register", "/print"].map((path) => `/field${path}`);
const access = ["mine", "approvals", "reviews", "reviews?of=campaign-1", "people", "people?of=person-1", "accounts", "groups", "groups?of=group-2", "findings", "systems", "hybrids", "licences", "feeds", "plans", "plans?of=plan-1", "policy", "suggestions", "separation", "conditional", "conditional?tab=gaps", "conditional?tab=last-resort", "conditional?tab=tenants", "consents", "audit"].map((path) => `/access/${path}`);

interface Stop {
  what: string;
  visible: boolean;
  marked: boolean;
}

/** Walks by Tab until the focus is where it began. What each stop is, whether it can be seen, and whether the focus shows. */
async function walk(on: Page): Promise<{ stops: Stop[]; missed: string[]; trapped: boolean }> {
  await on.evaluate(() => {
    // Everything that somebody can act on, once: of a group with one stop (radio buttons, tabs) the group.
    const wanted = [...document.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, [tabindex='0']")].filter((one) => {
      const box = one.getBoundingClientRect();
      const off = one.matches(":disabled, [tabindex='-1'], [aria-hidden='true'] *, [inert] *") || one.closest("[hidden]") !== null;
      return !off && one.checkVisibility() && box.width > 0 && box.height > 0 && getComputedStyle(one).visibility === "visible" && !(one instanceof HTMLInputElement && one.type === "radio" && !one.checked);
    });
    wanted.forEach((one, at) => (one.dataset["walk"] = String(at)));
    (document.activeElement as HTMLElement | null)?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
  });
  const stops = new Map<string, Stop>();
  let trapped = true;
  const all = await on.locator("[data-walk]").count();
  let [last, still] = ["", 0];
  for (let strokes = 0; strokes < all + 60; strokes++) {
    await on.keyboard.press("Tab");
    const at = await on.evaluate(() => {
      const one = document.activeElement as HTMLInputElement | null;
      if (!one || one === document.body || one === document.documentElement) return null;
      const box = one.getBoundingClientRect();
      const spot = document.elementFromPoint(Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 2), Math.min(Math.max(box.y + Math.min(box.height / 2, 12), 1), innerHeight - 2));
      const style = getComputedStyle(one);
      const marked = (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
      const name = one.getAttribute("aria-label") ?? one.textContent?.trim().slice(0, 40) ?? "";
      return { key: one.dataset["walk"] ?? one.outerHTML.slice(0, 80), what: `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""} ${name}`, // A field for files is drawn by its label.
        visible: one.classList.contains("visually-hidden") ? one.labels?.[0]?.checkVisibility() === true : spot !== null && (one.contains(spot) || spot.contains(one)), marked: marked || (one instanceof HTMLInputElement && one.labels?.[0] !== undefined && getComputedStyle(one.labels[0]).outlineStyle !== "none") };
    });
    if (at === null) {
      trapped = false;
      break;
    }
    still = at.key === last ? still + 1 : 0;
    if (still > 3) break;
    last = at.key;
    if (stops.has(at.key) && stops.size > 3 && [...stops.keys()][0] === at.key) {
      trapped = false;
      break;
    }
    stops.set(at.key, at);
  }
  const missed = await on.evaluate((seen) => [...document.querySelectorAll<HTMLElement>("[data-walk]")].filter((one) => !seen.includes(one.dataset["walk"] ?? "")).map((one) => one.outerHTML.replace(/\s+/g, " ").slice(0, 120)), [...stops.keys()]);
  return { stops: [...stops.values()], missed, trapped };
}

test("every page is walked by key alone, from its first link to its last", { timeout: 400_000 }, async () => {
  const problems: string[] = [];
  const titles = new Map<string, string>();
  for (const path of [...field, ...access]) {
    await open(path);
    const { stops, missed, trapped } = await walk(page);
    if (trapped) problems.push(`${path}: Tab does not leave ${stops.at(-1)?.what}`);
    for (const one of missed) problems.push(`${path}: Tab does not reach ${one}`);
    for (const { what, visible, marked } of stops) {
      if (!visible) problems.push(`${path}: hidden while it has the focus: ${what}`);
      if (!marked) problems.push(`${path}: nothing shows the focus on ${what}`);
    }
    const title = await page.title();
    const before = titles.get(title);
    if (before && before.split("?")[0] !== path.split("?")[0]) problems.push(`${path}: has the title of ${before}: ${title}`);
    titles.set(title, path);
  }
  expect(problems).toEqual([]);
});

test("every page fits 320 pixels, with targets of 24", { timeout: 400_000 }, async () => {
  const problems: string[] = [];
  await page.setViewportSize({ width: 320, height: 800 });
  for (const path of [...field, ...access]) {
    await open(path);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > 320) problems.push(`${path}: is ${wide} pixels wide`);
    problems.push(...(await violations(page)).map((one) => `${path}: ${one}`));
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  expect(problems).toEqual([]);
});

test("the bar fits a telephone while the live connection is away", async () => {
  await page.setViewportSize({ width: 320, height: 800 });
  await page.route(/\/api\/v1\/live/, (route) => route.abort("internetdisconnected"));
  await open("/access/mine");
  await page.locator(".live.waiting, .live.closed").waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await page.unroute(/\/api\/v1\/live/);
  await page.setViewportSize({ width: 1440, height: 900 });
});
