// Every page in light, dark and right-to-left: axe finds nothing, the content policy refuses nothing, no script fails,
// and nothing is wider than the window.
import { describe, expect, test } from "vitest";
import { violations } from "./axe";
import { openContext, settle, signIn, type Look } from "./browser";
import { routes } from "./screens";
import { browser, stage, target } from "./stage";

stage({ signedIn: false });

const looks: Look[] = [
  { theme: "light", language: "en" },
  { theme: "dark", language: "fr" },
  { theme: "light", language: "ar" },
  { theme: "dark", language: "ar" },
];

describe.each(looks)("$theme, $language", (look) => {
  test("the sign-in page", async () => {
    const { context, faults } = await openContext(browser, look);
    const page = await context.newPage();
    await page.goto(`${target.url}/login`);
    await page.locator("h1").waitFor();
    expect(await page.evaluate(() => document.documentElement.dir)).toBe(look.language === "ar" ? "rtl" : "ltr");
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("every page", { timeout: 300_000 }, async () => {
    const { context, faults } = await openContext(browser, look);
    const page = await context.newPage();
    await signIn(page, target);
    for (const [name, path] of Object.entries(routes)) {
      await page.goto(target.url + path);
      await settle(page);
      if (name === "ask" || name === "chart") await page.locator(".bar strong, [role=alert]").first().waitFor();
      expect(await violations(page), name).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the window`).toBe(true);
    }
    expect(faults).toEqual([]);
    await context.close();
  });

  test("what opens: an alert, a dossier with a form, help, the palette", async () => {
    const { context, faults } = await openContext(browser, look);
    const page = await context.newPage();
    await signIn(page, target);
    await page.goto(`${target.url}/alerts?range=all`);
    await page.locator("[data-row]").first().click();
    await page.locator(".code-block").first().waitFor();
    expect(await violations(page), "alert").toEqual([]);
    await page.goto(`${target.url}/rules?kind=sigma&state=enabled`);
    await page.locator("[data-row]").first().click();
    await page.getByRole("tab").nth(1).waitFor();
    for (const at of [0, 1, 2, 3, 4]) {
      await page.getByRole("tab").nth(at).click();
      await settle(page);
      expect(await violations(page), `tab ${at} of a rule`).toEqual([]);
    }
    await page.keyboard.press("x");
    await page.locator("aside form textarea").first().waitFor();
    expect(await violations(page), "exception").toEqual([]);
    await page.goto(`${target.url}/incidents?view=all`);
    await page.locator("[data-row]").first().click();
    await page.locator("main dl").first().waitFor();
    await page.keyboard.press("m");
    await page.locator("aside textarea").first().waitFor();
    expect(await violations(page), "dossier").toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.locator("aside").waitFor();
    expect(await violations(page), "help").toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.locator("[role=combobox]").waitFor();
    expect(await violations(page), "palette").toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
