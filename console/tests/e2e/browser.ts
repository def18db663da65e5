// A browser and a server to drive: the real one when `VIGIE_URL` is set, else the mock beside it.
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { existsSync } from "node:fs";

export interface Target {
  url: string;
  user: string;
  password: string;
  setupUrl: string | null;
  mock: boolean;
  raise: (() => void) | null;
  stop: () => Promise<void>;
}

const flags = [
  "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export async function openTarget(): Promise<Target> {
  const url = process.env["VIGIE_URL"];
  if (url !== undefined && url !== "") {
    return {
      url: url.replace(/\/$/, ""),
      user: required("VIGIE_USER"),
      password: required("VIGIE_PASSWORD"),
      setupUrl: process.env["VIGIE_SETUP_URL"] || null,
      mock: false,
      raise: null,
      stop: async () => {},
    };
  }
  const { start, credentials, setupPath } = await import("../mock/server.mjs");
  const server = await start();
  return { ...credentials, url: server.url, setupUrl: server.url + setupPath, mock: true, raise: server.raise, stop: server.stop };
}

export function openBrowser(): Promise<Browser> {
  const candidates = [process.env["VIGIE_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = candidates.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined) throw new Error("no Chromium: install the package `chromium` or set VIGIE_CHROMIUM to its path");
  return chromium.launch({ executablePath, args: flags });
}

export interface Look {
  theme: "light" | "dark";
  language: "en" | "fr" | "es" | "pt" | "ar" | "tet";
}

/** A fresh context with a look, and with a service worker only where that is what is tested; every message of the content policy and every error of a script is collected. */
export async function openContext(browser: Browser, look: Look, size = { width: 1440, height: 900 }, keepsFiles = false): Promise<{ context: BrowserContext; faults: string[] }> {
  const context = await browser.newContext({
    serviceWorkers: keepsFiles ? "allow" : "block",
    viewport: size, colorScheme: look.theme, locale: look.language, reducedMotion: "reduce", ignoreHTTPSErrors: true, permissions: ["clipboard-read", "clipboard-write"],
  });
  const faults: string[] = [];
  await context.addInitScript((language) => {
    // Also runs in the empty page before the first address, which has no storage.
    if (location.protocol.startsWith("http")) localStorage.setItem("vigie.language", language);
  }, look.language);
  context.on("weberror", (error) => faults.push(`error: ${error.error().message}`));
  context.on("console", (message) => {
    // An answer of 401 before sign-in is what the console expects; the browser prints it all the same.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  return { context, faults };
}

/** The session of an earlier sign-in to the same target: one a file, so that the server's limit on tries is respected. */
const sessions = new WeakMap<Target, Awaited<ReturnType<BrowserContext["cookies"]>>>();

export async function signIn(page: Page, target: Target): Promise<void> {
  const before = sessions.get(target);
  if (before) {
    await page.context().addCookies(before);
    await page.goto(`${target.url}/`);
    await page.locator("nav").waitFor();
    return;
  }
  await page.goto(`${target.url}/login`);
  await page.locator("input[autocomplete=username]").fill(target.user);
  await page.locator("input[autocomplete=current-password]").fill(target.password);
  await page.keyboard.press("Enter");
  await page.locator("nav").waitFor();
  sessions.set(target, await page.context().cookies());
}

/** Nothing is on its way any more. */
export async function settle(page: Page): Promise<void> {
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => document.querySelector(".loading, .wait") === null);
  await page.evaluate(() => document.fonts.ready);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`VIGIE_URL is set, so ${name} must be, too`);
  return value;
}
