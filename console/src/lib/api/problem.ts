// What went wrong, in the form in which the server says it: a code, its cause, a remedy and an id to quote.
import type { Diagnostic } from "./types";

export interface ProblemBody {
  code: string;
  title: string;
  detail: string;
  help?: string | null;
  id?: string;
  status: number;
  diagnostics?: Diagnostic[];
  /** Two editors: what was asked for, and what the record holds now. */
  yours?: unknown;
  theirs?: unknown;
  version?: number | null;
  /** What the cause names, such as who took something and when. */
  parameters?: Record<string, string>;
}

export class Problem extends Error {
  constructor(readonly body: ProblemBody) {
    super(body.detail || body.title);
  }

  get status(): number {
    return this.body.status;
  }

  get isConflict(): boolean {
    return this.body.status === 409;
  }
}

/** Whatever was thrown, as a problem; a network that does not answer is one with a remedy of its own. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof TypeError ? "unreachable" : "console";
  return new Problem({ code, title: "", detail, status: 0 });
}

/** Reads an error answer; a proxy that answers with a page of its own is still a problem with a status. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  try {
    const body = JSON.parse(text) as Partial<ProblemBody>;
    if (typeof body.code === "string") {
      return new Problem({ title: "", detail: "", ...body, code: body.code, status: response.status });
    }
  } catch {
    // Not JSON: fall through.
  }
  const detail = `HTTP ${response.status} ${response.statusText}`.trim();
  return new Problem({ code: "http", title: "", detail, status: response.status });
}

export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}
