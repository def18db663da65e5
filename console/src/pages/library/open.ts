// The way to one record of the library.
import { hrefOf } from "$lib/router/place";
import { router } from "$lib/router/router.svelte";

export type LibraryKind = "functions" | "watchlists" | "references";

export const openRecord = (kind: LibraryKind, name: string): void => router.go(`${hrefOf("library", kind)}?name=${encodeURIComponent(name)}`);
