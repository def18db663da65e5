// Entering a line of the duty log from a form.
import { api, take } from "$lib/api/client";
import type { DutyEntry } from "$lib/api/types";
import { announce } from "$lib/ui/announcer.svelte";

/** Enters `line`; it is durable when this answers. What followed is told to screen readers, too. */
export async function enterLine(line: string): Promise<DutyEntry> {
  const entry = await take(api.POST("/api/v1/field/log", { body: { line } }));
  announce([`${entry.number}: ${entry.meaning}`, ...entry.outcome].join(". "));
  return entry;
}
