// Hybrid health: both sides are read, what differs is told in words, and a conflict is carried out with a reason.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { violations } from "./axe";
import { ask, open, page, stage, target } from "./stage";

stage();
const mark = Date.now().toString(36);
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(process.env["VIGIE_SYSTEMS"] ?? tmpdir(), "vigie-hybrid-"));
  if (!target.mock) await describePair();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two systems that are files below `systems/` of the data folder, one as a directory writes its people and one as a tenant does. */
async function describePair(): Promise<void> {
  writeFileSync(join(folder, "premises.csv"), "anchor,login,active,mS-DS-ConsistencyGuid,title,mail\nad-1,aosei,yes,guid-1,Chief,aosei@office.example\nad-2,blind,yes,guid-2,Driver,blind@office.example\nad-3,ceze,yes,guid-3,Nurse,admin@office.example\n");
  writeFileSync(join(folder, "tenant.csv"), "anchor,login,active,onPremisesImmutableId,jobTitle,mail\nc-1,aosei,yes,guid-1,Aide,aosei@office.example\nc-2,blind,yes,guid-2,Driver,blind@office.example\nc-9,admin,yes,,Head,admin@office.example\nc-8,ghost,yes,guid-8,Gone,ghost@office.example\n");
  const system = (side: string) => ({
    kind: "system", key: `${side}-${mark}`,
    body: {
      title: side, owner: "P-08", anchor: "anchor", protected: ["*"], login: { template: "{{ person.family_name }}", scope: side },
      connector: { kind: "csv", settings: { path: join(basename(folder), `${side}.csv`), id: "anchor", name: "login", enabled: { column: "active", yes: "yes", no: "no" } } },
    },
  });
  const pair = { kind: "hybrid", key: `pair-${mark}`, body: { title: "Directory and cloud", directory: `premises-${mark}`, cloud: `tenant-${mark}`, attributes: [{ directory: "title", cloud: "jobTitle", authority: "directory" }] } };
  await open("/access/hybrids");
  await ask(page, "PUT", "identity/documents", { drafts: [system("premises"), system("tenant"), pair], reason: "drill" });
}

test("what differs is told in words, and the conflict is settled at the system", async () => {
  await open(`/access/hybrids?of=pair-${mark}`);
  expect(await violations(page), "before the first look").toEqual([]);
  await page.getByRole("button", { name: "Look now" }).click();
  await page.locator("[data-row]", { hasText: "title: Chief counts, the other side has Aide" }).waitFor();
  await page.locator("[data-row]", { hasText: "ad-3 would take over c-9, by mail = admin@office.example" }).waitFor();
  await page.locator("[data-row]", { hasText: "The directory has no account for guid-8" }).waitFor();
  expect(await violations(page), "findings").toEqual([]);

  await page.locator("[data-row]", { hasText: "would take over" }).click();
  await page.locator("aside li", { hasText: "Make ad-3 and c-9 one" }).waitFor();
  expect(await page.locator("aside form").count(), "nothing of it is ours to do").toBe(0);
  await page.keyboard.press("Escape");

  await page.locator("[data-row]", { hasText: "Chief counts" }).click();
  await page.locator("aside").getByText("Write jobTitle = Chief on c-1 in the cloud.").waitFor();
  expect(await violations(page), "a finding").toEqual([]);
  await page.locator("aside textarea").fill("the directory is right");
  await page.keyboard.press("Control+Enter");
  await page.locator("aside").waitFor({ state: "detached" });
  await page.locator("[data-row]", { hasText: "Chief counts" }).waitFor({ state: "detached" });
  if (!target.mock) expect(readFileSync(join(folder, "tenant.csv"), "utf8")).toContain("c-1,aosei,yes,guid-1,Chief,");
});

test("a look that fails says why, and what was found before stays", async ({ skip }) => {
  if (target.mock) return skip("the systems of the stand-in server cannot fail");
  rmSync(join(folder, "tenant.csv"));
  await open(`/access/hybrids?of=pair-${mark}`);
  await page.getByRole("button", { name: "Look now" }).click();
  await page.locator("[role=alert], .bad[role=status]").first().waitFor();
  expect(await page.locator("[data-row]").count()).toBeGreaterThan(0);
});
