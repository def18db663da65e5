// The time range of a question: a preset such as `24h`, or two instants in UTC.

export const presets = ["15m", "1h", "4h", "24h", "7d", "30d", "all"] as const;
export type Preset = (typeof presets)[number];
export type Range = { preset: Preset } | { from: string; to: string };

export const defaultPreset: Preset = "24h";
const unit_ms = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export function readRange(params: URLSearchParams, fallback: Preset = defaultPreset): Range {
  const [from, to] = [params.get("from"), params.get("to")];
  if (from !== null && to !== null && isInstant(from) && isInstant(to)) return { from, to };
  const preset = params.get("range");
  return { preset: (presets as readonly (string | null)[]).includes(preset) ? (preset as Preset) : fallback };
}

/** The parameters that stand for `range` in an address. */
export function rangeParams(range: Range, fallback: Preset = defaultPreset): Record<"range" | "from" | "to", string | null> {
  if ("from" in range) return { range: null, from: range.from, to: range.to };
  return { range: range.preset === fallback ? null : range.preset, from: null, to: null };
}

/** The bounds to send; an open range has none. */
export function resolveRange(range: Range, now_ms: number): { from?: string; to?: string } {
  if ("from" in range) return { from: range.from, to: range.to };
  const length = presetLength(range.preset);
  if (length === null) return {};
  return { from: new Date(now_ms - length).toISOString(), to: new Date(now_ms).toISOString() };
}

export function presetLength(preset: Preset): number | null {
  const match = /^(\d+)([mhd])$/.exec(preset);
  return match === null ? null : Number(match[1]) * unit_ms[match[2] as keyof typeof unit_ms];
}

/** What a person typed as `2026-11-21 14:03`, read as UTC; null when it is no instant. */
export function parseUtc(text: string): string | null {
  const match = /^\s*(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,7})?)?)?\s*Z?\s*$/.exec(text);
  if (match === null) return null;
  const iso = `${match[1]}T${match[2] ?? "00:00"}${match[3] ?? ":00"}Z`;
  return isInstant(iso) ? new Date(iso.replace(/(\.\d{3})\d+/, "$1")).toISOString() : null;
}

function isInstant(text: string): boolean {
  const time = Date.parse(text);
  if (Number.isNaN(time)) return false;
  // `Date.parse` turns 31 February into 3 March: an instant is one that reads back as written.
  return new Date(time).toISOString().slice(0, 10) === text.slice(0, 10);
}
