// A situation report in Arabic with call signs and coordinates on paper: another program finds every word of the PDF where
// somebody who reads looks for it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open, page, stage, target } from "./stage";

stage({ look: { theme: "light", language: "ar" } });

/** What is written, and what is to be seen of it from right to left: both numbers of a coordinate stand as they always do. */
const said: [string, string][] = [
  ["BF11 وصلت إلى جسر كومورو مع UN-1 في 14:25 والجميع بخير", "BF11 وصلت إلى جسر كومورو مع UN-1 في 14:25 والجميع بخير"],
  ["المركبة BF12 متوقفة عند -8.55 125.57 منذ 15:10 وتنتظر RL3", "المركبة BF12 متوقفة عند 125.57 -8.55 منذ 15:10 وتنتظر RL3"],
  ["BF12 is on the road again", "again road the on is BF12"],
];

interface Word {
  text: string;
  left: number;
  top: number;
}

/** The words of a PDF, line by line from the top, each line from right to left. */
function seen(paper: string): string {
  const told = execFileSync("pdftotext", ["-bbox", paper, "-"], { encoding: "utf8" });
  const words: Word[] = [...told.matchAll(/<word xMin="([\d.]+)" yMin="([\d.]+)"[^>]*>([^<]*)<\/word>/gu)].map(([, left, top, text]) => ({ left: Number(left), top: Math.round(Number(top)), text: text ?? "" }));
  return words
    .sort((one, other) => one.top - other.top || other.left - one.left)
    .map(({ text }) => text.normalize("NFKC").replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ""))
    // Within a word the reader has the letters from left to right.
    .map((word) => (/\p{Script=Arabic}/u.test(word) ? [...word].reverse().join("") : word))
    .join(" ");
}

test("the order of Arabic with call signs and coordinates is intact in a PDF", async ({ skip }) => {
  if (!target.mock) return skip("the report is the mock's");
  if (spawnSync("pdftotext", ["-v"]).error) return skip("pdftotext is not installed; Debian has it in poppler-utils");
  await open("/field/reports?id=log-9");
  for (const [text] of said) {
    await page.locator("section textarea").fill(text);
    await page.locator("form:has(textarea) .button.primary").click();
    await page.locator("li", { hasText: text }).first().waitFor();
  }
  const folder = mkdtempSync(join(tmpdir(), "vigie-paper-"));
  try {
    const paper = join(folder, "report.pdf");
    writeFileSync(paper, await page.pdf({ format: "A4", landscape: true }));
    for (const [, order] of said) expect(seen(paper)).toContain(order);
    const buttons = await page.locator("main button:visible").allInnerTexts();
    expect(buttons.length, "the page has buttons").toBeGreaterThan(0);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("button:visible").allInnerTexts(), "the paper has none").toEqual([]);
    await page.emulateMedia({ media: null });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
