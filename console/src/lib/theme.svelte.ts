// Light, dark, or what the system says.
export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];
const storageKey = "vigie.theme";

class Appearance {
  theme = $state<Theme>(stored());

  use(theme: Theme): void {
    this.theme = theme;
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    try {
      localStorage.setItem(storageKey, theme);
    } catch {
      // Storage refused: the choice lasts as long as the page.
    }
  }

  /** The other of light and dark, as seen now. */
  toggle(): void {
    this.use(this.dark ? "light" : "dark");
  }

  get dark(): boolean {
    if (this.theme !== "system") return this.theme === "dark";
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }
}

function stored(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}

export const appearance = new Appearance();
