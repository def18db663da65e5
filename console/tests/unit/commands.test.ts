import { expect, test } from "vitest";
import { commandIds, commandOf, type CommandId } from "$lib/commands/commands";
import { caps, interpret, matchesStroke, parseStroke, score, type Outcome, type Situation, type Stroke } from "$lib/commands/keys";

const stroke = (key: string, held: Partial<Stroke> = {}): Stroke => ({ key, mod: false, shift: false, alt: false, ...held });
const at = (changes: Partial<Situation> = {}): Situation => ({
  pending: [], inField: false, plainKeys: true, bound: new Set<CommandId>(commandIds), ...changes,
});

test("no key means two things where both can be done", () => {
  // Commands of these scopes are on screen together.
  const together = [["go", "app", "list", "incident"], ["go", "app", "ask", "grid"], ["go", "app", "list", "field"]];
  for (const scopes of together) {
    const owners = new Map<string, CommandId>();
    for (const id of commandIds.filter((one) => scopes.includes(commandOf(one).scope))) {
      for (const keys of commandOf(id).keys) {
        expect(owners.get(keys), `${keys}: ${id}`).toBeUndefined();
        owners.set(keys, id);
      }
    }
  }
});

test.each<[string, Stroke, Partial<Situation>, Outcome]>([
  ["j moves", stroke("j"), {}, { run: "list.next" }],
  ["j is typed in a field", stroke("j"), { inField: true }, { nothing: true }],
  ["Ctrl+Enter runs from a field", stroke("Enter", { mod: true }), { inField: true }, { run: "ask.run" }],
  ["? needs shift on most keyboards", stroke("?", { shift: true }), {}, { run: "app.help" }],
  ["single keys can be switched off", stroke("j"), { plainKeys: false }, { nothing: true }],
  ["Ctrl+K stays when they are", stroke("k", { mod: true }), { plainKeys: false }, { run: "app.palette" }],
  ["Escape stays, too", stroke("Escape"), { plainKeys: false }, { run: "app.close" }],
  ["what nobody can do does nothing", stroke("j"), { bound: new Set(["list.previous"]) }, { nothing: true }],
  ["Ctrl+Shift+F is not Ctrl+F", stroke("f", { mod: true }), {}, { nothing: true }],
  ["Ctrl+Shift+F formats", stroke("f", { mod: true, shift: true }), {}, { run: "ask.format" }],
])("%s", (_, pressed, changes, expected) => expect(interpret(pressed, at(changes))).toEqual(expected));

test("a sequence waits for its second stroke", () => {
  const first = interpret(stroke("g"), at());
  expect(first).toEqual({ wait: [stroke("g")] });
  expect(interpret(stroke("i"), at({ pending: [stroke("g")] }))).toEqual({ run: "go.incidents" });
  expect(interpret(stroke("z"), at({ pending: [stroke("g")] }))).toEqual({ nothing: true });
});

test("strokes are read as written", () => {
  expect(parseStroke("Mod+Shift+f")).toEqual(stroke("f", { mod: true, shift: true }));
  expect(parseStroke("+")).toEqual(stroke("+"));
  expect(matchesStroke(parseStroke("+"), stroke("+", { shift: true }))).toBe(true);
  expect(caps("g o", false)).toEqual(["g", "o"]);
  expect(caps("Mod+k", false)).toEqual(["Ctrl", "k"]);
  expect(caps("+", false)).toEqual(["+"]);
});

test("the palette finds by letters in order, whole pieces first, accents aside", () => {
  expect(score("Aller à la vue d’ensemble", "vue")).toBeGreaterThan(score("Aller à la vue d’ensemble", "avd") ?? 0);
  expect(score("Régler", "reg")).not.toBeNull();
  expect(score("Alerts", "xyz")).toBeNull();
  expect(score("Alerts", "")).toBe(0);
});
