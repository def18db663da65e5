// The rooms behind the desk: their addresses, their words, and the key that leads there.
import type { CommandId } from "$lib/commands/commands";
import type { PlainKey } from "$lib/i18n/i18n.svelte";

export interface Section {
  /** The part of the address after `/field/`; empty: the desk itself. */
  id: string;
  title: PlainKey;
  command: CommandId;
  /** Partners see of it what is about their own people. */
  own?: true;
}

const all = [
  { id: "", title: "field.section.desk", command: "field.desk" },
  { id: "map", title: "field.section.map", command: "field.map" },
  { id: "movements", title: "field.section.movements", command: "field.movements" },
  { id: "messages", title: "field.section.messages", command: "field.messages" },
  { id: "headcount", title: "field.section.headcount", command: "field.headcount", own: true },
  { id: "reports", title: "field.section.reports", command: "field.reports" },
  { id: "radio", title: "field.section.radio", command: "field.radio" },
  { id: "systems", title: "field.section.systems", command: "field.systems" },
  { id: "people", title: "field.section.people", command: "field.people", own: true },
  { id: "contacts", title: "field.section.contacts", command: "field.contacts" },
  { id: "nodes", title: "field.section.nodes", command: "field.nodes" },
  { id: "register", title: "field.register", command: "field.register" },
  { id: "settings", title: "field.section.settings", command: "field.settings" },
] as const satisfies readonly Section[];

export const sections: readonly Section[] = all;

/** The rooms of somebody who may see all of it, or of a partner. */
export const sectionsOf = (seesAll: boolean): readonly Section[] => sections.filter(({ own }) => seesAll || own);
