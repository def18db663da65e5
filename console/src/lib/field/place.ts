// Where something is, as far as the register and the last positions tell. Pure.
import type { FieldPosition, FieldReport, RegisterRecord } from "$lib/api/types";

export interface Spot {
  /** What the place or the carrier is called; empty when it was typed as degrees. */
  name: string;
  /** Degrees, north is positive. */
  latitude: number;
  /** Degrees, east is positive. */
  longitude: number;
}

/** Degrees of a record of the register; null where it has none or half of them. */
export function spotOf(record: RegisterRecord): Spot | null {
  const [latitude, longitude] = [record.fields["latitude"] ?? "", record.fields["longitude"] ?? ""];
  if (latitude.trim() === "" || longitude.trim() === "" || record.retired) return null;
  const spot = { name: record.fields["name"] ?? record.key, latitude: Number(latitude), longitude: Number(longitude) };
  return Number.isFinite(spot.latitude) && Number.isFinite(spot.longitude) ? spot : null;
}

/** Where a report may have happened, the likeliest first: the named place, then the last trusted position of whoever is involved. */
export function placeOf(report: Pick<FieldReport, "place" | "mission" | "vehicles" | "people">, premises: readonly RegisterRecord[], positions: readonly FieldPosition[]): Spot[] {
  const named = (report.place ?? "").trim().toLowerCase();
  const places = premises
    .filter(({ key, fields }) => named !== "" && (key.toLowerCase() === named || (fields["name"] ?? "").toLowerCase() === named))
    .map(spotOf)
    .filter((spot) => spot !== null);
  const carried = positions
    .filter(({ trust }) => trust !== "quarantined")
    .filter(({ holder_kind, holder, mission }) => (holder_kind === "vehicle" ? report.vehicles.includes(holder) : report.people.includes(holder)) || (mission ?? null) === (report.mission ?? ""))
    .sort((one, other) => other.fix.localeCompare(one.fix))
    .map(({ sign, name, latitude, longitude }) => ({ name: sign ?? name, latitude, longitude }));
  return [...places, ...carried];
}

/** `12 min`, `1 h 05`: minutes to drive, never less than one. */
export function minutesText(minutes: number, locale: string): string {
  const whole = Math.max(1, Math.round(minutes));
  const unit = (value: number, name: "minute" | "hour") => new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  if (whole < 60) return unit(whole, "minute");
  return `${unit(Math.floor(whole / 60), "hour")} ${String(whole % 60).padStart(2, "0")}`;
}
