// Keeps in the browser's storage what the desk shows, and clears it: on sign-out, and when the server no longer knows the reader.
import { keptOf, readKept, type KeptDesk } from "./kept";

const storageKey = "vigie.field.kept";

export function keepDesk(...shown: Parameters<typeof keptOf>): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(keptOf(...shown)));
  } catch {
    // Storage refused or full: without a link the desk opens empty.
  }
}

export function keptDesk(now: Date): KeptDesk | null {
  try {
    const kept = readKept(localStorage.getItem(storageKey), now);
    if (!kept) clearKept();
    return kept;
  } catch {
    return null;
  }
}

export function clearKept(): void {
  try {
    localStorage.removeItem(storageKey);
  } catch {
    // Storage refused: nothing was kept.
  }
}
