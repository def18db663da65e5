// The desk by keyboard: a line is read, completed and entered; an alarm is answered; the sheet of a mission opens.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { settle } from "./browser";
import { page, stage, target } from "./stage";

stage();

test("a line is told in words, completed and entered without a mouse", async () => {
  await page.goto(`${target.url}/field`);
  await settle(page);
  await page.keyboard.press("/");
  await page.keyboard.type("b");
  await page.locator(".proposals button").first().waitFor();
  await page.keyboard.press("Tab");
  expect((await page.locator("#duty-line").inputValue()).endsWith(" ")).toBe(true);
  await page.locator("#duty-line").fill("bf11 ok");
  await page.locator("#duty-meaning p").first().waitFor();
  await page.keyboard.press("Escape");
  expect(await page.locator("#duty-line").inputValue(), "Escape loses nothing").toBe("bf11 ok");
  await page.reload();
  await settle(page);
  expect(await page.locator("#duty-line").inputValue(), "the draft is there again").toBe("bf11 ok");
  await page.locator("#duty-line").press("Enter");
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#duty-line")?.value === "");
  expect(await violations(page)).toEqual([]);
});

test("the sheet of a mission and the hand-over open beside the board", async () => {
  await page.goto(`${target.url}/field`);
  await settle(page);
  await page.locator("[data-row]").first().click();
  await page.locator("aside select").first().waitFor();
  expect(await violations(page), "the sheet").toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /On duty|Nobody has the desk/ }).click();
  await page.locator("aside h3").waitFor();
  expect(await violations(page), "the hand-over").toEqual([]);
});
