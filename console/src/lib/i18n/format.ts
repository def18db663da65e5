// Numbers, instants and durations as people read them. Pure: the locale and the present time are parameters.

/** Microseconds, seven KQL decimals or none: what the server writes is ISO 8601; anything else is not an instant. */
export function parseInstant(iso: string): Date | null {
  const trimmed = iso.replace(/(\.\d{3})\d+/, "$1");
  const date = new Date(trimmed);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function formatNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** 12 300 as `12.3K`: for tiles, where the exact figure is one key away. */
export function formatCompact(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-11-21 14:03:22` in UTC: the order that sorts, the digits of the log. */
export function utcText(date: Date): string {
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

/** The clock part only when the day is today's, so that a column of fresh rows is quiet. */
export function utcShort(date: Date, now: Date): string {
  const text = utcText(date);
  return text.slice(0, 10) === utcText(now).slice(0, 10) ? text.slice(11) : text.slice(5);
}

/** `Sat 21 Nov 2026, 16:03:22 GMT+2`: local time always names its zone. */
export function localText(date: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(date);
}

/** Whether the reader's own zone says something that UTC does not. */
export function hasLocalZone(date: Date): boolean {
  return date.getTimezoneOffset() !== 0;
}

/** `16:03 GMT+2`, for the clock in the bar. */
export function localClock(date: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(date);
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** `3 minutes ago`. */
export function relativeText(date: Date, now: Date, locale: string): string {
  const seconds = (date.getTime() - now.getTime()) / 1000;
  const [unit, size] = steps.find(([, limit]) => Math.abs(seconds) >= limit) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" }).format(Math.round(seconds / size), unit);
}

/** `1.4 s`, `350 ms`, `2 min`: how long something took or lags. */
export function durationText(milliseconds: number, locale: string): string {
  const sized: [number, string][] = [
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
    [1_000, "second"],
  ];
  const [size, unit] = sized.find(([limit]) => Math.abs(milliseconds) >= limit) ?? [1, "millisecond"];
  const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: size === 1_000 ? 1 : 0 } as const;
  return new Intl.NumberFormat(locale, format).format(milliseconds / size);
}

/** `1.4 MB`. */
export function bytesText(bytes: number, locale: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const format = { style: "unit", unit: units[power], unitDisplay: "short", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale, format).format(bytes / 1000 ** power);
}

/** A template with its `{parameters}` filled in, numbers as the language writes them; an unknown one stays as it is. */
export function fill(template: string, parameters: Record<string, string | number>, locale: string): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : value;
  });
}
