// KQL in colours without an editor: the compiler's tokens cut the text into pieces. Pure.
import type { Analysis } from "$lib/api/types";

type Token = Analysis["tokens"][number];

export interface Span {
  text: string;
  /** What the compiler takes it for; null between tokens. */
  kind: string | null;
}

/** The whole of `text` in order, nothing lost; tokens that overlap another or leave the text are passed over. */
export function spansOf(text: string, tokens: readonly Token[]): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const { start, end, kind } of [...tokens].sort((a, b) => a.start - b.start)) {
    if (start < at || end <= start || end > text.length) continue;
    if (start > at) spans.push({ text: text.slice(at, start), kind: null });
    spans.push({ text: text.slice(start, end), kind });
    at = end;
  }
  if (at < text.length) spans.push({ text: text.slice(at), kind: null });
  return spans;
}
