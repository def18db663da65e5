// Checks the message files against each other and writes the types of their keys.
//   node scripts/messages.mjs           problems on standard error, exit 1 when there are any
//   node scripts/messages.mjs --write   writes src/lib/i18n/keys.ts
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const languages = ["en", "fr", "es", "pt", "ar", "tet"];
/** Languages whose translators may come after the words: what they lack is shown in English, and counted. */
const following = new Set(["es", "pt", "tet"]);
/** As in `i18n.svelte.ts`: Tetum counts as Portuguese does. */
const pluralsOf = { tet: "pt-PT", pt: "pt-PT" };
const keysFile = new URL("src/lib/i18n/keys.ts", root);

const load = (language) => JSON.parse(readFileSync(new URL(`messages/${language}.json`, root), "utf8"));
const forms = (message) => (typeof message === "string" ? { other: message } : message);
const parameters = (message) => {
  const names = new Set();
  for (const text of Object.values(forms(message))) {
    for (const [, name] of text.matchAll(/\{(\w+)\}/g)) names.add(name);
  }
  return [...names].sort();
};

/** Every way in which the files disagree with English, in words. */
export function checkMessages() {
  const reference = load("en");
  const problems = languages.flatMap((language) => checkLanguage(language, load(language), reference));
  if (readOrEmpty(keysFile) !== keyTypes(reference)) {
    problems.push("src/lib/i18n/keys.ts is stale: run `node scripts/messages.mjs --write`");
  }
  return problems;
}

/** The words of `language`, in English where they are still to be translated. */
export function wholeMessages(language) {
  return { ...load("en"), ...load(language) };
}

/** How many words of each language are still in English. */
export function untranslated() {
  const reference = Object.keys(load("en"));
  return [...following].map((language) => [language, reference.filter((key) => !(key in load(language))).length]).filter(([, count]) => count > 0);
}

function checkLanguage(language, messages, reference) {
  const problems = [];
  const categories = new Intl.PluralRules(pluralsOf[language] ?? language).resolvedOptions().pluralCategories;
  for (const key of Object.keys(reference)) {
    const message = messages[key];
    if (message === undefined) {
      if (!following.has(language)) problems.push(`${language}: \`${key}\` is missing`);
      continue;
    }
    if ((typeof message === "string") !== (typeof reference[key] === "string")) {
      problems.push(`${language}: \`${key}\` must ${typeof message === "string" ? "" : "not "}have plural forms`);
    } else if (typeof message !== "string") {
      const absent = categories.filter((category) => message[category] === undefined);
      if (absent.length > 0) problems.push(`${language}: \`${key}\` lacks the form ${absent.join(", ")}`);
    }
    if (Object.values(forms(message)).some((text) => text.trim() === "")) {
      problems.push(`${language}: \`${key}\` is empty`);
    }
    const [mine, theirs] = [parameters(message), parameters(reference[key])];
    if (mine.join() !== theirs.join()) {
      problems.push(`${language}: \`${key}\` names {${mine}} where English names {${theirs}}`);
    }
  }
  for (const key of Object.keys(messages)) {
    if (reference[key] === undefined) problems.push(`${language}: \`${key}\` does not exist in English`);
  }
  return problems;
}

function keyTypes(reference) {
  const lines = Object.keys(reference)
    .sort()
    .map((key) => `  ${JSON.stringify(key)}: ${parameterType(reference[key])};`);
  return [
    "// Written by scripts/messages.mjs from messages/en.json. Do not edit.",
    "",
    "/** Every message and the parameters it takes. */",
    "export interface Messages {",
    ...lines,
    "}",
    "",
  ].join("\n");
}

function parameterType(message) {
  const names = parameters(message);
  if (typeof message !== "string" && !names.includes("count")) names.unshift("count");
  if (names.length === 0) return "null";
  const plural = typeof message !== "string";
  return `{ ${names.map((name) => `${name}: ${plural && name === "count" ? "number" : "string | number"}`).join("; ")} }`;
}

function readOrEmpty(url) {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return "";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--write")) writeFileSync(keysFile, keyTypes(load("en")));
  const problems = checkMessages();
  for (const problem of problems) console.error(problem);
  for (const [language, count] of untranslated()) console.warn(`${language}: ${count} messages are still in English`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
