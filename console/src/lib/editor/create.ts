// The KQL editor: CodeMirror dressed with what our own compiler says. Loaded when it is first needed.
// It lives in a shadow root, where its style sheets are constructed ones, so the content policy needs no exception.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers, placeholder } from "@codemirror/view";
import type { Analysis } from "$lib/api/types";
import { completionSource, diagnosticsOf, hoverOf } from "./language";
import { colours, setColours } from "./colours";
import { theme } from "./theme";

export interface EditorOptions {
  text: string;
  label: string;
  placeholder: string;
  analyze: (text: string, offset: number | null) => Promise<Analysis>;
  onchange: (text: string) => void;
  onrun: () => void;
  /** What the compiler found, for the status line. */
  onanalysis: (analysis: Analysis | null) => void;
}

export interface Editor {
  focus(): void;
  text(): string;
  replace(text: string): void;
  insert(text: string): void;
  /** The selected text, or nothing when the selection is empty. */
  selection(): string;
  goTo(offset: number): void;
  destroy(): void;
}

const settle_ms = 80;

export function createEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.attachShadow({ mode: "open" });
  const labels = new Compartment();
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks the compiler once typing has settled; an answer about an older text is dropped. */
  function review(view: EditorView) {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const text = view.state.doc.toString();
      try {
        const analysis = await options.analyze(text, null);
        if (view.state.doc.toString() !== text) return;
        view.dispatch(setColours(analysis.tokens, text.length), setDiagnostics(view.state, diagnosticsOf(analysis, text.length)));
        options.onanalysis(analysis);
      } catch {
        options.onanalysis(null);
      }
    }, settle_ms);
  }

  const view: EditorView = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (options.onrun(), true) }])),
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        bracketMatching(),
        closeBrackets(),
        search({ top: true }),
        colours,
        autocompletion({ override: [completionSource(options.analyze)], maxRenderedOptions: 60, icons: false }),
        hoverTooltip(hoverOf(options.analyze)),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...searchKeymap, ...lintKeymap, indentWithTab]),
        EditorView.lineWrapping,
        placeholder(options.placeholder),
        theme,
        labels.of(EditorView.contentAttributes.of({ "aria-label": options.label, dir: "ltr", spellcheck: "false" })),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          options.onchange(update.state.doc.toString());
          review(update.view);
        }),
      ],
    }),
  });
  if (options.text !== "") review(view);

  return {
    focus: () => view.focus(),
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } }),
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    selection: () => {
      const { from, to } = view.state.selection.main;
      return view.state.sliceDoc(from, to);
    },
    goTo: (offset) => {
      view.dispatch({ selection: { anchor: Math.min(offset, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => {
      clearTimeout(timer);
      view.destroy();
    },
  };
}
