// Where the reader is, as a pure reading of the address. All screen state that is worth sharing lives in it.

export const pages = [
  "overview", "field", "ask", "library", "alerts", "incidents", "rules", "coverage", "sources", "access", "ledger", "settings", "login", "setup",
  "wall",
] as const;
export type Page = (typeof pages)[number];

export interface Place {
  page: Page | "unknown";
  /** The record that the page is about: an incident, a rule. */
  id: string | null;
  params: URLSearchParams;
}

export function parsePlace(url: URL): Place {
  const [first = "", second = ""] = url.pathname.split("/").filter((part) => part !== "");
  const page = first === "" ? "overview" : (pages as readonly string[]).includes(first) ? (first as Page) : "unknown";
  return { page, id: second === "" ? null : safeDecode(second), params: url.searchParams };
}

type ParamValue = string | readonly string[] | null | undefined;

/** The address of a page. Empty and absent parameters are left out, so that a plain page has a plain address. */
export function hrefOf(page: Page, id?: string | null, params: Record<string, ParamValue> = {}): string {
  const path = page === "overview" ? "/" : `/${page}${id ? `/${encodeURIComponent(id)}` : ""}`;
  return path + searchText(patchParams(new URLSearchParams(), params));
}

/** A copy of `params` with some replaced; null, empty text and empty lists remove. */
export function patchParams(params: URLSearchParams, patch: Record<string, ParamValue>): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(patch)) {
    next.delete(name);
    const values = value === null || value === undefined ? [] : typeof value === "string" ? [value] : value;
    for (const one of values) if (one !== "") next.append(name, one);
  }
  return next;
}

export function searchText(params: URLSearchParams): string {
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** Where to go after login: only an address of our own, never one that a stranger's link put there. */
export function safeReturn(target: string | null): string {
  return target !== null && /^\/(?![/\\])/.test(target) && !target.startsWith("/login") ? target : "/";
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
