// Headcounts as the desk works through them. Pure.
import type { CountedPerson } from "$lib/api/types";

/** Worst first: who needs help, who is not known of, who cannot be reached; then those who answered. */
const concern = ["needs-help", "unknown", "unreachable", "safe-by-proxy", "safe", "excused"];

/** Everybody, those first whom somebody must see to; among equals those under duress, then by name. */
export function byConcern(people: readonly CountedPerson[]): CountedPerson[] {
  const rank = ({ safety, duress }: CountedPerson) => (duress ? -1 : concern.includes(safety) ? concern.indexOf(safety) : concern.length);
  return [...people].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
}
