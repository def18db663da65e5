import jsQR from "jsqr";
import { describe, expect, test } from "vitest";
import { codeOf, pictureOf } from "$lib/access/factor";

test("a code is six digits, however they are grouped and in whichever script", () => {
  const cases: [string, string | null][] = [
    ["123456", "123456"], ["123 456", "123456"], [" 12-34-56 ", "123456"], ["١٢٣٤٥٦", "123456"], ["۱۲۳۴۵۶", "123456"],
    ["12345", null], ["1234567", null], ["12345a", null], ["", null], ["１２３４５６", null],
  ];
  for (const [typed, code] of cases) expect(codeOf(typed), typed).toBe(code);
});

/** Paints the path as a browser would, eight pixels a module, and reads it with another's reader. */
function readBack(text: string): string | undefined {
  const { size, path } = pictureOf(text);
  const [scale, side] = [8, size * 8];
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(length)) * scale; column++) pixels.fill(0, (row * side + column) * 4, (row * side + column) * 4 + 3);
    }
  }
  return jsQR(pixels, side, side)?.data;
}

describe("a picture says what it was made of", () => {
  const secret = "otpauth://totp/Vigie:person-6431a3a9-218f-8900-a46f-8caac6ec1e75?secret=Y7KO4DHRWXQRZVOECKDJU67F3IAZ255V&issuer=Vigie&algorithm=SHA1&digits=6&period=30";
  test.each(["A", "12345", secret, secret + secret, "é ó ☃ ع"])("%s", (text) => expect(readBack(text)).toBe(text));
  test("with a quiet zone of four modules", () => expect(pictureOf("A").path).not.toMatch(/M[0-3] |M\d+ [0-3]h/));
});
