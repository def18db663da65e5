// Asking in KQL: the answer is a stream of lines, so the first rows are on screen while the last are being read.
import { refuse, writeHeaders } from "./client";
import { Problem, type ProblemBody } from "./problem";
import { LineSplitter } from "./lines";
import { saveFile } from "./saveFile";
import type { AnswerSummary, Column, ExportFormat } from "./types";

export interface Question {
  query: string;
  from?: string | undefined;
  to?: string | undefined;
}

/** How far the work is. What is planned is what is left to read after skipping by time and by term index. */
export interface Progress {
  elapsed_ms: number;
  files: number;
  files_planned: number;
  rows: number;
  rows_planned: number;
  bytes: number;
  bytes_planned: number;
}

export interface Sink {
  /** A table begins; the rows that follow are its rows. Of several tables each has a name. */
  columns(columns: Column[], table?: string): void;
  rows(rows: unknown[][]): void;
  done(summary: AnswerSummary): void;
  progress(progress: Progress): void;
}

type Line =
  | { columns: Column[]; table?: string }
  | { rows: unknown[][] }
  | { progress: Progress }
  | { done: AnswerSummary }
  | { error: ProblemBody };

/** Runs a question. Aborting the signal closes the connection, which cancels the query on the server. */
export async function ask(question: Question, sink: Sink, signal: AbortSignal): Promise<void> {
  const response = await post("/api/v1/query", question, signal);
  if (response.body === null) throw new TypeError("the answer has no body");
  const lines = new LineSplitter();
  const reader = response.body.getReader();
  let finished = false;
  for (;;) {
    const { value, done } = await reader.read();
    for (const line of done ? lines.end() : lines.push(value)) finished = feed(JSON.parse(line) as Line, sink) || finished;
    if (done) break;
  }
  if (!finished) throw new Problem({ code: "cut-off", title: "", detail: "", status: 0 });
}

function feed(line: Line, sink: Sink): boolean {
  if ("columns" in line) sink.columns(line.columns, line.table);
  else if ("rows" in line) sink.rows(line.rows);
  else if ("error" in line) throw new Problem({ ...line.error, status: line.error.status });
  else if ("progress" in line) sink.progress(line.progress);
  else if ("done" in line) {
    sink.done(line.done);
    return true;
  }
  // Any other line is one that a later server knows: the rows do not depend on it.
  return false;
}

/** The whole answer as a file in the reader's downloads. */
export async function exportAnswer(question: Question, format: ExportFormat): Promise<void> {
  const response = await post(`/api/v1/query/export?format=${format}`, question, null);
  saveFile(await response.blob(), `vigie-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`);
}

async function post(path: string, question: Question, signal: AbortSignal | null): Promise<Response> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...writeHeaders() },
    body: JSON.stringify(question),
    credentials: "same-origin",
    signal,
  });
  if (!response.ok) await refuse(response, path);
  return response;
}
