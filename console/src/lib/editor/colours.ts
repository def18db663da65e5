// Colours from the compiler's tokens. They move with the text until the next answer comes.
import { StateEffect, StateField, type Range, type TransactionSpec } from "@codemirror/state";
import { Decoration, EditorView, type DecorationSet } from "@codemirror/view";
import type { Analysis } from "$lib/api/types";

type Token = Analysis["tokens"][number];
const recolour = StateEffect.define<DecorationSet>();
const marks = new Map<string, Decoration>();

export const colours = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(now, transaction) {
    for (const effect of transaction.effects) if (effect.is(recolour)) return effect.value;
    return transaction.docChanged ? now.map(transaction.changes) : now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function setColours(tokens: readonly Token[], length: number): TransactionSpec {
  const ranges: Range<Decoration>[] = tokens
    .filter((token) => token.start < token.end && token.end <= length)
    .map((token) => markOf(token.kind).range(token.start, token.end));
  return { effects: recolour.of(Decoration.set(ranges, true)) };
}

function markOf(kind: string): Decoration {
  let mark = marks.get(kind);
  if (mark === undefined) marks.set(kind, (mark = Decoration.mark({ class: `tok-${kind}` })));
  return mark;
}
