// Which rows and columns are on screen. Pure arithmetic, so that 100,000 rows cost what 40 do.

export interface Span {
  first: number;
  /** Exclusive. */
  end: number;
}

/** The rows in view with some beyond either edge. */
export function rowWindow(scroll: number, height: number, row: number, count: number, overscan = 8): Span {
  const first = Math.max(0, Math.floor(scroll / row) - overscan);
  const end = Math.min(count, Math.ceil((scroll + height) / row) + overscan);
  return { first: Math.min(first, Math.max(0, end)), end: Math.max(0, end) };
}

/** Where each column starts, and where the last one ends. */
export function offsetsOf(widths: readonly number[]): number[] {
  const offsets = [0];
  for (const width of widths) offsets.push((offsets[offsets.length - 1] ?? 0) + width);
  return offsets;
}

/** The columns in view. */
export function columnWindow(scroll: number, width: number, offsets: readonly number[], overscan = 2): Span {
  const count = offsets.length - 1;
  if (count <= 0) return { first: 0, end: 0 };
  const first = Math.max(0, lastAtOrBefore(offsets, scroll) - overscan);
  const end = Math.min(count, lastAtOrBefore(offsets, scroll + width) + 1 + overscan);
  return { first: Math.min(first, count - 1), end };
}

/** The greatest index whose offset is not beyond `at`. */
function lastAtOrBefore(offsets: readonly number[], at: number): number {
  let [low, high] = [0, offsets.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The scroll position that brings `start..end` into view with the least movement. */
export function scrollInto(scroll: number, view: number, start: number, end: number): number {
  if (start < scroll) return start;
  if (end > scroll + view) return Math.max(0, end - view);
  return scroll;
}
