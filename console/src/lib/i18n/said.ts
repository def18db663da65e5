// The order of what people wrote, in whichever script: Arabic reads from right to left also where it begins with a call sign, and
// call signs, times and coordinates in it read from left to right, each as one piece.

const rtlLetter = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/u;
const letter = /\p{L}/u;
const digit = /\p{N}/u;

/** A piece of a text; `ltr`: it is set apart and reads from left to right. */
export interface Piece {
  text: string;
  ltr: boolean;
}

/** The direction of a text: that of most of its words, where words with a digit (call signs, times, places) do not count. */
export function directionOf(text: string): "rtl" | "ltr" {
  const words = text.split(/\s+/u).filter((word) => letter.test(word) && !digit.test(word));
  const rtl = words.filter((word) => rtlLetter.test(word)).length;
  if (rtl * 2 === words.length) return rtlLetter.test(words[0] ?? text) ? "rtl" : "ltr";
  return rtl * 2 > words.length ? "rtl" : "ltr";
}

/** A text that reads from right to left, cut into what does and what does not. Put together again it is the same text. */
export function pieces(text: string): Piece[] {
  const cut: Piece[] = [];
  // Words of Latin letters and digits with blanks between them are one piece: both numbers of a coordinate, a name of two words.
  const foreign = /(?<![^\s(«"])[^\s\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff(«"]+(?:\s+[^\s\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff(«"]+)*(?![^\s\u060c\u061b\u061f)»"])/gu;
  let end = 0;
  for (const found of text.matchAll(foreign)) {
    const said = found[0].replace(/[.,;:!?)»"\u060c\u061b\u061f]+$/u, "");
    if (!letter.test(said) && !digit.test(said)) continue;
    if (found.index > end) cut.push({ text: text.slice(end, found.index), ltr: false });
    cut.push({ text: said, ltr: true });
    end = found.index + said.length;
  }
  if (end < text.length) cut.push({ text: text.slice(end), ltr: false });
  return cut;
}
