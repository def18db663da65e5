// Searching tables and columns by a piece of a name. Pure.
import type { Column, Table } from "$lib/api/types";

export interface Found {
  table: Table;
  columns: Column[];
  /** Only columns matched: the table is opened to show them. */
  matched: boolean;
}

/** Tables whose name fits, with all columns; then tables of which only columns fit, with these. */
export function foundIn(tables: readonly Table[], filter: string): Found[] {
  const wanted = filter.trim().toLowerCase();
  if (wanted === "") return tables.map((table) => ({ table, columns: table.columns, matched: false }));
  const fits = (name: string) => name.toLowerCase().includes(wanted);
  const [named, holding]: [Found[], Found[]] = [[], []];
  for (const table of tables) {
    const columns = table.columns.filter((column) => fits(column.name));
    if (fits(table.name)) named.push({ table, columns: table.columns, matched: false });
    else if (columns.length > 0) holding.push({ table, columns, matched: wanted.length >= 3 });
  }
  return [...named, ...holding];
}
