// What the Access desk's pages work out for themselves.
import { expect, test } from "vitest";
import { alsoLost, askedNow, countsOf, documentsOf, endOfDay, isAsked, keyOf, nextOpen, progressOf, takesMore, toneOf } from "$lib/access/desk";
import type { AccessRequest, Activation, ReviewItem } from "$lib/access/duties";

const item = (id: string, state: string, also_loses: string[] = []) => ({ id, state, sources: [{ way: [], origins: [], also_loses, nesting_reaches: null }] }) as unknown as ReviewItem;

test("the work goes on at the next open item, and from the top when none is left below", () => {
  const items = [item("a", "open"), item("b", "kept"), item("c", "open"), item("d", "removed")];
  expect(nextOpen(items, null)?.id).toBe("a");
  expect(nextOpen(items, "a")?.id).toBe("c");
  expect(nextOpen(items, "c")?.id).toBe("a");
  expect(nextOpen([item("a", "open"), item("b", "kept")], "a")).toBeNull();
  expect(progressOf(items)).toEqual({ decided: 2, total: 4 });
});

test("what goes with an access is named once", () => {
  expect(takesMore(item("a", "open"))).toBe(false);
  const sources = [...item("a", "open", ["x", "y"]).sources, ...item("b", "open", ["x"]).sources];
  expect(alsoLost(sources)).toEqual(["x", "y"]);
});

test("who is asked now is the holder of each undecided seat of the open stage", () => {
  const seat = (turn: number, decided: boolean) => ({ candidates: [{ person: "p", via: "function" }, { person: "q", via: "fallback" }], turn, decision: decided ? {} : null });
  const request = { stages: [{ state: "agreed", seats: [seat(0, true)] }, { state: "open", seats: [seat(1, false), seat(0, true), seat(9, false)] }] } as unknown as AccessRequest;
  expect(askedNow(request).map(({ person }) => person)).toEqual(["q"]);
  const activation = { state: "waiting", candidates: [{ person: "p", via: "function" }] } as unknown as Activation;
  expect([isAsked(activation, "p"), isAsked(activation, "q"), isAsked({ ...activation, state: "active" }, "p")]).toEqual([true, false, false]);
});

test("a suggestion becomes a role and the rule that gives it", () => {
  const text = documentsOf({ grants: ["ad/FIN-Read"], people: 3, terms: [{ attribute: "engagement.job", value: "Chef d'équipe" }], precision: 1, recall: 1, role: null }, "P-1");
  expect(text).toContain("[role.chef-d-equipe]");
  expect(text).toContain('when = "engagement.job == \'Chef d\\\\\'équipe\'"');
  expect(documentsOf({ grants: ["ad/X"], people: 3, terms: [], precision: null, recall: null, role: null }, "P-1")).not.toContain("[rule.");
});

test("days, keys, tones and counts", () => {
  expect(endOfDay("2026-11-30")).toBe("2026-11-30T23:59:59.000000Z");
  expect(endOfDay("30.11.2026")).toBeNull();
  expect(keyOf("Équipe  finance!")).toBe("equipe-finance");
  expect(["healthy", "held", "not-revoked", "gone"].map(toneOf)).toEqual(["good", "warn", "bad", "calm"]);
  expect(countsOf({ people: 2, create: 0, revoked: 3 })).toEqual([["people", 2], ["revoked", 3]]);
});
