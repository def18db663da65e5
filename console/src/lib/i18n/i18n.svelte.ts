// The words. Messages of one language are loaded on demand; keys and parameters are checked by the compiler.
import { fill } from "./format";
import type { Messages } from "./keys";

export const languages = ["en", "fr", "es", "pt", "ar", "tet"] as const;
export type Language = (typeof languages)[number];
export type MessageKey = keyof Messages;
/** Keys that need no parameter: what menus, commands and headings use. */
export type PlainKey = { [K in MessageKey]: Messages[K] extends null ? K : never }[MessageKey];
type Template = string | Partial<Record<Intl.LDMLPluralRule, string>>;
type Dictionary = Record<string, Template>;

/** How each language calls itself, for the switch. */
export const languageNames: Record<Language, string> = { en: "English", fr: "Français", es: "Español", pt: "Português", ar: "العربية", tet: "Tetun" };

const loaders: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import("../../../messages/en.json"),
  fr: () => import("../../../messages/fr.json"),
  es: () => import("../../../messages/es.json"),
  pt: () => import("../../../messages/pt.json"),
  ar: () => import("../../../messages/ar.json"),
  tet: () => import("../../../messages/tet.json"),
};

/** Words of a desk, loaded when it is first opened: those of the Access desk are a third of all. */
const parts = {
  access: {
    en: () => import("../../../messages/en.json?part=access"),
    fr: () => import("../../../messages/fr.json?part=access"),
    es: () => import("../../../messages/es.json?part=access"),
    pt: () => import("../../../messages/pt.json?part=access"),
    ar: () => import("../../../messages/ar.json?part=access"),
    tet: () => import("../../../messages/tet.json?part=access"),
  },
} satisfies Record<string, typeof loaders>;
export type Part = keyof typeof parts;

/** Arabic keeps Latin digits, so that a number on screen is the number in the log. No browser knows how Tetum writes dates and
 * plurals; in Timor-Leste they are written as in Portuguese. */
const locales: Record<Language, string> = { en: "en-GB", fr: "fr", es: "es", pt: "pt-PT", ar: "ar-u-nu-latn", tet: "pt-PT" };

const storageKey = "vigie.language";

class Words {
  language = $state<Language>("en");
  #dictionary = $state.raw<Dictionary>({});
  #needed = new Set<Part>();
  #plural = $derived(new Intl.PluralRules(this.locale));

  /** Tag for `Intl`. */
  get locale(): string {
    return locales[this.language];
  }

  get direction(): "ltr" | "rtl" {
    return this.language === "ar" ? "rtl" : "ltr";
  }

  async use(language: Language): Promise<void> {
    const loaded = await Promise.all([loaders[language](), ...[...this.#needed].map((part) => parts[part][language]())]);
    this.#dictionary = Object.assign({}, ...loaded.map(({ default: words }) => words as Dictionary)) as Dictionary;
    this.language = language;
    document.documentElement.lang = language;
    document.documentElement.dir = this.direction;
    rememberLanguage(language);
  }

  /** Has the words of a desk here before it is drawn, in this language and in whichever is chosen later. */
  async need(part: Part): Promise<void> {
    if (this.#needed.has(part)) return;
    const { default: more } = await parts[part][this.language]();
    this.#needed.add(part);
    this.#dictionary = { ...this.#dictionary, ...(more as Dictionary) };
  }

  /** The template of `key` in the present language. */
  template(key: string, count: number | undefined): string | undefined {
    const message = this.#dictionary[key];
    if (message === undefined || typeof message === "string") return message;
    return message[this.#plural.select(count ?? 0)] ?? message.other;
  }
}

export const words = new Words();

type Arguments<K extends MessageKey> = Messages[K] extends null ? [] : [parameters: Messages[K]];

/** The message `key`, its parameters filled in. Numbers are written as the language writes them. */
export function t<K extends MessageKey>(key: K, ...args: Arguments<K>): string {
  const parameters = args[0] as Record<string, string | number> | undefined;
  const count = parameters?.["count"];
  const template = words.template(key, typeof count === "number" ? count : undefined) ?? key;
  return parameters === undefined ? template : fill(template, parameters, words.locale);
}

/** A message whose key is made from a code that the server sent; the code itself when we have no word for it. */
export function code(prefix: string, value: string): string {
  return words.template(`${prefix}.${value}`, undefined) ?? value;
}

/** What the reader chose before, else the first of the browser's languages that we speak. */
export function preferredLanguage(): Language {
  const wanted = [storedLanguage(), ...navigator.languages].map((tag) => tag?.split("-")[0]);
  return wanted.find((tag): tag is Language => (languages as readonly (string | undefined)[]).includes(tag)) ?? "en";
}

function storedLanguage(): string | undefined {
  try {
    return localStorage.getItem(storageKey) ?? undefined;
  } catch {
    return undefined; // Storage refused: the browser's languages decide.
  }
}

function rememberLanguage(language: Language): void {
  try {
    localStorage.setItem(storageKey, language);
  } catch {
    // Storage refused: the choice lasts as long as the page.
  }
}
