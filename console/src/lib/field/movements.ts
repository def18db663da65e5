// Whose movements, since when, and the address of a track as a file. Pure.

/** Days that a list goes back. */
export const spans = [1, 7, 30, 365] as const;

/** `vehicle:UN-1` as the two parts of a question; nobody in particular for anything else. */
export function holderOf(text: string): { holder_kind: string; holder: string } | Record<string, never> {
  const at = text.indexOf(":");
  return at > 0 && at < text.length - 1 ? { holder_kind: text.slice(0, at), holder: text.slice(at + 1) } : {};
}

/** The beginning of the day so many days ago, so that the question stays the same while the page is read. */
export function sinceDays(days: number, now: Date): string {
  const day = new Date(now.getTime() - days * 86_400_000);
  return `${day.toISOString().slice(0, 10)}T00:00:00Z`;
}

export function trackHref(format: "gpx" | "kml" | "geojson", { from, holder_kind, holder }: { from: string; holder_kind?: string; holder?: string }): string {
  const query = new URLSearchParams({ format, from });
  if (holder_kind && holder) {
    query.set("holder_kind", holder_kind);
    query.set("holder", holder);
  }
  return `/api/v1/courier/tracks?${query}`;
}
