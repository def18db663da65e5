// The service worker: opens the console when its server cannot be reached. It keeps the console's own files and nothing else: no
// answer of the API ever passes through it. Its text holds the digest of the files, so it is a new one whenever they are.

/** What the build writes in: a digest of all files, and the files without which nothing opens. */
declare const __VERSION__: string;
declare const __FILES__: string[];

/** As much of the worker's scope as is used here; the types of a page know none of it. */
interface Scope {
  addEventListener(name: "install" | "activate", listener: (event: { waitUntil: (done: Promise<unknown>) => void }) => void): void;
  addEventListener(name: "fetch", listener: (event: { request: Request; respondWith: (answer: Promise<Response>) => void }) => void): void;
  clients: { claim: () => Promise<void> };
}
const scope = self as unknown as Scope;

const shell = `vigie-shell-${__VERSION__}`;
/** Names under `assets/` carry a digest of their content: what is kept under one is right for ever. */
const assets = "vigie-assets";
/** A link that has not answered by then is as good as none: the page that is here is shown. */
const patience_ms = 4_000;

scope.addEventListener("install", (event) => event.waitUntil(fill()));
scope.addEventListener("activate", (event) => event.waitUntil(clear().then(() => scope.clients.claim())));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (pathname.startsWith("/assets/")) event.respondWith(asset(request));
  else if (__FILES__.includes(pathname)) event.respondWith(file(request));
});

async function fill(): Promise<void> {
  const fixed = await caches.open(shell);
  await fixed.addAll(["/", ...__FILES__.filter((path) => !path.startsWith("/assets/"))].map((path) => new Request(path, { cache: "reload" })));
  await (await caches.open(assets)).addAll(__FILES__.filter((path) => path.startsWith("/assets/")));
}

/** Pages of the version before may still be open; when this runs, none is. */
async function clear(): Promise<void> {
  const names = await caches.keys();
  const stale = names.filter((name) => name.startsWith("vigie-") && name !== shell && name !== assets);
  await Promise.all(stale.map((name) => caches.delete(name)));
  if (stale.length === 0) return;
  // Parts of another version: what this one still needs comes again when it is next opened.
  const kept = await caches.open(assets);
  const needed = new Set(__FILES__);
  const old = (await kept.keys()).filter(({ url }) => !needed.has(new URL(url).pathname));
  await Promise.all(old.map((request) => kept.delete(request)));
}

/** The newest page that can be had; the kept one when the server does not answer in time. */
async function page(request: Request): Promise<Response> {
  const kept = await caches.match("/", { cacheName: shell });
  if (!kept) return fetch(request);
  const late = new Promise<Response>((answer) => setTimeout(() => answer(kept.clone()), patience_ms));
  const asked = fetch(request).then((answer) => (answer.ok ? answer : kept.clone()));
  return Promise.race([asked, late]).catch(() => kept);
}

async function asset(request: Request): Promise<Response> {
  const cache = await caches.open(assets);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

async function file(request: Request): Promise<Response> {
  return fetch(request).catch(async (error: unknown) => {
    const kept = await caches.match(request, { cacheName: shell });
    if (kept) return kept;
    throw error;
  });
}
