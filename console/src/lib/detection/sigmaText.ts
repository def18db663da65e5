// A value of an event as Sigma and YAML read it. What an event says was written by whoever made the event, an attacker
// too: here it becomes a value and never anything else, neither a wildcard nor a modifier nor another line of YAML.
// Pure.

/** Letters that change how text looks or where it stands, and those that YAML would not keep inside single quotes. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const unseenEach = new RegExp(unseen.source, "gu");
const plainName = /^[A-Za-z_][\w.-]*$/;
/** What some YAML readers take for a truth value or nothing. */
const words = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

/** Text that stands for itself in a Sigma value: `*` and `?` are no wildcards, a backslash stays a backslash. */
export function literalValue(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === "*" || letter === "?") out += `\\${letter}`;
    else if (letter !== "\\") out += letter;
    // Before a letter without a meaning of its own a backslash is a backslash: paths stay readable. At the end it is
    // doubled, because `endswith` and the like put a wildcard after it.
    else out += /^[^\\*?]/.test(text.slice(at + 1)) ? "\\" : "\\\\";
  }
  return out;
}

/** A YAML scalar that is read back as `text` by every reader of YAML. */
export function yamlText(text: string): string {
  if (!unseen.test(text)) return `'${text.replaceAll("'", "''")}'`;
  const quoted = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replace(unseenEach, escaped);
  return `"${quoted}"`;
}

function escaped(letter: string): string {
  if (letter === "\n") return "\\n";
  if (letter === "\r") return "\\r";
  if (letter === "\t") return "\\t";
  const point = letter.codePointAt(0) ?? 0;
  if (point <= 0xff) return `\\x${point.toString(16).padStart(2, "0")}`;
  if (point <= 0xffff) return `\\u${point.toString(16).padStart(4, "0")}`;
  return `\\U${point.toString(16).padStart(8, "0")}`;
}

/** A key of YAML that is read back as `text`. */
export function yamlKey(text: string): string {
  return plainName.test(text) && !words.test(text) ? text : yamlText(text);
}

/** Whole letters only: half of one cannot be written in UTF-8. */
export function isText(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

/** Whether Sigma can name this field: a bar would begin a modifier, and half a letter is no text. */
export function isNameable(field: string): boolean {
  return field !== "" && !field.includes("|") && isText(field);
}
