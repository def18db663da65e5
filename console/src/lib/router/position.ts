// Where a list was left: kept with its entry in the browser's history, so that Back returns to the same rows.

export interface Position {
  top: number;
  /** The row that had the focus. */
  row: number | null;
}

interface Entry {
  /** The address that led here. */
  from?: string | undefined;
  position?: Position | undefined;
}

/** What the present entry of the history remembers. Anything may stand in it: an older version wrote it. */
export function readEntry(state: unknown): Entry {
  if (typeof state !== "object" || state === null) return {};
  const { from, position } = state as Record<string, unknown>;
  return { from: typeof from === "string" ? from : undefined, position: readPosition(position) };
}

function readPosition(value: unknown): Position | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { top, row } = value as Record<string, unknown>;
  if (typeof top !== "number" || !Number.isFinite(top) || top < 0) return undefined;
  return { top, row: typeof row === "number" && Number.isInteger(row) && row >= 0 ? row : null };
}
