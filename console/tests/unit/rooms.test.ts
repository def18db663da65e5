// The pure parts of the rooms behind the desk.
import { expect, test } from "vitest";
import type { CountedPerson, DutyEntry, FieldAlarm, FieldPosition, RegisterRecord } from "$lib/api/types";
import { staleness, wallAlarms, wallClock } from "$lib/field/board";
import { ring } from "$lib/map/unwrapped";
import { boundsOf, circleOf, circles, findPlaces, gazetteer, shapes } from "$lib/field/geo";
import { byConcern } from "$lib/field/headcount";
import { answerLine, callLine, countLine, incidentLine, timedLine } from "$lib/field/line";
import { minutesText, placeOf, spotOf } from "$lib/field/place";
import { alreadyEntered, readQueue } from "$lib/field/queue";

test.each<[string, string]>([
  [incidentLine({ who: "833", where: "comoro", what: "carjack", severity: "high" }), "inc 833 where:comoro what:carjack sev:high"],
  [incidentLine({ who: "", where: "  the old\n bridge ", what: "", severity: "" }), "inc where:the old bridge"],
  // A form cannot smuggle another part into the line.
  [incidentLine({ who: "833", where: "gate what:nothing", what: "shots", severity: "low" }), "inc 833 where:gate what nothing what:shots sev:low"],
  [countLine({ scope: "all" }), "hc start all"],
  [countLine({ scope: "zone", key: "4" }), "hc start zone 4"],
  [answerLine("P-7", "safe", ""), "hc P-7 safe"],
  [answerLine("P-7", "help", " 3621 "), "hc P-7 help by 3621"],
  [callLine("14", "not-heard"), "rc 14-"],
  [callLine("15", "by-phone"), "rc 15="],
  [callLine("11", "heard"), "rc 11"],
])("a form writes %s", (line, expected) => expect(line).toBe(expected));

test.each([
  ["bf11 ok", "bf11 ok 0605z"],
  ["bf11 arr same 1425", "bf11 arr same 1425"],
  ["bf11 arr same 0425z", "bf11 arr same 0425z"],
  ["rc 11 12 1425", "rc 11 12 1425 at 0605z"],
  ["rc 11 at 0600z", "rc 11 at 0600z"],
  ["inc 833 where:comoro", "inc 833 where:comoro 0605z"],
])("typed without a link, `%s` says when", (line, expected) => expect(timedLine(line, new Date("2026-11-21T06:05:59Z"))).toBe(expected));

const entry = (line: string, entered: string) => ({ line, entered }) as DutyEntry;
const queued = { key: "k", line: "bf11 ok 0605z", typed: "bf11 ok", at: "2026-11-21T06:05:00Z" };
test.each<[string, DutyEntry[], boolean]>([
  ["nothing like it", [entry("bf12 ok", "2026-11-21T06:05:01Z")], false],
  ["the same line, taken while the answer was lost", [entry("bf11 ok", "2026-11-21T06:05:01Z")], true],
  ["what was sent from the queue", [entry("bf11 ok 0605z", "2026-11-21T08:00:00Z")], true],
  ["the same words of an earlier hour", [entry("bf11 ok", "2026-11-21T05:05:00Z")], false],
  ["the same words of a later hour", [entry("bf11 ok", "2026-11-21T07:05:00Z")], false],
])("a queued line and a log with %s", (_, entries, known) => expect(alreadyEntered(queued, entries)).toBe(known));

test.each([[null], [""], ["{"], ["7"], ['[{"key":"k"}]'], ["[null]"]])("a kept queue of %s is an empty one", (text) => expect(readQueue(text)).toEqual([]));
test("a kept queue is read back", () => expect(readQueue(JSON.stringify([queued]))).toEqual([queued]));

test("the wall shows no silent alarm and no closed one", () => {
  const alarm = (changes: Partial<FieldAlarm>) => ({ id: "a", kind: "sos", state: "open", silent: false, ...changes }) as FieldAlarm;
  expect(wallAlarms([alarm({ silent: true }), alarm({ kind: "duress" }), alarm({ state: "closed" }), alarm({ id: "b" })]).map(({ id }) => id)).toEqual(["b"]);
  const missed = (minute: number) => `2026-11-21T12:0${minute}:00Z`;
  const many = [alarm({ id: "old", kind: "off-route", missed: missed(1) }), alarm({ id: "taken", kind: "sos", state: "acknowledged", missed: missed(9) }), alarm({ id: "sos-1", kind: "sos", missed: missed(2) }), alarm({ id: "sos-2", kind: "sos", missed: missed(3) })];
  expect(wallAlarms(many).map(({ id }) => id)).toEqual(["sos-2", "sos-1", "old", "taken"]);
});

test.each([
  [null, 0, true],
  [1_000_000 - 59_000, 0, false],
  [1_000_000 - 61_000, 1, true],
  [1_000_000 - 600_000, 10, true],
  [1_000_900, 0, false],
])("a board read at %s", (read_ms, minutes, stale) => expect(staleness(read_ms, 1_000_000)).toEqual({ minutes, stale }));
test("the wall's clock is the duty station's, whatever the browser's zone; an unknown zone is UTC", () => {
  expect(wallClock(new Date("2026-11-21T06:05:00Z"), "Asia/Dili", "en-GB")).toBe("15:05");
  expect(wallClock(new Date("2026-11-21T06:05:00Z"), "Nowhere/At-all", "en-GB")).toBe("06:05");
});

