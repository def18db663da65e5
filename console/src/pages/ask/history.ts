// What was asked before. Pure on the list; the storage is at the edge. Only the questions are kept, never the answers.

export interface Asked {
  text: string;
  /** ISO 8601. */
  at: string;
  rows: number | null;
  elapsed_ms: number | null;
}

const most = 100;

/** The list with one more at its head. The same question again moves up instead of filling the list. */
export function remember(list: readonly Asked[], asked: Asked): Asked[] {
  const text = asked.text.trim();
  return [{ ...asked, text }, ...list.filter((one) => one.text !== text)].slice(0, most);
}

/** What the storage holds, as far as it can be read. */
export function parseHistory(json: string | null): Asked[] {
  try {
    const value: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(value) ? value.filter(isAsked) : [];
  } catch {
    return [];
  }
}

function isAsked(value: unknown): value is Asked {
  return typeof value === "object" && value !== null && "text" in value && typeof value.text === "string" && "at" in value;
}

const keyOf = (user: string): string => `vigie.history.${user}`;

export function loadHistory(user: string): Asked[] {
  try {
    return parseHistory(localStorage.getItem(keyOf(user)));
  } catch {
    return []; // Storage refused: the history lasts as long as the page.
  }
}

export function storeHistory(user: string, list: readonly Asked[]): void {
  try {
    localStorage.setItem(keyOf(user), JSON.stringify(list));
  } catch {
    // Storage refused or full: the history lasts as long as the page.
  }
}
