// Types of the API from the contract that the server commits.
//   node scripts/generate-types.mjs           writes src/lib/api/schema.d.ts
//   node scripts/generate-types.mjs --check   exit 1 when the file is stale
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";

const contract = new URL("../../crates/server/openapi.json", import.meta.url);
const target = new URL("../src/lib/api/schema.d.ts", import.meta.url);
const fresh = COMMENT_HEADER + astToString(await openapiTS(contract));

if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== fresh) {
    console.error("src/lib/api/schema.d.ts does not follow crates/server/openapi.json: run `npm run types` and commit");
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, fresh);
}