test("who must be seen to stands first", () => {
  const one = (name: string, safety: string, duress = false) => ({ name, safety, duress }) as CountedPerson;
  const people = [one("E", "safe"), one("D", "unknown"), one("B", "needs-help"), one("C", "unknown"), one("A", "safe", true)];
  expect(byConcern(people).map(({ name }) => name).join("")).toBe("ABCDE");
});

const record = (key: string, fields: Record<string, string>) => ({ key, fields, version: 1, updated: "", retired: null, doubts: [] }) as RegisterRecord;
const fix = (changes: Partial<FieldPosition>) => ({ holder_kind: "vehicle", holder: "UN-1", sign: null, name: "Van", trust: "good", fix: "2026-11-21T06:00:00Z", latitude: -8.5, longitude: 125.5, accuracy_m: 10, mission: null, ...changes }) as FieldPosition;

test("a report is where its place is, else where whoever is involved was last", () => {
  const premises = [record("BRIDGE", { name: "Comoro bridge", latitude: "-8.556", longitude: "125.535" }), record("HALF", { name: "Half", latitude: "1", longitude: "" })];
  const report = { place: "comoro BRIDGE", mission: null, vehicles: ["UN-1"], people: [] };
  const fixes = [fix({ trust: "quarantined", latitude: 1 }), fix({ latitude: -8.1 }), fix({ latitude: -8.2, fix: "2026-11-21T06:30:00Z" }), fix({ holder: "UN-7", latitude: 7 })];
  expect(placeOf(report, premises, fixes).map(({ latitude }) => latitude)).toEqual([-8.556, -8.2, -8.1]);
  expect(placeOf({ ...report, place: "half" }, premises, []).length, "half a place is none").toBe(0);
  expect(spotOf(record("X", { latitude: "north", longitude: "2" }))).toBeNull();
});

test.each([[0.2, "1 min"], [12.4, "12 min"], [59.7, "1 h 00"], [125, "2 h 05"]])("%s minutes to drive", (minutes, text) =>
  expect(minutesText(minutes, "fr").replace(/\u202f|\u00a0/g, " ")).toBe(text),
);

test("a circle is everywhere as far from its middle as it says", () => {
  const middle = { latitude: -8.55, longitude: 125.57 };
  const radians = (value: number) => (value * Math.PI) / 180;
  for (const radius_m of [100, 1_500, 10_000]) {
    for (const [longitude = 0, latitude = 0] of circleOf(middle, radius_m).coordinates[0] ?? []) {
      // The haversine, which the circle was not drawn with.
      const half = Math.sin(radians(latitude - middle.latitude) / 2) ** 2 + Math.cos(radians(latitude)) * Math.cos(radians(middle.latitude)) * Math.sin(radians(longitude - middle.longitude) / 2) ** 2;
      expect(Math.abs(2 * 6_371_008.8 * Math.asin(Math.sqrt(half)) - radius_m)).toBeLessThan(0.01 * radius_m);
    }
  }
});

test("what is in quarantine is not on the map, and what has no shape is not drawn", () => {
  const fixes = [fix({ trust: "quarantined", latitude: 0, longitude: 0 }), fix({ sign: "BF11" })];
  expect(circles(fixes).features.length).toBe(1);
  expect(gazetteer([], [], fixes).map(({ key }) => key)).toEqual(["BF11"]);
  const drawn = shapes([record("A", { shape: '{"type":"Point","coordinates":[1,2]}', kind: "site" }), record("B", { shape: "POLYGON(" }), record("C", {})], 200);
  expect(drawn.features.map(({ properties }) => properties)).toEqual([{ key: "A", kind: "site", width_m: 200, closed: false }]);
});

test("the gazetteer finds by code name first and by name", () => {
  const places = gazetteer([record("BRIDGE", { name: "Comoro bridge", latitude: "1", longitude: "2" }), record("COM-1", { name: "Warehouse", latitude: "1", longitude: "2" })], [], []);
  expect(findPlaces(places, "com").map(({ key }) => key)).toEqual(["COM-1", "BRIDGE"]);
  expect(findPlaces(places, "  ")).toEqual([]);
  expect(boundsOf([])).toBeNull();
});

test("the first view is of what lies together", () => {
  const at = (latitude: number, longitude: number) => ({ latitude, longitude });
  const town = [at(-8.5, 125.5), at(-8.6, 125.6), at(-8.4, 125.7)];
  expect(boundsOf([...town, at(1, 1)])).toEqual(boundsOf(town));
  expect(boundsOf([at(-8.5, 125.5), at(46.2, 6.1)])?.map(Math.round)).toEqual([125, -9, 126, -8]);
});

test("an island on the antimeridian is drawn on one side of it", () => {
  expect(ring([[179, -17], [-179, -17], [-179, -18], [179, -18], [179, -17]]).map(([longitude]) => longitude)).toEqual([179, 181, 181, 179, 179]);
  const polar = [[-180, -80], [0, -70], [180, -80], [180, -90], [-180, -90], [-180, -80]];
  expect(ring(polar)).toEqual(polar);
});
