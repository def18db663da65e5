// What is offered to whom.
import { expect, test } from "vitest";
import { sectionsOf } from "$lib/field/sections";
import { firstPage, isPermitted } from "$lib/router/permitted";

const who =
  (...actions: string[]) =>
  (action: string) =>
    actions.includes(action);

test("a partner begins at the headcount of their own people, and is offered nothing that the server refuses", () => {
  const partner = who("read-own-field", "break-glass");
  expect(firstPage(partner)).toBe("field");
  expect(sectionsOf(partner("read-field")).map(({ id }) => id)).toEqual(["headcount", "people"]);
  expect((["overview", "ask", "alerts", "ledger", "wall"] as const).filter((page) => isPermitted(page, partner))).toEqual([]);
  expect(isPermitted("settings", partner)).toBe(true);
});

test("everybody else begins at the overview", () => {
  expect(firstPage(who("read-overview", "read-field"))).toBe("overview");
  expect(sectionsOf(true)[0]?.id).toBe("");
});
