// Not a test of anything: takes the pictures when asked to. See `npm run screens`.
import { test } from "vitest";
import { takeScreens } from "./screens";
import type { Look } from "./browser";

const folder = process.env["VIGIE_SCREENS"];
test.skipIf(!folder)("pictures of every page", { timeout: 120_000 }, async () => {
  const [theme, language] = (process.env["VIGIE_LOOK"] ?? "light,en").split(",") as [Look["theme"], Look["language"]];
  await takeScreens(folder ?? "", { theme, language }, process.env["VIGIE_ONLY"]?.split(",") ?? []);
});
