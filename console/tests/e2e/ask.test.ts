// The workbench: writing, running, reading 100,000 rows, narrowing by key, and the address as its memory.
import { expect, test } from "vitest";
import { settle } from "./browser";
import { page, stage, target } from "./stage";

stage();

const editor = () => page.locator(".cm-content");
const query = () => new URL(page.url()).searchParams.get("q");
const rowsShown = () => page.locator("[role=row]").count();

async function write(text: string) {
  await editor().click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}

async function answered() {
  await page.locator(".bar strong").waitFor();
}

test("a query is written with help, run by key, and stays in the address", async () => {
  await page.goto(`${target.url}/ask`);
  await settle(page);
  await editor().waitFor();
  await write("Security");
  await page.keyboard.type("E");
  await page.locator(".cm-tooltip-autocomplete").waitFor();
  // The editor takes no Enter for a list that has been there for less than 75 ms: nobody can have read it.
  await page.waitForTimeout(150);
  await page.keyboard.press("Enter");
  expect(await editor().innerText()).toContain("SecurityEvent");
  await page.keyboard.type(" | take 7");
  await page.keyboard.press("Control+Enter");
  await answered();
  expect(query()).toContain("take 7");
  await page.locator(".tok-table, .tok-keyword").first().waitFor();
  await page.reload();
  await answered();
  expect(await editor().innerText()).toContain("take 7");
});

test("a mistake is named with its place before it is run", async () => {
  await write("SecurityEvent\n| wher EventID == 1");
  await page.locator("ul[aria-label='What the compiler found'] button").first().waitFor();
  await page.locator(".cm-lintRange-error").first().waitFor();
});

test("100,000 rows: the page holds some eighty, and goes to the last at once", { timeout: 120_000 }, async () => {
  const wide = target.mock ? "SecurityEvent" : "range n from 1 to 100000 step 1 | extend text = strcat('row ', n)";
  await page.goto(`${target.url}/ask?range=all&run=1&q=${encodeURIComponent(wide)}`);
  await page.getByText("100,000 rows").first().waitFor({ timeout: 60_000 });
  expect(await rowsShown()).toBeLessThan(90);
  await page.keyboard.press("w");
  await page.keyboard.press("Control+End");
  await page.locator("[role=row][aria-rowindex='100001']").waitFor();
  expect(await rowsShown()).toBeLessThan(90);
  // What makes a jump cheap is that the page never holds more rows; a time would measure the machine.
  const most = await page.evaluate(async () => {
    const grid = document.querySelector("[role=grid]") as HTMLElement;
    const frame = () => new Promise(requestAnimationFrame);
    let most = 0;
    for (let step = 0; step < 40; step++) {
      grid.scrollTop = (step * 64_007) % grid.scrollHeight;
      await frame();
      most = Math.max(most, grid.querySelectorAll("[role=row]").length);
    }
    return most;
  });
  expect(most, "rows that the page holds while it jumps").toBeLessThan(90);
  await page.keyboard.press("s");
  await page.locator("[aria-sort=ascending]").waitFor();
});

test("a value is included by key; Back returns to the question before", async () => {
  const small = "SecurityEvent | take 50";
  await page.goto(`${target.url}/ask?range=all&run=1&q=${encodeURIComponent(small)}`);
  await answered();
  await page.locator("[role=gridcell]").first().waitFor();
  await page.keyboard.press("w");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("+");
  await page.waitForFunction(() => new URL(location.href).searchParams.get("q")?.includes("| where "));
  await answered();
  await page.goBack();
  await page.waitForFunction(() => !new URL(location.href).searchParams.get("q")?.includes("| where "));
  expect(query()).toBe(small);
  await answered();
  await page.keyboard.press("w");
  await page.keyboard.press("Enter");
  await page.locator("aside dl").waitFor();
  await page.keyboard.press("Escape");
});

test("a time chart has its table beside it", async () => {
  const text = "SecurityEvent | summarize count() by bin(TimeGenerated, 1h) | render timechart";
  await page.goto(`${target.url}/ask?range=all&run=1&q=${encodeURIComponent(text)}`);
  await page.locator(".uplot canvas").waitFor();
  await page.getByText("The same as a table").click();
  await page.locator("figure table tbody tr").first().waitFor();
});

test("a query is kept, found again, and dropped", async () => {
  const name = `Drill ${Date.now()}`;
  await page.goto(`${target.url}/ask?q=${encodeURIComponent("SecurityEvent | take 3")}`);
  await settle(page);
  await editor().waitFor();
  await page.keyboard.press("Control+s");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.keyboard.press("Enter");
  await page.locator("aside li", { hasText: name }).waitFor();
  await page.getByRole("button", { name: `Drop: ${name}` }).click();
  await page.locator("aside li", { hasText: name }).waitFor({ state: "detached" });
});

test("a refused query says why and keeps what was written", async () => {
  const text = "boom | nonsense";
  await page.goto(`${target.url}/ask?run=1&q=${encodeURIComponent(text)}`);
  await page.locator("[role=alert]").waitFor();
  expect(await editor().innerText()).toContain("boom");
  expect(await page.locator("[role=alert] code").count()).toBeGreaterThan(0);
});

test("a running query is stopped by key; its rows stay", async ({ skip }) => {
  if (!target.mock) return skip("needs a query that is slow at will");
  await page.goto(`${target.url}/ask?run=1&q=${encodeURIComponent("SecurityEvent // slow")}`);
  await page.getByText("Running for").waitFor();
  await page.getByText("12 of 61 files").waitFor();
  await page.locator("[role=gridcell]").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByText(/Stopped; [\d,]+ rows had come/).waitFor();
  expect(await page.locator("[role=gridcell]").count()).toBeGreaterThan(0);
});

