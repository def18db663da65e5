// A name that nobody else gives: of an act, of a window. Also where the page has no TLS, and so no `randomUUID`.
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
