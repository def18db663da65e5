// The library by hand: a function is written with the compiler's help, a watchlist is pasted, edited and fought over, a
// reference table is put in the place of an address.
import { expect, test } from "vitest";
import { settle } from "./browser";
import { page, stage, target } from "./stage";

stage();
const mark = Date.now().toString(36);

const path = (place: string) => page.goto(target.url + place);

test("a function is kept, called by name, changed and dropped", async () => {
  await path("/library");
  await settle(page);
  await page.getByRole("link", { name: "New function" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`Drill_${mark}`);
  await page.getByLabel("Parameters").fill("(most: long = 5)");
  await page.locator(".cm-content").click();
  await page.keyboard.insertText("SecurityEvent | take most");
  await page.locator(".tok-table, .tok-keyword").first().waitFor();
  await page.keyboard.press("Control+s");
  await page.getByText("Called by functions").waitFor();
  expect(new URL(page.url()).searchParams.get("name")).toBe(`Drill_${mark}`);
  await page.getByLabel("Description").fill("A drill");
  await page.keyboard.press("Control+s");
  await page.waitForFunction(() => document.querySelector(".problem, .conflict") === null);
  await page.getByRole("link", { name: "Open in Ask" }).click();
  await page.waitForURL(/\/ask/);
  await path(`/library/functions?name=Drill_${mark}`);
  await page.getByRole("button", { name: "Drop", exact: true }).click();
  await page.getByRole("button", { name: "Drop it for everybody" }).click();
  await page.waitForURL(/\/library\/functions$/);
  expect(await page.getByText(`Drill_${mark}`, { exact: true }).count()).toBe(0);
});

test("a watchlist is pasted, a fault in it is named, its rows are edited, and who was faster is shown", async () => {
  await path("/library/watchlists?name=");
  await page.getByLabel("Name", { exact: true }).fill(`list_${mark}`);
  await page.getByPlaceholder("… or paste the text here").fill("Host,Owner\nDC-01,Identity,x\n");
  await page.getByText("Record 2 has 3 fields where 2 are named").waitFor();
  await page.getByPlaceholder("… or paste the text here").fill('Host,Owner\nDC-01,"Osei, Ada"\nWS-9,\n');
  await page.keyboard.press("Control+s");
  await page.locator("code", { hasText: `_GetWatchlist('list_${mark}')` }).waitFor();
  await page.getByLabel("Owner 2").fill("Bo");
  await page.getByRole("button", { name: "Add a row" }).click();
  await page.keyboard.type("FS-02");
  // Another window is faster.
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.getByLabel("Description").fill("mine");
  await other.keyboard.press("Control+s");
  await other.waitForFunction(() => document.querySelector("[aria-live]")?.textContent?.includes("Saved"));
  await other.close();
  await page.keyboard.press("Control+s");
  await page.getByText("Somebody else was faster").waitFor();
  await page.getByRole("button", { name: "Write mine over theirs" }).click();
  await page.locator(".conflict").waitFor({ state: "detached" });
  await page.reload();
  await page.getByLabel("Host 3").waitFor();
  expect(await page.getByLabel("Owner 1").inputValue()).toBe("Osei, Ada");
  expect(await page.getByLabel("Host 3").inputValue()).toBe("FS-02");
  await page.getByRole("button", { name: "Drop", exact: true }).click();
  await page.getByRole("button", { name: "Drop it for everybody" }).click();
  await page.waitForURL(/\/library\/watchlists$/);
});

test("a reference table shows what it holds and how a query reads it", async () => {
  await path("/library/references?name=");
  await page.getByLabel("Name", { exact: true }).fill(`ref_${mark}`);
  await page.getByLabel("Addresses").fill(`https://lists.example/${mark}.csv`);
  await page.getByPlaceholder("… or paste the text here").fill("code,name\nTL,Timor-Leste\n");
  await page.getByRole("cell", { name: "Timor-Leste" }).waitFor();
  await page.keyboard.press("Control+s");
  await page.locator("pre", { hasText: "externaldata (code: string, name: string)" }).waitFor();
  await page.getByRole("button", { name: "Drop", exact: true }).click();
  await page.getByRole("button", { name: "Drop it for everybody" }).click();
  await page.waitForURL(/\/library\/references$/);
});

