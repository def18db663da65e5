// Moving the focus along the rows of a list: `j`, `k`, and `e` to press the row that has it.

function rowsOf(container: HTMLElement): HTMLElement[] {
  return [...container.querySelectorAll<HTMLElement>("[data-row]")];
}

/** The row with the focus, or the row in whose details the focus is. */
function currentIndex(rows: HTMLElement[]): number {
  const active = document.activeElement;
  return rows.findIndex((row) => row === active || (active !== null && row.parentElement?.contains(active)));
}

export function moveFocus(container: HTMLElement | undefined, step: 1 | -1): void {
  if (!container) return;
  const rows = rowsOf(container);
  const at = currentIndex(rows);
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export function pressRow(container: HTMLElement | undefined): void {
  if (!container) return;
  const rows = rowsOf(container);
  rows[currentIndex(rows)]?.click();
}

/** The identity of the row that has the focus. */
export function focusedRow(container: HTMLElement | undefined): string | null {
  if (!container) return null;
  const rows = rowsOf(container);
  return rows[currentIndex(rows)]?.dataset["row"] ?? null;
}
