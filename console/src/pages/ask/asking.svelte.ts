// A question being asked: its answer as it streams in, its order, its end.
import { ask, type Progress, type Question } from "$lib/api/answer";
import { asProblem, isAbort, type Problem } from "$lib/api/problem";
import type { AnswerSummary, Column } from "$lib/api/types";
import { orderOf, widthsOf, type Row, type Sort } from "$lib/grid/cells";

/** How often the screen follows the stream. */
const follow_ms = 120;

/** One table of an answer: `fork`, `facet` and several queries in one text give more than one. */
export interface AnswerTable {
  name: string | undefined;
  columns: Column[];
  rows: Row[];
}

export class Asking {
  tables = $state.raw<AnswerTable[]>([]);
  /** The table on screen. */
  shown = $state(0);
  columns = $state.raw<Column[]>([]);
  widths = $state.raw<number[]>([]);
  /** Rows on screen; the array behind may already hold more. */
  count = $state(0);
  sort = $state.raw<Sort | null>(null);
  running = $state(false);
  started = $state(0);
  summary = $state.raw<AnswerSummary | null>(null);
  /** How far the work is, while the server tells. */
  progress = $state.raw<Progress | null>(null);
  problem = $state.raw<Problem | null>(null);
  cancelled = $state(false);
  /** The question that the answer belongs to. */
  question = $state.raw<Question | null>(null);
  /** Grows with each answer, so that what was derived from the rows of the last one is made anew. */
  edition = $state(0);
  rows: Row[] = [];
  #order: Uint32Array | null = null;
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks, and returns when the answer has ended, one way or another. */
  async run(question: Question): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.#begin(question);
    const sink = {
      columns: (columns: Column[], table?: string) => this.#open(columns, table),
      rows: (rows: unknown[][]) => this.#take(rows),
      done: (summary: AnswerSummary) => (this.summary = summary),
      progress: (progress: Progress) => (this.progress = progress),
    };
    try {
      await ask(question, sink, abort.signal);
    } catch (error) {
      if (this.#abort !== abort) return;
      if (isAbort(error)) this.cancelled = true;
      else this.problem = asProblem(error);
    }
    if (this.#abort !== abort) return;
    this.#show();
    this.running = false;
  }

  /** Stops the question; the rows that have come stay. */
  cancel(): void {
    this.#abort?.abort();
  }

  rowAt = (position: number): Row => {
    // Reading the edition makes callers follow a new order or a new answer.
    void this.edition;
    return this.rows[this.#order?.[position] ?? position] ?? [];
  };

  /** Up, down, and back to the order of the answer. */
  sortBy(column: number): void {
    const now = this.sort;
    if (now?.column !== column) this.sort = { column, descending: false };
    else this.sort = now.descending ? null : { column, descending: true };
    this.#arrange();
  }

  /** Brings another table on screen. */
  look(at: number): void {
    const table = this.tables[at];
    if (!table) return;
    this.shown = at;
    this.rows = table.rows;
    this.columns = table.columns;
    this.sort = null;
    this.#order = null;
    this.widths = widthsOf(table.columns, table.rows.slice(0, 200));
    this.count = table.rows.length;
    this.edition += 1;
  }

  resize(column: number, width: number): void {
    this.widths = this.widths.map((one, at) => (at === column ? width : one));
  }

  #begin(question: Question): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.tables = [];
    this.shown = 0;
    this.rows = [];
    this.#order = null;
    this.columns = [];
    this.widths = [];
    this.count = 0;
    this.sort = null;
    this.summary = null;
    this.progress = null;
    this.problem = null;
    this.cancelled = false;
    this.question = question;
    this.running = true;
    this.started = Date.now();
    this.edition += 1;
  }

  #open(columns: Column[], name: string | undefined): void {
    const first = this.tables.length === 0;
    const table = { name, columns, rows: first ? this.rows : [] };
    this.tables = [...this.tables, table];
    if (first) this.columns = columns;
  }

  #take(rows: unknown[][]): void {
    const into = this.tables.at(-1)?.rows ?? this.rows;
    for (const row of rows) into.push(row);
    this.#timer ??= setTimeout(() => this.#show(), follow_ms);
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.widths.length !== this.columns.length) this.widths = widthsOf(this.columns, this.rows.slice(0, 200));
    if (this.sort) this.#arrange();
    this.count = this.rows.length;
  }

  #arrange(): void {
    this.#order = this.sort ? orderOf(this.rows, this.columns[this.sort.column]?.type ?? "string", this.sort) : null;
    this.edition += 1;
  }
}
