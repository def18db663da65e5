// A shift from take-over to paper, without a mouse, in six languages: every act by keys that a person would press.
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { openContext, settle, signIn, type Look } from "./browser";
import { browser, stage, target } from "./stage";

stage({ signedIn: false });

/** Tab until the focus is on what `selector` says, once it is there, as somebody without a mouse gets there. */
async function tabTo(page: Page, selector: string): Promise<void> {
  await page.locator(selector).first().waitFor();
  for (let strokes = 0; strokes < 120; strokes++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reached ${selector}`);
}

/** Two keys lead to a room; the focus is out of any field first. */
async function room(page: Page, key: string, address: RegExp): Promise<void> {
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press("f");
  await page.keyboard.press(key);
  await page.waitForURL(address);
  await settle(page);
}

const entered = (page: Page, line: string) => page.waitForResponse((response) => response.url().endsWith("/api/v1/field/log") && response.request().postDataJSON()?.line === line && response.status() === 201);

describe.each<Look["language"]>(["en", "fr", "es", "pt", "ar", "tet"])("in %s", (language) => {
  test("a shift", { timeout: 120_000 }, async ({ skip }) => {
    if (!target.mock) return skip("the people and missions of a real server are others");
    const { context, faults } = await openContext(browser, { theme: "light", language });
    const page = await context.newPage();
    await page.addInitScript(() => {
      const tell = window as unknown as { printed: number; pointed: number };
      [tell.printed, tell.pointed] = [0, 0];
      window.print = () => (tell.printed += 1);
      addEventListener("pointerdown", () => (tell.pointed += 1), true);
    });
    await signIn(page, target);
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([language, language === "ar" ? "rtl" : "ltr"]);
    await page.keyboard.press("g");
    await page.keyboard.press("f");
    await page.waitForURL(/\/field$/);
    await settle(page);

    // A contact report: the key that leads to the line, the line, Enter.
    const keys = ["/", ..."bf11 ok", "Enter"];
    expect(keys.length).toBeLessThanOrEqual(12);
    const reported = entered(page, "bf11 ok");
    await page.locator("#duty-line").waitFor();
    for (const key of keys.slice(0, -1)) await page.keyboard.press(key === " " ? "Space" : key);
    await page.locator("#duty-meaning p").first().waitFor();
    await page.keyboard.press("Enter");
    expect(await (await reported).request().headerValue("accept-language"), "the server is asked to speak it").toBe(language);
    expect(await page.locator("#duty-line").evaluate((line) => getComputedStyle(line).direction), "a line is written left to right").toBe("ltr");
    await page.keyboard.press("Escape");

    await room(page, "h", /headcount/);
    await tabTo(page, "button[title='hc P-1 safe']");
    const counted = entered(page, "hc P-1 safe");
    await page.keyboard.press("Enter");
    await counted;

    await room(page, "r", /radio/);
    await tabTo(page, "button[title='rc BF12=']");
    const called = entered(page, "rc BF12=");
    await page.keyboard.press("Enter");
    await called;
    expect(await page.locator("ul bdi", { hasText: "BF12" }).first().evaluate((sign) => getComputedStyle(sign).direction), "a call sign is read left to right").toBe("ltr");

    await room(page, "i", /reports/);
    await tabTo(page, "form.f-form input");
    await page.keyboard.type("bf12");
    await page.keyboard.press("Tab");
    await page.keyboard.type("comoro");
    await page.keyboard.press("Tab");
    await page.keyboard.type("carjack");
    const flashed = entered(page, "inc bf12 where:comoro what:carjack sev:high");
    await page.keyboard.press("Enter");
    await flashed;

    await room(page, "m", /messages/);
    await tabTo(page, "main li form button[type=button]");
    await page.keyboard.press("Enter");
    await page.locator("aside textarea").waitFor();
    await page.keyboard.type("Understood");
    const sent = page.waitForResponse((response) => response.url().endsWith("/messages/sent") && response.request().method() === "POST");
    await tabTo(page, "aside form button:not([type=button])");
    await page.keyboard.press("Enter");
    expect((await sent).status()).toBe(201);
    await page.locator("aside").waitFor({ state: "detached" });

    // The relief reads back what is overdue, then signs.
    await room(page, "d", /\/field$/);
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("f");
    await page.keyboard.press("o");
    await page.locator("aside input[type=checkbox]").waitFor();
    await tabTo(page, "aside input[type=checkbox]");
    await page.keyboard.press("Space");
    const relieved = page.waitForResponse((response) => response.url().endsWith("/desk/commands") && response.ok());
    await tabTo(page, "aside button.primary:enabled");
    await page.keyboard.press("Enter");
    await relieved;

    await page.keyboard.press("F9");
    await page.waitForFunction(() => (window as unknown as { printed: number }).printed === 1);
    expect(await page.evaluate(() => (window as unknown as { pointed: number }).pointed), "no mouse").toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });
});
