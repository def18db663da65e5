// House rules that a type checker does not see: sizes of files, logical directions, words outside the message files.
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const limits = { component_lines: 300, component_median: 90 };
const files = readdirSync(`${root}src`, { recursive: true }).map(String).filter((name) => /\.(svelte|ts|css)$/.test(name) && !name.endsWith("schema.d.ts"));
const problems = [];
const components = [];

/** Directions that are wrong in half of the world's scripts; `translate` and `text-align: start` are the way. */
const physical = /(?<![\w-])(?:(?:margin|padding|border|inset)-(?:left|right|top|bottom)|(?:left|right|top|bottom)\s*:|float\s*:|text-align:\s*(?:left|right)|(?:min-|max-)?(?:width|height)\s*:)/;

for (const name of files) {
  const text = readFileSync(`${root}src/${name}`, "utf8");
  const lines = text.split("\n");
  if (name.endsWith(".svelte")) {
    components.push(lines.length - 1);
    if (lines.length - 1 > limits.component_lines) problems.push(`${name}: ${lines.length - 1} lines; a component has at most ${limits.component_lines}`);
    if (/\sstyle="/.test(text)) problems.push(`${name}: a style attribute, which the content policy refuses: use a class or \`style:\``);
    if (/\{@html/.test(text)) problems.push(`${name}: {@html} runs whatever a log line says`);
  } else if (name.endsWith(".ts") && !/^(\/\/|\/\*)/.test(text)) {
    problems.push(`${name}: begins without a line that says what it is for`);
  }
  const start = name.endsWith(".css") ? 0 : name.endsWith(".svelte") ? lines.findIndex((line) => line.startsWith("<style")) : -1;
  for (let at = Math.max(start, 0); start >= 0 && at < lines.length; at++) {
    const line = lines[at].replace(/\/\*.*?\*\//g, "");
    if (physical.test(line) && !line.includes("@media") && !line.includes("@container")) problems.push(`${name}:${at + 1}: a physical direction or size: ${line.trim()}`);
  }
  if (/\b(TODO|FIXME)\b(?!.*#\d)/.test(text)) problems.push(`${name}: a TODO without an issue number`);
}
components.sort((a, b) => a - b);
const median = components[Math.floor(components.length / 2)] ?? 0;
console.log(`${components.length} components, median ${median} lines, longest ${components.at(-1)}`);
if (median > limits.component_median) problems.push(`the median component has ${median} lines; at most ${limits.component_median}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
