// What Sigma rules call the log of a source, where its records do not say it. Pure.
import type { LogSourceWords } from "$lib/api/types";

const parts = ["product", "category", "service"] as const;
const word = /^[a-z0-9._-]{1,64}$/;

/** The words as the server takes them; null when one of them is no word of a log source. */
export function readLogSource(typed: Record<(typeof parts)[number], string>): LogSourceWords | null {
  const read: LogSourceWords = {};
  for (const part of parts) {
    const text = typed[part].trim().toLowerCase();
    if (text !== "" && !word.test(text)) return null;
    if (text !== "") read[part] = text;
  }
  return read;
}

/** `product=okta, service=okta`; empty when nothing is said. */
export function logSourceText(source: LogSourceWords): string {
  return parts.flatMap((part) => (source[part] ? [`${part}=${source[part]}`] : [])).join(", ");
}
