import { expect, test } from "vitest";
import { directionOf, pieces } from "$lib/i18n/said";

test.each([
  ["BF11 وصلت إلى جسر كومورو مع UN-1 في 14:25", "rtl"],
  ["BF11 BF12 RL3 وصلت", "rtl"],
  ["Comoro bridge is closed (جسر كومورو)", "ltr"],
  ["All quiet at 14:25", "ltr"],
  ["جسر Comoro", "rtl"],
  ["Comoro جسر", "ltr"],
  ["-8.55 125.57", "ltr"],
  ["", "ltr"],
])("%s reads %s", (text, direction) => {
  expect(directionOf(text)).toBe(direction);
});

test.each([
  ["BF11 وصلت إلى كومورو مع UN-1.", ["BF11", "UN-1"]],
  ["المركبة BF12 متوقفة عند -8.55 125.57 والجميع بخير", ["BF12", "-8.55 125.57"]],
  ["وصلت (BF11, BF12) في 14:25، وتوقفت", ["BF11, BF12", "14:25"]],
  ["أقرب مستشفى: Guido Valadares؟", ["Guido Valadares"]],
  ["كل شيء بخير", []],
  ["الحالة - جيدة", []],
  ["رقم +670 7700 0001", ["+670 7700 0001"]],
])("%s sets apart what reads from left to right", (text, apart) => {
  const cut = pieces(text);
  expect(cut.filter(({ ltr }) => ltr).map(({ text: one }) => one)).toEqual(apart);
  expect(cut.map(({ text: one }) => one).join(""), "nothing is lost").toBe(text);
});
