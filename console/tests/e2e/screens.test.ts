// Not a test of anything: takes the pictures when asked to. See `npm run screens`.
import { test } from "vitest";
import { takeScreens } from "./screens";
import type { Look } from "./browser";

const folder = process.env["VIGIE_SCREENS"];
test.skipIf(!folder)("pictures of every page", { timeout: 300_000 }, async () => {
  const [theme, language] = (process.env["VIGIE_LOOK"] ?? "light,en").split(",") as [Look["theme"], Look["language"]];
  const [width = 1440, height = 900] = (process.env["VIGIE_SIZE"] ?? "1440x900").split("x").map(Number);
  await takeScreens(folder ?? "", { theme, language }, process.env["VIGIE_ONLY"]?.split(",") ?? [], { width, height });
});
