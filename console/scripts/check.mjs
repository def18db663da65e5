// Everything that can be said about the console without running it. `npm run check`; the first failure is the exit code.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const steps = [
  ["types of the API follow the contract", ["node", "scripts/generate-types.mjs", "--check"]],
  ["messages are whole in every language", ["node", "scripts/messages.mjs"]],
  ["style and size of the sources", ["node", "scripts/tidy.mjs"]],
  ["types and accessibility", ["node", "node_modules/svelte-check/bin/svelte-check", "--fail-on-warnings", "--threshold", "warning", "--output", "human"]],
  ...(existsSync(`${root}dist/index.html`) ? [["size of the bundle", ["node", "scripts/check-size.mjs"]]] : []),
];

for (const [title, [command, ...args]] of steps) {
  const started = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) process.exit(status ?? 1);
}
