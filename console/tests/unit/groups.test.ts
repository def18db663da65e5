// What may be ordered of a group, and which groups a view shows.
import { expect, test } from "vitest";
import { daysToRestore, groupsIn, nameOfGroup, ordersOf, type Group, type GroupLife } from "$lib/access/groups";

const now = Date.parse("2026-11-30T12:00:00Z");
const group = (more: Partial<Group> = {}): Group => ({ id: "g", system: "ad", name: "FIN-Read", title: null, kind: "group", native_id: null, owner: "P-1", privileged: false, direct: 1, effective: 1, parents: [], children: [], cycle: [], last_use: null, life: null, gone: null, ...more });
const life = (state: GroupLife["state"], restore_until: string | null = null): GroupLife => ({ state, reason: "", members: 0, changed: "", changed_by: "", restore_until, version: 1 });

test("each state offers its orders, and the days of a way back end", () => {
  const orders = (state: GroupLife["state"], until?: string) => ordersOf(group({ life: life(state, until ?? null) }), now).join();
  expect(ordersOf(group(), now)).toEqual(["propose"]);
  expect([orders("proposed"), orders("disabling"), orders("disabled"), orders("removed"), orders("kept")]).toEqual(["keep,disable", "disable,restore", "remove,restore", "restore", "propose"]);
  expect(orders("removed", "2026-11-30T11:59:59Z")).toBe("");
  expect(orders("removed", "2026-12-01T12:00:00Z")).toBe("restore");
  expect(daysToRestore(life("removed", "2026-12-02T13:00:00Z"), now)).toBe(2);
  expect(daysToRestore(life("removed", "2026-11-01T13:00:00Z"), now)).toBe(0);
  expect(daysToRestore(life("kept", "2026-12-02T13:00:00Z"), now)).toBeNull();
});

test("views and words narrow the list", () => {
  const all = [group(), group({ id: "h", name: "Équipe", owner: null, effective: 0 }), group({ id: "i", name: "Loop", cycle: ["ad/Loop"], life: life("disabled") })];
  const ids = (view: Parameters<typeof groupsIn>[1], text = "") => groupsIn(all, view, text).map(({ id }) => id).join();
  expect([ids("all"), ids("going"), ids("circle"), ids("ownerless"), ids("empty"), ids("privileged")]).toEqual(["g,h,i", "i", "i", "h", "h", ""]);
  expect([ids("all", "equipe"), ids("all", " p-1 "), ids("ownerless", "loop")]).toEqual(["h", "g,i", ""]);
  expect(nameOfGroup(all[0] as Group)).toBe("ad/FIN-Read");
});
