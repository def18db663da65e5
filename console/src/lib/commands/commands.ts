// The one registry of what a key, the palette and the help page can do. A component that can carry out a command binds
// a handler to it (see `keyboard.svelte.ts`); everything else derives from this list.
import type { PlainKey } from "$lib/i18n/i18n.svelte";

export const scopes = ["go", "list", "ask", "grid", "incident", "rule", "field", "review", "app"] as const;
export type Scope = (typeof scopes)[number];

export interface Command {
  title: PlainKey;
  scope: Scope;
  /** Alternatives; a sequence has a blank between its strokes: `g o`. `Mod` is Ctrl, or Cmd on a Mac. */
  keys: readonly string[];
  /** Also while a text field has the focus. */
  inFields?: true;
  /** Shown in help only: a palette entry would make no sense without the list under the focus. */
  keysOnly?: true;
}

const define = <const T extends Record<string, Command>>(commands: T): T => commands;

export const commands = define({
  "go.overview": { title: "command.go.overview", scope: "go", keys: ["g o"] },
  "go.field": { title: "command.go.field", scope: "go", keys: ["g f"] },
  "go.ask": { title: "command.go.ask", scope: "go", keys: ["g q"] },
  "go.library": { title: "command.go.library", scope: "go", keys: ["g k"] },
  "go.alerts": { title: "command.go.alerts", scope: "go", keys: ["g a"] },
  "go.incidents": { title: "command.go.incidents", scope: "go", keys: ["g i"] },
  "go.rules": { title: "command.go.rules", scope: "go", keys: ["g r"] },
  "go.coverage": { title: "command.go.coverage", scope: "go", keys: ["g c"] },
  "go.sources": { title: "command.go.sources", scope: "go", keys: ["g s"] },
  "go.access": { title: "command.go.access", scope: "go", keys: ["g p"] },
  "go.ledger": { title: "command.go.ledger", scope: "go", keys: ["g l"] },
  "go.settings": { title: "command.go.settings", scope: "go", keys: ["g ,"] },

  "list.next": { title: "command.list.next", scope: "list", keys: ["j"], keysOnly: true },
  "list.previous": { title: "command.list.previous", scope: "list", keys: ["k"], keysOnly: true },
  "list.open": { title: "command.list.open", scope: "list", keys: ["Enter", "e"], keysOnly: true },
  "list.follow": { title: "command.list.follow", scope: "list", keys: ["o"], keysOnly: true },
  "list.filter": { title: "command.list.filter", scope: "list", keys: ["/"] },
  "list.fresh": { title: "command.list.fresh", scope: "list", keys: ["n"] },
  "list.refresh": { title: "command.list.refresh", scope: "list", keys: ["r"] },

  "ask.run": { title: "command.ask.run", scope: "ask", keys: ["Mod+Enter"], inFields: true },
  "ask.cancel": { title: "command.ask.cancel", scope: "ask", keys: ["Mod+."], inFields: true },
  "ask.format": { title: "command.ask.format", scope: "ask", keys: ["Mod+Shift+f"], inFields: true },
  "ask.editor": { title: "command.ask.editor", scope: "ask", keys: ["q"] },
  "ask.results": { title: "command.ask.results", scope: "ask", keys: ["w"] },
  "ask.save": { title: "command.ask.save", scope: "ask", keys: ["Mod+s"], inFields: true },
  "ask.history": { title: "command.ask.history", scope: "ask", keys: ["h"] },
  "ask.chart": { title: "command.ask.chart", scope: "ask", keys: ["v"] },

  "grid.include": { title: "command.grid.include", scope: "grid", keys: ["+", "="], keysOnly: true },
  "grid.exclude": { title: "command.grid.exclude", scope: "grid", keys: ["-"], keysOnly: true },
  "grid.pivot": { title: "command.grid.pivot", scope: "grid", keys: ["p"], keysOnly: true },
  "grid.sort": { title: "command.grid.sort", scope: "grid", keys: ["s"], keysOnly: true },
  "grid.copy": { title: "command.grid.copy", scope: "grid", keys: ["c"], keysOnly: true },

  "incident.take": { title: "command.incident.take", scope: "incident", keys: ["a"] },
  "incident.state": { title: "command.incident.state", scope: "incident", keys: ["t"] },
  "incident.severity": { title: "command.incident.severity", scope: "incident", keys: ["s"] },
  "incident.comment": { title: "command.incident.comment", scope: "incident", keys: ["m"] },

  "rule.except": { title: "command.rule.except", scope: "rule", keys: ["x"] },
  "rule.severity": { title: "command.rule.severity", scope: "rule", keys: ["s"] },
  "rule.switch": { title: "command.rule.switch", scope: "rule", keys: ["t"] },

  "field.desk": { title: "command.field.desk", scope: "field", keys: ["f d"] },
  "field.map": { title: "command.field.map", scope: "field", keys: ["f a"] },
  "field.movements": { title: "command.field.movements", scope: "field", keys: ["f v"] },
  "field.messages": { title: "command.field.messages", scope: "field", keys: ["f m"] },
  "field.headcount": { title: "command.field.headcount", scope: "field", keys: ["f h"] },
  "field.reports": { title: "command.field.reports", scope: "field", keys: ["f i"] },
  "field.radio": { title: "command.field.radio", scope: "field", keys: ["f r"] },
  "field.systems": { title: "command.field.systems", scope: "field", keys: ["f s"] },
  "field.people": { title: "command.field.people", scope: "field", keys: ["f p"] },
  "field.contacts": { title: "command.field.contacts", scope: "field", keys: ["f c"] },
  "field.nodes": { title: "command.field.nodes", scope: "field", keys: ["f n"] },
  "field.register": { title: "command.field.register", scope: "field", keys: ["f e"] },
  "field.settings": { title: "command.field.settings", scope: "field", keys: ["f ,"] },
  "field.wall": { title: "command.field.wall", scope: "field", keys: ["f w"] },
  "field.handover": { title: "command.field.handover", scope: "field", keys: ["f o"] },
  "field.print": { title: "command.field.print", scope: "field", keys: ["F9"], inFields: true },
  "field.sound": { title: "command.field.sound", scope: "field", keys: ["f t"] },

  "review.keep": { title: "command.review.keep", scope: "review", keys: ["y"] },
  "review.revoke": { title: "command.review.revoke", scope: "review", keys: ["x"] },
  "review.comment": { title: "command.review.comment", scope: "review", keys: ["m"] },

  "app.palette": { title: "command.app.palette", scope: "app", keys: ["Mod+k"], inFields: true },
  "app.help": { title: "command.app.help", scope: "app", keys: ["?"] },
  "app.theme": { title: "command.app.theme", scope: "app", keys: [] },
  "app.language.en": { title: "command.app.language.en", scope: "app", keys: [] },
  "app.language.fr": { title: "command.app.language.fr", scope: "app", keys: [] },
  "app.language.ar": { title: "command.app.language.ar", scope: "app", keys: [] },
  "app.language.es": { title: "command.app.language.es", scope: "app", keys: [] },
  "app.language.pt": { title: "command.app.language.pt", scope: "app", keys: [] },
  "app.language.tet": { title: "command.app.language.tet", scope: "app", keys: [] },
  "app.shortcuts": { title: "command.app.shortcuts", scope: "app", keys: [] },
  "app.close": { title: "command.app.close", scope: "app", keys: ["Escape"], inFields: true, keysOnly: true },
  "app.logout": { title: "command.app.logout", scope: "app", keys: [] },
});

export type CommandId = keyof typeof commands;
export const commandIds = Object.keys(commands) as CommandId[];

export function commandOf(id: CommandId): Command {
  return commands[id];
}
