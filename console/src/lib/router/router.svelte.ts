// The address bar as state: reading it, changing it, and following links without loading the page again.
import { readEntry, type Position } from "./position";
import { hrefOf, parsePlace, patchParams, searchText, type Page } from "./place";

class Router {
  place = $state.raw(parsePlace(new URL(location.href)));

  start(): void {
    addEventListener("popstate", () => this.#read());
    document.addEventListener("click", (event) => this.#follow(event));
  }

  go(href: string, how: "push" | "replace" = "push"): void {
    const before = this.place;
    if (how === "push") history.pushState({ from: location.pathname + location.search }, "", href);
    else history.replaceState({ from: this.from }, "", href);
    this.#read();
    if (before.page !== this.place.page || before.id !== this.place.id) this.#arrive();
  }

  /** The address from which this one was reached inside the console. */
  get from(): string | undefined {
    return readEntry(history.state).from;
  }

  /** Where the list of this address was left, when it is returned to. */
  get position(): Position | undefined {
    return readEntry(history.state).position;
  }

  /** Keeps where the list of this address stands. */
  keep(position: Position): void {
    history.replaceState({ from: this.from, position }, "");
  }

  to(page: Page, id?: string | null, params?: Parameters<typeof hrefOf>[2]): void {
    this.go(hrefOf(page, id, params));
  }

  /** Changes some parameters of the present page. */
  patch(patch: Parameters<typeof patchParams>[1], how: "push" | "replace" = "replace"): void {
    this.go(location.pathname + searchText(patchParams(this.place.params, patch)), how);
  }

  #read(): void {
    this.place = parsePlace(new URL(location.href));
  }

  /** A new page starts at its top, and the reader's focus goes with it. */
  #arrive(): void {
    const main = document.querySelector<HTMLElement>("main");
    main?.scrollTo(0, 0);
    main?.focus({ preventScroll: true });
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return;
    if (link.pathname.startsWith("/api/") || link.getAttribute("href")?.startsWith("#")) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const router = new Router();
