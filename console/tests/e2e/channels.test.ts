// Channels of the radio room: what could not be read is shown with its bytes, and a means is tried before it is needed.
import { expect, test } from "vitest";
import { violations } from "./axe";
import { open, page, stage, target } from "./stage";

stage();

test("a delivery that could not be read says why, and shows what came", async ({ skip }) => {
  if (!target.mock) return skip("needs a delivery that could not be read");
  await open("/field/messages?tab=channels");
  await page.getByText("the element `event` is not closed").waitFor();
  await page.getByText("As it came").click();
  await page.locator(".code-block", { hasText: "ANDROID-1" }).waitFor();
  expect(await violations(page)).toEqual([]);
});

test("a test message tells each try, and is looked at again until it has arrived", async ({ skip }) => {
  if (!target.mock) return skip("would send a message");
  await open("/field/messages?tab=channels");
  await page.getByLabel("Number or address").fill("+6705550104");
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByText("accepted").waitFor();
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByRole("button", { name: "Look again" }).waitFor({ state: "detached" });
  expect(await violations(page)).toEqual([]);
});
