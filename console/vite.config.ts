// How the console is built. The bundle must run under `default-src 'self'`: nothing inline, no data: addresses.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { checkMessages, wholeMessages } from "./scripts/messages.mjs";

/** A missing or misshapen message stops the build; a language that is still being translated is filled up with English. With
 * `?part=NAME` a file holds the words of that desk, without it those of no part. */
const parts = ["access"];
function messages(): Plugin {
  return {
    name: "vigie-messages",
    enforce: "pre",
    transform(_, id) {
      const [, language, part] = /\/messages\/(\w+)\.json(?:\?part=(\w+))?$/.exec(id) ?? [];
      if (language === undefined) return null;
      const words = Object.entries(wholeMessages(language)).filter(([key]) => parts.find((one) => key.startsWith(`${one}.`)) === part);
      const json = JSON.stringify(Object.fromEntries(words));
      // With a part in its address it is no JSON file to the bundler, but a script.
      return part === undefined ? { code: json, map: null } : { code: `export default ${json}`, map: null, moduleType: "js" };
    },
    buildStart() {
      const problems = checkMessages();
      if (problems.length > 0) this.error(`messages:\n  ${problems.join("\n  ")}`);
    },
  };
}

/** Files that are needed to open the console without a link: what the page names, its first script, and the desk for that hour. */
const offline = { desk: "OfflineDesk.svelte", fixed: ["/appearance.js", "/vigie.svg"] };

/** Writes into the service worker which files it keeps, and a digest of all: another build is another worker. */
function serviceWorker(): Plugin {
  return {
    name: "vigie-service-worker",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const needed = new Set<string>();
        const visit = (name: string) => {
          const part = bundle[name];
          if (needed.has(name) || part?.type !== "chunk") return;
          needed.add(name);
          part.viteMetadata?.importedCss.forEach((style) => needed.add(style));
          part.imports.forEach(visit);
        };
        const worker = bundle["sw.js"];
        if (worker?.type !== "chunk" || worker.imports.length > 0) return this.error("the service worker must be one file");
        for (const [name, part] of Object.entries(bundle)) {
          if (part.type === "chunk" && part !== worker && (part.isEntry || part.facadeModuleId?.endsWith(`/${offline.desk}`))) visit(name);
        }
        const files = [...offline.fixed, ...[...needed].sort().map((name) => `/${name}`)];
        const digest = createHash("sha256").update(Object.keys(bundle).sort().join("\n")).digest("hex").slice(0, 16);
        worker.code = worker.code.replaceAll("__VERSION__", JSON.stringify(digest)).replaceAll("__FILES__", JSON.stringify(files));
      },
    },
  };
}

export default defineConfig({
  plugins: [messages(), svelte(), serviceWorker()],
  resolve: { alias: { $lib: fileURLToPath(new URL("./src/lib", import.meta.url)) } },
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: "index.html", sw: "src/worker/sw.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        chunkFileNames: ({ name, facadeModuleId }) => (facadeModuleId?.includes("?part=") ? `assets/words-${/part=(\w+)/.exec(facadeModuleId)?.[1]}-${name}-[hash].js` : "assets/[name]-[hash].js"),
      },
    },
  },
  server: {
    proxy: { "/api": process.env["VIGIE_URL"] ?? "http://127.0.0.1:7420" },
  },
});
