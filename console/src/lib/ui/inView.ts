// Of links that scroll sideways on a telephone, the one that is open is in view.

/** Brings the chosen link of a strip into view, now and whenever another is chosen; the page itself does not move. */
export function chosenInView(strip: HTMLElement): { destroy: () => void } {
  const show = () => {
    const chosen = strip.querySelector<HTMLElement>("[aria-current]");
    if (chosen && strip.scrollWidth > strip.clientWidth) {
      const [outer, inner] = [strip.getBoundingClientRect(), chosen.getBoundingClientRect()];
      strip.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
    }
  };
  show();
  const watch = new MutationObserver(show);
  watch.observe(strip, { attributes: true, subtree: true, attributeFilter: ["aria-current"] });
  return { destroy: () => watch.disconnect() };
}
