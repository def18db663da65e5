// Where the focus goes when a form opens in place.

/** For `{@attach}` on what holds the form: the focus goes to its first field. */
export function arrive(holder: HTMLElement): void {
  holder.querySelector<HTMLElement>("input, textarea, select")?.focus();
}
