// How the console is built. The bundle must run under `default-src 'self'`: nothing inline, no data: addresses.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { checkMessages, wholeMessages } from "./scripts/messages.mjs";

/** A missing or misshapen message stops the build; a language that is still being translated is filled up with English. */
function messages(): Plugin {
  return {
    name: "vigie-messages",
    enforce: "pre",
    transform(_, id) {
      const language = /\/messages\/(\w+)\.json$/.exec(id)?.[1];
      return language === undefined ? null : { code: JSON.stringify(wholeMessages(language)), map: null };
    },
    buildStart() {
      const problems = checkMessages();
      if (problems.length > 0) this.error(`messages:\n  ${problems.join("\n  ")}`);
    },
  };
}

export default defineConfig({
  plugins: [messages(), svelte()],
  resolve: { alias: { $lib: fileURLToPath(new URL("./src/lib", import.meta.url)) } },
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { "/api": process.env["VIGIE_URL"] ?? "http://127.0.0.1:7420" },
  },
});
