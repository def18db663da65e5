import { expect, test } from "vitest";
import { asOfText, downMinutes, downText, linkTone, tellingOf } from "$lib/field/link";

const now = new Date("2026-11-30T14:03:59Z");
const peer = { node: "HQ", state: "up", heard: "2026-11-30T13:51:00.000000Z", as_of: "2026-11-30T13:50:00.000000Z", silent_min: 12, behind: 0, owed: 3, problem: null };

test("an age names the day when it is not today's", () => {
  expect(asOfText("2026-11-30T00:00:00.000000Z", now)).toBe("00:00Z");
  expect(asOfText("2026-11-29T23:59:59.000000Z", now)).toBe("11-29 23:59Z");
});

test("minutes of a link that is down go on while nobody asks, and never go back", () => {
  expect(downMinutes(peer, now)).toBeNull();
  const down = { ...peer, state: "down" };
  expect(downMinutes(down, now)).toBe(12);
  expect(downMinutes(down, new Date("2026-11-30T14:51:00Z"))).toBe(60);
  expect(downMinutes(down, new Date("2026-11-30T13:00:00Z")), "a browser's clock that is late").toBe(12);
  expect(downMinutes({ ...down, heard: null }, now)).toBeNull();
});

test("long silences are told in two units, rounded down", () => {
  const cases: [number, string][] = [[0, "0 min"], [179, "179 min"], [180, "3 hr 0 min"], [2879, "47 hr 59 min"], [2880, "2 days 0 hr"], [10_139, "7 days 0 hr"]];
  for (const [minutes, text] of cases) expect(downText(minutes, "en-US")).toBe(text);
});

test("a refusal is a warning although the link is up", () => {
  expect(["up", "down", "unheard"].map((state) => linkTone({ ...peer, state }))).toEqual(["good", "bad", "bad"]);
  expect(linkTone({ ...peer, problem: "entry 7 does not follow" })).toBe("warn");
});

test("what a node told is read by its kind, and whatever is strange by its subject", () => {
  const told = (kind: string, body: unknown) => tellingOf({ node: "HQ", kind, subject: "7", time: "2026-11-30T13:51:00.000000Z", body: body as never });
  expect(told("mission", { label: "M-0007", title: "Vaccine run", leader: "BA21", last_place: null, state: "en-route", contact: "overdue" })).toEqual({ label: "M-0007", words: "Vaccine run · BA21", state: ["mission.state", "en-route"], worrying: true });
  expect(told("incident", { label: "INC-3", who: "BA21", place: null, what: "blocked", severity: "low", closed: null }).worrying).toBe(false);
  expect(told("incident", { label: "INC-3", severity: "high", closed: "2026-11-30T13:51:00Z" }).state).toEqual(["alarm.state", "closed"]);
  for (const body of [null, [], "text", { label: 4, state: {} }, { title: ["x"] }]) {
    for (const kind of ["mission", "alarm", "log", "position", "distress", "something-new"]) expect(told(kind, body).label).toMatch(/7|4/);
  }
});
