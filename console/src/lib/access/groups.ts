// Groups as the server writes them, and what may be ordered of one: its contract leaves their shape open, `docs/access-duties.md` does not.

export type LifeState = "proposed" | "withdrawn" | "kept" | "disabling" | "disabled" | "removed" | "restored";
export const groupOrders = ["propose", "keep", "disable", "remove", "restore"] as const;
export type GroupOrder = (typeof groupOrders)[number];

/** How members are asked for. */
export const memberWays = ["all", "direct", "nested"] as const;
export const memberHolders = ["all", "person", "account"] as const;

export interface GroupLife {
  state: LifeState;
  reason: string;
  /** Who was in it before it was emptied. */
  members: number;
  changed: string;
  changed_by: string;
  restore_until: string | null;
  version: number;
}

export interface Group {
  id: string;
  system: string;
  name: string;
  title: string | null;
  kind: string;
  native_id: string | null;
  /** The number of the person who answers for it. */
  owner: string | null;
  privileged: boolean;
  direct: number;
  effective: number;
  /** As `system/name`, like those of `children` and `cycle`. */
  parents: string[];
  children: string[];
  /** The circle it lies in, one way round; empty: in none. */
  cycle: string[];
  last_use: string | null;
  life: GroupLife | null;
  gone: string | null;
}

export interface GroupMember {
  account: string;
  system: string;
  login: string;
  person: string | null;
  /** From the group that the account is in itself to the one asked about; one step: a member itself. */
  path: string[];
  last_use: string | null;
}

/** Somebody of whom nothing is known here but that they are in the group. */
export interface OutsideMember {
  id: string;
  name: string;
  class: string | null;
}

export interface GroupMembers {
  members: GroupMember[];
  /** On the first page. */
  outside?: OutsideMember[];
  /** All that are in it. */
  total: number;
  /** Those that were asked for. */
  found: number;
  next: string | null;
}

export interface GroupReading {
  pages: number;
  members: number;
  begun: string;
  at: string;
  done: string | null;
}

export interface StaleGroups {
  looked_at: number;
  proposed: string[];
  withdrawn: string[];
  unknown_use: number;
}

export interface RestoredGroup {
  life: GroupLife;
  /** Who could not be put back, and why. */
  lost: [string, string][];
}

export interface LastUse {
  days: number;
  names: number;
  accounts: number;
  unknown: number;
}

export const nameOfGroup = ({ system, name }: Group): string => `${system}/${name}`;

const ways: Record<"in-use" | LifeState, readonly GroupOrder[]> = {
  "in-use": ["propose"],
  withdrawn: ["propose"],
  kept: ["propose"],
  restored: ["propose"],
  proposed: ["keep", "disable"],
  disabling: ["disable", "restore"],
  disabled: ["remove", "restore"],
  removed: ["restore"],
};

/** What may be ordered now; nothing is brought back after its days. */
export function ordersOf(group: Group, now_ms: number): GroupOrder[] {
  const over = group.life?.restore_until ? Date.parse(group.life.restore_until) < now_ms : false;
  return ways[group.life?.state ?? "in-use"].filter((order) => order !== "restore" || !over);
}

/** Whole days in which it can still be brought back; null: it is not on its way out. */
export function daysToRestore(life: GroupLife | null, now_ms: number): number | null {
  if (!life?.restore_until || !["disabling", "disabled", "removed"].includes(life.state)) return null;
  return Math.max(0, Math.floor((Date.parse(life.restore_until) - now_ms) / 86_400_000));
}

export const groupViews = ["all", "going", "circle", "ownerless", "empty", "privileged"] as const;
export type GroupView = (typeof groupViews)[number];

const going = new Set<LifeState>(["proposed", "disabling", "disabled", "removed"]);
const shows: Record<GroupView, (group: Group) => boolean> = {
  all: () => true,
  going: ({ life }) => life !== null && going.has(life.state),
  circle: ({ cycle }) => cycle.length > 0,
  ownerless: ({ owner, gone }) => owner === null && gone === null,
  empty: ({ effective, gone }) => effective === 0 && gone === null,
  privileged: ({ privileged }) => privileged,
};

const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The groups of a view whose name, title or owner has a text. */
export function groupsIn(groups: readonly Group[], view: GroupView, text: string): Group[] {
  const wanted = fold(text.trim());
  return groups.filter((group) => shows[view](group) && (wanted === "" || fold(`${nameOfGroup(group)} ${group.title ?? ""} ${group.owner ?? ""}`).includes(wanted)));
}
