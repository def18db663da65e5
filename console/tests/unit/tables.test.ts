import { expect, test, vi } from "vitest";
import type { Column } from "$lib/api/types";

// The client of the API belongs to the page's own server.
vi.stubGlobal("location", { origin: "http://vigie.test" });
vi.stubGlobal("document", { cookie: "" });
const { ask } = await import("$lib/api/answer");

test("each table of an answer begins with its columns and its name", async () => {
  const column = (name: string): Column => ({ name, type: "long" });
  const lines = [
    { columns: [column("n"), column("m")], table: "Numbers" },
    { rows: [[1, 2], [2, 4]] },
    { columns: [column("Count")], table: "Table_2" },
    { rows: [[2]] },
    { done: { rows: 3 } },
  ];
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
  const seen: unknown[] = [];
  const sink = {
    columns: (columns: Column[], table?: string) => seen.push([table, columns.length]),
    rows: (rows: unknown[][]) => seen.push(rows.length),
    done: () => seen.push("done"),
    progress: () => seen.push("progress"),
  };
  await ask({ query: "T | fork Numbers = (extend m = n * 2) (count)" }, sink, new AbortController().signal);
  expect(seen).toEqual([["Numbers", 2], 2, ["Table_2", 1], 1, "done"]);
});
