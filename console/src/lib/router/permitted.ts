// Which pages there are for whom: what the server would refuse is not offered.
import type { Page } from "./place";

/** The action that opens each page; any of several will do. Pages that are not here are for everybody. */
const needs: Partial<Record<Page, readonly string[]>> = {
  overview: ["read-overview"],
  field: ["read-field", "read-own-field"],
  ask: ["query"],
  library: ["query"],
  alerts: ["read-alerts"],
  incidents: ["read-incidents"],
  rules: ["read-rules"],
  coverage: ["read-rules"],
  sources: ["read-sources"],
  ledger: ["read-ledger"],
  wall: ["read-field"],
};

export const isPermitted = (page: Page, can: (action: string) => boolean): boolean => needs[page]?.some(can) ?? true;

/** Where somebody begins: the overview, or the first page that is theirs. */
export function firstPage(can: (action: string) => boolean): Page {
  const inOrder: Page[] = ["overview", "field", "alerts", "ask", "ledger", "access"];
  return inOrder.find((page) => isPermitted(page, can)) ?? "settings";
}
