// Between the compiler's answers and the editor's words: completions, findings, explanations.
import type { Completion as Offer, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { Diagnostic as Finding } from "@codemirror/lint";
import type { EditorView, Tooltip } from "@codemirror/view";
import type { Analysis } from "$lib/api/types";

type Analyze = (text: string, offset: number | null) => Promise<Analysis>;

export function completionSource(analyze: Analyze) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    // Something must have been typed or asked for: a bare blank line offers nothing by itself.
    const before = context.matchBefore(/[\w$]+|[|,(.="']\s*|\s/);
    if (before === null && !context.explicit) return null;
    const analysis = await analyze(context.state.doc.toString(), context.pos).catch(() => null);
    if (context.aborted || analysis === null || analysis.completions.length === 0) return null;
    const from = Math.min(...analysis.completions.map((one) => one.start));
    // The compiler offered what fits the letters so far: the list serves while these only grow.
    const letters = context.state.sliceDoc(from, context.pos);
    const validFor = (text: string) => text.startsWith(letters) && /^["']?\w*$/.test(text);
    return { from, options: analysis.completions.map((one, at) => offerOf(one, at)), validFor };
  };
}

function offerOf(completion: Analysis["completions"][number], at: number): Offer {
  const documentation = completion.documentation;
  return {
    label: completion.label,
    detail: completion.detail ?? completion.kind,
    type: completion.kind,
    apply: completion.insert,
    // The compiler's order is by fitness; letters typed decide within it.
    boost: -Math.min(at, 90),
    ...(documentation ? { info: documentation } : {}),
  };
}

export function diagnosticsOf(analysis: Analysis, length: number): Finding[] {
  return analysis.diagnostics.map((one) => {
    const from = Math.min(one.start, length);
    return {
      from,
      to: Math.max(from, Math.min(one.end, length)),
      severity: one.level === "hint" ? "info" : one.level,
      message: one.help ? `${one.message}\n${one.help}` : one.message,
      source: one.code,
    };
  });
}

export function hoverOf(analyze: Analyze) {
  return async (view: EditorView, offset: number): Promise<Tooltip | null> => {
    const analysis = await analyze(view.state.doc.toString(), offset).catch(() => null);
    const hover = analysis?.hover;
    if (!hover) return null;
    return { pos: hover.start, end: hover.end, above: true, create: () => ({ dom: hoverElement(hover.title, hover.text) }) };
  };
}

function hoverElement(title: string, text: string): HTMLElement {
  const dom = document.createElement("div");
  dom.className = "cm-vigie-hover";
  const heading = dom.appendChild(document.createElement("strong"));
  heading.textContent = title;
  const body = dom.appendChild(document.createElement("div"));
  body.textContent = text;
  return dom;
}
