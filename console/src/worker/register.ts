// Has the browser keep the console's files, so that it opens without a link. Where the browser cannot (no TLS, an old one) the
// console works as before: with a link.

export async function keepForOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    // What was loaded before the worker was there: the reader's language above all.
    const loaded = performance.getEntriesByType("resource").map(({ name }) => new URL(name));
    const parts = loaded.filter(({ origin, pathname }) => origin === location.origin && pathname.startsWith("/assets/")).map(({ href }) => href);
    const kept = await caches.open("vigie-assets");
    const missing = await Promise.all([...new Set(parts)].map(async (href) => ((await kept.match(href)) ? [] : [href])));
    await kept.addAll(missing.flat());
    document.documentElement.dataset["offline"] = "ready";
  } catch {
    // Refused, or out of room: the console opens with a link only.
  }
}
