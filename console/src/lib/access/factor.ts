// Codes of an authenticator, and the picture by which it learns its secret. Pure.
import { encode } from "uqr";

/** The digits of the scripts in which our readers type: Latin, Arabic-Indic, and their eastern forms. */
const zeros = [0x30, 0x660, 0x6f0];

function digitOf(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  const zero = zeros.find((from) => point >= from && point <= from + 9);
  return zero === undefined ? character : String(point - zero);
}

/** Six digits out of what was typed, blanks and hyphens left out; null: it is no code yet. */
export function codeOf(text: string): string | null {
  const plain = [...text.replace(/[\s-]/g, "")].map(digitOf).join("");
  return /^\d{6}$/.test(plain) ? plain : null;
}

export interface Picture {
  /** Modules on a side, the quiet zone of four included (ISO/IEC 18004, 6.3.8). */
  size: number;
  /** An SVG path in which each dark module is a square of one unit. */
  path: string;
}

const QUIET = 4;

/** `text` as a QR code that survives a scratched screen: 15 % of it may be unreadable. */
export function pictureOf(text: string): Picture {
  const { data, size } = encode(text, { ecc: "M", border: QUIET });
  const runs = data.flatMap((row, y) => runsOf(row).map(([from, length]) => `M${from} ${y}h${length}v1h-${length}z`));
  return { size, path: runs.join("") };
}

/** Where dark modules stand side by side: one shape each, so that no hairline shows between them. */
function runsOf(row: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = [];
  row.forEach((dark, x) => {
    const last = runs.at(-1);
    if (!dark) return;
    if (last && last[0] + last[1] === x) last[1] += 1;
    else runs.push([x, 1]);
  });
  return runs;
}
