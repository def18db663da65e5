// A finding's details are sorted for reading, and nothing of them is lost.
import { expect, test } from "vitest";
import { instantOf, readDetail } from "$lib/access/finding";

test("drift names who did it, when, and what differs", () => {
  const detail = readDetail({ differences: [{ what: "entitlement X", ours: "", theirs: "X" }, "odd"], attribution: { actor: "OFFICE\\admin", at: 1_000_000, evidence: "modifiersName" }, reverts: 2 });
  expect(detail.attribution).toEqual({ actor: "OFFICE\\admin", at: "1970-01-01T00:00:01.000Z", evidence: "modifiersName" });
  expect([detail.differences, detail.reverts, detail.facts, detail.rest]).toEqual([[{ what: "entitlement X", ours: "", theirs: "X" }], 2, [], {}]);
  expect(readDetail({ attribution: { actor: null, evidence: "" } }).attribution).toEqual({ actor: null, at: null, evidence: "" });
});

test("a record that waits is told field by field, without what is empty", () => {
  const detail = readDetail({ feed: "hr", line: 7, batch: "batch-1", candidates: ["person-2"], record: { line: 7, digest: "9f", anchor: "P-9", person: { given_name: "Bo", mail: null, aliases: ["b", "o"] } } });
  expect(detail.record).toEqual([["anchor", "P-9"], ["given_name", "Bo"], ["aliases", "b, o"]]);
  expect([detail.line, detail.batch, detail.candidates, detail.facts]).toEqual([7, "batch-1", ["person-2"], [["feed", "hr"]]]);
});

test("what is not known by name is kept as it is", () => {
  const detail = readDetail({ looked: 6, nothing: null, because: "no", more: { deep: [1] } });
  expect([detail.facts, detail.rest]).toEqual([[["looked", "6"], ["because", "no"]], { more: { deep: [1] } }]);
  expect(readDetail("text").facts).toEqual([]);
  expect([instantOf("2026-01-01T00:00:00Z"), instantOf(undefined)]).toEqual(["2026-01-01T00:00:00Z", null]);
});
