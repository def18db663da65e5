// What a thin line has to carry: the scripts that the first page loads, and the greatest part loaded on demand.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const budget = { first_load_kb: 80, route_kb: 60, on_demand_kb: 150, map_kb: 300 };
/** Loaded only when something is written or drawn. */
const onDemand = /^(create|plot)-/;
/** The engine of the map, and the outlines of the world: loaded only by whoever opens the map. */
const mapParts = /^(maplibre|outlines)/;

const assets = new Map(readdirSync(new URL("assets/", dist)).filter((name) => name.endsWith(".js")).map((name) => [name, readFileSync(new URL(`assets/${name}`, dist), "utf8")]));
const sizeOf = (name) => gzipSync(assets.get(name) ?? "").length / 1000;

/** What a script imports at once, and what these import. */
function closure(names) {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name) || !assets.has(name)) return;
    found.add(name);
    for (const [, next] of assets.get(name).matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) visit(next);
  };
  names.forEach(visit);
  return found;
}
const total = (names) => [...names].reduce((sum, name) => sum + sizeOf(name), 0);

const html = readFileSync(new URL("index.html", dist), "utf8");
const entry = [...html.matchAll(/assets\/([\w.-]+\.js)/g)].map(([, name]) => name);
const core = closure(entry);
const named = (prefix) => [...assets.keys()].find((name) => name.startsWith(`${prefix}-`)) ?? "";
// The first page as a person meets it: the entry, one language, and the overview with all that it needs.
const first = closure([...entry, named("en"), named("Overview")]);

const problems = [];
const line = (title, kb, limit) => {
  console.log(`${kb.toFixed(1).padStart(7)} kB gzip of ${limit}  ${title}`);
  if (kb > limit) problems.push(`${title} is ${kb.toFixed(1)} kB gzip; the budget is ${limit} kB`);
};
line("first load: entry, English, overview", total(first), budget.first_load_kb);
for (const name of assets.keys()) {
  if (core.has(name) || /^(en|fr|es|pt|ar|tet)-/.test(name)) continue;
  const own = sizeOf(name);
  if (mapParts.test(name)) line(name, own, budget.map_kb);
  else if (onDemand.test(name)) line(name, own, budget.on_demand_kb);
  else if (own > budget.route_kb) line(name, own, budget.route_kb);
}
const styles = readdirSync(new URL("assets/", dist)).filter((name) => name.endsWith(".css"));
console.log(`${(styles.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(`assets/${name}`, dist))).length, 0) / 1000).toFixed(1).padStart(7)} kB gzip of style in all`);
if (/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/.test(html)) problems.push("index.html holds an inline script or style, which the content policy refuses");
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
