// Pictures of every page, to be looked at: `VIGIE_SCREENS=folder VIGIE_LOOK=dark,ar VIGIE_SIZE=390x844 npm run screens`.
import { mkdirSync } from "node:fs";
import { openBrowser, openContext, openTarget, settle, signIn, type Look } from "./browser";

export const routes: Record<string, string> = {
  overview: "/",
  ask: "/ask?q=SecurityEvent%0A%7C+where+EventID+%3D%3D+4625%0A%7C+take+5000&run=1",
  chart: "/ask?q=SecurityEvent%0A%7C+summarize+count()+by+bin(TimeGenerated,+15m),+Computer%0A%7C+render+timechart&run=1",
  start: "/ask",
  library: "/library",
  function: "/library/functions?name=FailedSignIns",
  watchlists: "/library/watchlists",
  watchlist: "/library/watchlists?name=HighValueAssets",
  references: "/library/references",
  reference: "/library/references?name=countries",
  "new-function": "/library/functions?name=",
  field: "/field",
  map: "/field/map",
  movements: "/field/movements",
  "room-settings": "/field/settings",
  messages: "/field/messages",
  undelivered: "/field/messages?tab=undeliverable",
  channels: "/field/messages?tab=channels",
  headcount: "/field/headcount",
  reports: "/field/reports?id=log-9",
  radio: "/field/radio",
  systems: "/field/systems",
  people: "/field/people",
  contacts: "/field/contacts",
  print: "/field/print",
  wall: "/wall",
  nodes: "/field/nodes",
  register: "/field/register",
  "call-signs": "/field/register?of=call-sign",
  alerts: "/alerts",
  incidents: "/incidents",
  rules: "/rules",
  "all-exceptions": "/rules/exceptions",
  coverage: "/coverage",
  technique: "/coverage?technique=T1010&standing=fired&standing=ready&standing=no-events",
  sources: "/sources",
  "access-groups": "/access/groups",
  "access-group": "/access/groups?of=group-2",
  "access-people": "/access/people",
  person: "/access/people?of=person-1",
  separation: "/access/separation",
  review: "/access/reviews?of=campaign-1",
  "my-access": "/access/mine",
  approvals: "/access/approvals",
  "access-systems": "/access/systems",
  hybrids: "/access/hybrids?finding=conflict%7Ctitle%7C%7C%7C%7Cdirectory%3Aad-1%7Ccloud%3Ac-1",
  feeds: "/access/feeds?batch=batch-1",
  plan: "/access/plans?of=plan-1",
  policy: "/access/policy",
  conditional: "/access/conditional?policy=mfa",
  gaps: "/access/conditional?tab=gaps",
  consents: "/access/consents?consent=consent-1",
  suggestions: "/access/suggestions",
  audit: "/access/audit?person=person-1",
  ledger: "/ledger",
  settings: "/settings",
};

const rulePages: Record<string, string> = {
  rule: "/rules/rule-0",
  mapping: "/rules/rule-0?tab=mapping",
  exceptions: "/rules/rule-0?tab=exceptions&over=true",
  unreachable: "/rules/rule-4?tab=mapping",
  "rule-kql": "/rules/rule-0?tab=kql",
  "why-fired": "/rules/rule-0?tab=why",
  "why-near": "/rules/rule-1?tab=why",
};

export async function takeScreens(folder: string, look: Look, only: string[] = [], size = { width: 1440, height: 900 }): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const target = await openTarget();
  const browser = await openBrowser();
  const { context, faults } = await openContext(browser, look, size);
  const page = await context.newPage();
  const shoot = (name: string) => page.screenshot({ path: `${folder}/${name}-${look.theme}-${look.language}-${size.width}.png` });
  const wanted = (name: string) => only.length === 0 || only.includes(name);
  await page.goto(`${target.url}/login`);
  await page.locator("h1").waitFor();
  if (wanted("login")) await shoot("login");
  await signIn(page, target);
  for (const [name, path] of Object.entries(routes)) {
    if (!wanted(name)) continue;
    await page.goto(target.url + path);
    await settle(page);
    await page.waitForTimeout(700);
    if (name === "ask") {
      await page.locator("[role=gridcell]").nth(8).click();
      await page.waitForTimeout(200);
    }
    await shoot(name);
  }
  if (wanted("alert")) {
    await page.goto(`${target.url}/alerts`);
    await page.locator("[data-row]").first().click();
    await page.locator(".code-block").first().waitFor();
    await page.waitForTimeout(300);
    await shoot("alert");
  }
  if (wanted("dossier")) {
    await page.goto(`${target.url}/incidents`);
    await page.locator("[data-row]").first().click();
    await settle(page);
    await page.waitForTimeout(300);
    await shoot("dossier");
    await page.keyboard.press("t");
    await page.waitForTimeout(400);
    await shoot("dossier-act");
  }
  for (const [name, path] of Object.entries(rulePages)) {
    if (!wanted(name)) continue;
    await page.goto(target.url + path);
    await page.locator("main dl").first().waitFor();
    await settle(page);
    if (name.startsWith("why-")) {
      await page.getByRole("tabpanel").locator("button.primary").click();
      await page.locator(".verdict").waitFor();
    }
    await page.waitForTimeout(300);
    await shoot(name);
  }
  if (wanted("exception")) {
    await page.goto(`${target.url}/rules/rule-0?tab=exceptions`);
    await page.locator("main dl").first().waitFor();
    await page.keyboard.press("x");
    await page.locator("aside input[type=checkbox]").nth(1).check();
    await page.locator("aside .trial").waitFor();
    await shoot("exception");
  }
  if (wanted("palette")) {
    await page.keyboard.press("Control+k");
    await page.waitForTimeout(200);
    await shoot("palette");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.waitForTimeout(300);
    await shoot("help");
  }
  for (const fault of new Set(faults)) console.error(fault);
  await browser.close();
  await target.stop();
}
