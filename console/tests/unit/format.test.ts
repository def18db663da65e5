import { expect, test } from "vitest";
import { bytesText, durationText, fill, parseInstant, relativeText, utcShort, utcText } from "$lib/i18n/format";

const date = new Date("2026-11-21T14:03:22Z");

test("instants are shown in UTC, and the day is left out only today", () => {
  expect(utcText(date)).toBe("2026-11-21 14:03:22");
  expect(utcShort(date, new Date("2026-11-21T23:59:59Z"))).toBe("14:03:22");
  expect(utcShort(date, new Date("2026-11-22T00:00:00Z"))).toBe("11-21 14:03:22");
});

test.each([
  ["2026-11-21T14:03:22.1234567Z", "2026-11-21T14:03:22.123Z"],
  ["2026-11-21T14:03:22.000000Z", "2026-11-21T14:03:22.000Z"],
  ["0001-01-01T00:00:00.0000000Z", "0001-01-01T00:00:00.000Z"],
  ["yesterday", null],
])("%s is %s", (text, iso) => expect(parseInstant(text)?.toISOString() ?? null).toBe(iso));

test("ages and lengths are said in the reader's words", () => {
  expect(relativeText(date, new Date("2026-11-21T14:06:22Z"), "en")).toMatch(/3 min/);
  expect(relativeText(date, new Date("2026-11-21T14:06:22Z"), "fr")).toMatch(/il y a 3/);
  expect(durationText(1400, "en")).toBe("1.4 sec");
  expect(durationText(7_200_000, "en")).toBe("2 hr");
  expect(bytesText(1_400_000, "en")).toBe("1.4 MB");
  expect(bytesText(0, "en")).toBe("0 byte");
});

test("parameters are filled in, numbers as the language writes them", () => {
  expect(fill("{count} of {name}", { count: 12345, name: "{x}" }, "en")).toBe("12,345 of {x}");
  expect(fill("{count}", { count: 12345 }, "ar-u-nu-latn")).toContain("12");
  expect(fill("{unknown}", {}, "en")).toBe("{unknown}");
});
