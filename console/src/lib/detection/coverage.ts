// The ATT&CK matrix: techniques under their tactics, sub-techniques under their technique, and the way of the arrows. Pure.
import type { TechniqueCoverage } from "$lib/api/types";

/** In the order of ATT&CK; the last is what defence evasion was before it was split. */
const always = [
  "reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "stealth",
  "defense-impairment", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
] as const;
const retired = { name: "defense-evasion", after: "defense-impairment" } as const;
/** The column of techniques whose rules name no tactic. */
export const untold = "none";

/** From proven to blind. */
export const standings = ["fired", "ready", "some-fields", "loaded", "no-fields", "no-events", "not-in-force"] as const;
export type Standing = (typeof standings)[number];

/** A word that is not known yet counts as the least. */
export function standingOf({ standing }: Pick<TechniqueCoverage, "standing">): Standing {
  return standings.find((one) => one === standing) ?? "not-in-force";
}

export interface Item {
  coverage: TechniqueCoverage;
  /** A sub-technique, shown under its technique. */
  isSub: boolean;
  /** How many sub-techniques it has in this column. */
  subs: number;
  isOpen: boolean;
}

export interface Column {
  tactic: string;
  items: Item[];
  /** Techniques without their sub-techniques. */
  techniques: number;
}

export interface View {
  /** Techniques whose sub-techniques are shown. */
  open: ReadonlySet<string>;
  /** Standings that are kept; empty: all. */
  kept: ReadonlySet<string>;
}

const parentOf = (technique: string) => technique.split(".")[0] ?? technique;

/** The columns of the matrix. Every technique that fits is in one of them at least. */
export function columnsOf(techniques: readonly TechniqueCoverage[], view: View): Column[] {
  const ids = new Set(techniques.map(({ technique }) => technique));
  const isSub = ({ technique }: TechniqueCoverage) => technique.includes(".") && ids.has(parentOf(technique));
  const subs = new Map<string, TechniqueCoverage[]>();
  for (const one of techniques.filter(isSub)) subs.set(parentOf(one.technique), [...(subs.get(parentOf(one.technique)) ?? []), one]);
  const tops = techniques.filter((one) => !isSub(one)).map((top) => ({ top, under: subs.get(top.technique) ?? [] }));
  const placed = tops.map(({ top, under }) => ({ top, under, tactics: tacticsOf([top, ...under]) }));
  return orderOf(placed.flatMap(({ tactics }) => tactics)).map((tactic) => {
    const here = placed.filter(({ tactics }) => tactics.includes(tactic));
    const groups = here.map(({ top, under }) => groupOf(top, under.filter((sub) => belongs(sub, tactic, top)), view)).filter((group) => group.length > 0);
    return { tactic, items: groups.flat(), techniques: groups.length };
  });
}

function tacticsOf(all: readonly TechniqueCoverage[]): string[] {
  const named = [...new Set(all.flatMap(({ tactics }) => tactics))];
  return named.length === 0 ? [untold] : named;
}

/** A sub-technique that names no tactic goes wherever its technique goes. */
function belongs(sub: TechniqueCoverage, tactic: string, top: TechniqueCoverage): boolean {
  return sub.tactics.includes(tactic) || (sub.tactics.length === 0 && (top.tactics.length === 0 || top.tactics.includes(tactic)));
}

/** A technique and those below it that are shown; nothing when neither it nor any of them is kept. */
function groupOf(top: TechniqueCoverage, under: readonly TechniqueCoverage[], { open, kept }: View): Item[] {
  const fits = (one: TechniqueCoverage) => kept.size === 0 || kept.has(standingOf(one));
  const fitting = under.filter(fits);
  if (!fits(top) && fitting.length === 0) return [];
  // What was looked for is shown, though it lies below something else.
  const isOpen = fitting.length > 0 && (open.has(top.technique) || !fits(top));
  // One that is there for the sake of its sub-techniques cannot be folded.
  const head: Item = { coverage: top, isSub: false, subs: fits(top) ? fitting.length : 0, isOpen };
  return [head, ...(isOpen ? fitting.map((one) => ({ coverage: one, isSub: true, subs: 0, isOpen: false })) : [])];
}

function orderOf(named: readonly string[]): string[] {
  const found = new Set(named);
  const known = always.flatMap((one) => (one === retired.after && found.has(retired.name) ? [one, retired.name] : [one]));
  const others = [...found].filter((one) => one !== untold && !(known as string[]).includes(one)).sort();
  return [...known, ...others, ...(found.has(untold) ? [untold] : [])];
}

/** Techniques and sub-techniques by standing. */
export function countStandings(techniques: readonly TechniqueCoverage[]): Record<Standing, number> {
  const counts = Object.fromEntries(standings.map((one) => [one, 0])) as Record<Standing, number>;
  for (const one of techniques) counts[standingOf(one)] += 1;
  return counts;
}

export interface Cell {
  column: number;
  row: number;
}

/** Where a key leads from a cell; null: the key does not move. Columns without a technique are stepped over. */
export function move(columns: readonly Column[], from: Cell, key: string, held: { rtl: boolean; mod: boolean }): Cell | null {
  const last = (column: number) => (columns[column]?.items.length ?? 0) - 1;
  const filled = columns.flatMap(({ items }, at) => (items.length > 0 ? [at] : []));
  const at = filled.indexOf(from.column);
  const across = (to: number): Cell => {
    const column = filled[Math.max(0, Math.min(filled.length - 1, to))] ?? from.column;
    return { column, row: Math.min(from.row, last(column)) };
  };
  const forward = held.rtl ? -1 : 1;
  switch (key) {
    case "ArrowDown":
      return { ...from, row: Math.min(from.row + 1, last(from.column)) };
    case "ArrowUp":
      return { ...from, row: Math.max(from.row - 1, 0) };
    case "ArrowRight":
      return across(at + forward);
    case "ArrowLeft":
      return across(at - forward);
    case "PageDown":
      return { ...from, row: last(from.column) };
    case "PageUp":
      return { ...from, row: 0 };
    case "Home":
      return held.mod ? { column: filled[0] ?? 0, row: 0 } : across(0);
    case "End":
      return held.mod ? { column: filled.at(-1) ?? 0, row: last(filled.at(-1) ?? 0) } : across(filled.length - 1);
    default:
      return null;
  }
}

/** The same cell after the columns have changed: the same technique in the same tactic (null: any), else the first there is. */
export function keep(columns: readonly Column[], tactic: string | null, technique: string | null): Cell | null {
  const has = ({ coverage }: Item) => coverage.technique === technique;
  const column = columns.findIndex((one) => one.tactic === tactic || (tactic === null && one.items.some(has)));
  const row = columns[column]?.items.findIndex(has) ?? -1;
  if (row >= 0) return { column, row };
  const first = columns.findIndex(({ items }) => items.length > 0);
  return first < 0 ? null : { column: first, row: 0 };
}
