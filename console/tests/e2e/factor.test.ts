// The second factor, from the picture that a telephone takes to the borrowed access, and its removal by the officer.
import { createHmac } from "node:crypto";
import jsQR from "jsqr";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { violations } from "./axe";
import { openContext, settle } from "./browser";
import { ask, browser, context, open, page, stage, target } from "./stage";

stage();

/** RFC 6238: the code of an instant, six digits of SHA-1 over half minutes. */
function codeAt(secret: string, at_ms: number): string {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at_ms / 30_000)));
  const digest = createHmac("sha1", key).update(step).digest();
  const offset = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** What a camera reads from the screen: the picture as it is painted, not as we drew it. */
async function photographed(page: Page, picture: Locator): Promise<string | undefined> {
  const shot = (await picture.screenshot()).toString("base64");
  const { data, width, height } = await page.evaluate(async (png) => {
    const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const paint = canvas.getContext("2d");
    paint?.drawImage(image, 0, 0);
    const read = paint?.getImageData(0, 0, image.width, image.height);
    return { data: [...(read?.data ?? [])], width: image.width, height: image.height };
  }, shot);
  return jsQR(Uint8ClampedArray.from(data), width, height)?.data;
}

/** A page of somebody else, who on a real server is invited and linked to a person who may borrow. */
async function borrower(): Promise<{ page: Page; person: string }> {
  const other = (await openContext(browser, { theme: "dark", language: "ar" })).context;
  const theirs = await other.newPage();
  await open("/access/people");
  if (target.mock) {
    await other.addCookies(await context.cookies());
    return { page: theirs, person: "person-1" };
  }
  const { people } = await ask<{ people: { id: string; number: string }[] }>(page, "GET", "identity/people");
  const person = people.find(({ number }) => number === "P-09")?.id ?? "";
  const name = `borrower.${Date.now().toString(36)}`;
  const { user, path } = await ask<{ user: { id: string }; path: string }>(page, "POST", "users", { name, display_name: "Borrower", roles: ["analyst"], reason: "drill" });
  await ask(page, "POST", "access/logins", { user: user.id, person });
  await theirs.goto(target.url + path);
  for (const at of [0, 1]) await theirs.locator("input[type=password]").nth(at).fill("watch over the harbour");
  await theirs.locator("form button").first().click();
  await theirs.locator("nav").waitFor();
  return { page: theirs, person };
}

test("a telephone reads the picture, its code counts once, and the officer takes it away", { timeout: 120_000 }, async () => {
  const { page: theirs, person } = await borrower();
  await theirs.goto(`${target.url}/access/mine`);
  await settle(theirs);
  const enrol = theirs.locator("section[aria-labelledby=mine-factor] button");
  await enrol.click();
  await theirs.locator("aside button.primary").click();
  const picture = theirs.locator("aside svg.qr");
  await picture.waitFor();
  expect(await violations(theirs), "dark, right to left").toEqual([]);
  const uri = new URL((await photographed(theirs, picture)) ?? "about:blank");
  expect([uri.protocol, uri.searchParams.get("issuer"), uri.searchParams.get("period")]).toEqual(["otpauth:", "Vigie", "30"]);
  const secret = uri.searchParams.get("secret") ?? "";
  expect(await theirs.locator("aside .secret code").innerText(), "the same secret to type").toBe(secret);

  const field = theirs.locator("aside input[autocomplete=one-time-code]");
  await field.fill("000 000");
  await theirs.keyboard.press("Enter");
  await theirs.locator("aside [role=alert]").waitFor();
  // Digits as an Arabic keyboard gives them.
  const shown_ms = Date.now();
  await field.fill([...codeAt(secret, shown_ms)].map((digit) => String.fromCodePoint(0x660 + Number(digit))).join(""));
  await theirs.keyboard.press("Enter");
  await theirs.locator("section[aria-labelledby=mine-factor] .good").waitFor();
  expect(await enrol.count(), "who has one gets no second one by a password alone").toBe(0);

  const ticket = target.mock ? "incident-7" : await openIncident();
  await theirs.locator("section[aria-labelledby=mine-eligible] button").first().click();
  await theirs.locator("aside input[list]").fill(ticket);
  await theirs.locator("aside textarea").fill("restore the vault");
  const send = theirs.locator("aside form button").and(theirs.locator(":not([type=button])"));
  expect(await send.getAttribute("aria-disabled"), "not without a code").toBe("true");
  await field.fill(codeAt(secret, shown_ms));
  await send.click();
  await theirs.locator("aside [role=alert]", { hasText: "used before" }).waitFor();
  // The next one, which the server takes because clocks differ.
  await field.fill(codeAt(secret, shown_ms + 30_000));
  await send.click();
  await theirs.locator("section[aria-labelledby=mine-borrowed] li", { hasText: "restore the vault" }).first().waitFor();

  await open(`/access/people?of=${person}`);
  await page.getByRole("button", { name: "Remove second factor" }).click();
  await page.locator("aside textarea").fill("telephone lost, seen in person");
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Control+Enter");
  await page.locator("aside").waitFor({ state: "detached" });
  await theirs.reload();
  await settle(theirs);
  await enrol.waitFor();
  await theirs.context().close();
});

async function openIncident(): Promise<string> {
  const opened = await ask<{ incident?: { id: string }; id?: string }>(page, "POST", "incidents", { title: "Vault drill", severity: "low", reason: "drill" });
  return opened.incident?.id ?? opened.id ?? "";
}
