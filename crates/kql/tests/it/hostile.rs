//! Any text: no panic, places inside the text, no deep recursion.

use proptest::prelude::*;

use crate::specs::catalog;

const SEEDS: [&str; 8] = [
    include_str!("../../../../fuzz/corpus/kql/joins.kql"),
    include_str!("../../../../fuzz/corpus/kql/series.kql"),
    include_str!("../../../../fuzz/corpus/kql/literals.kql"),
    include_str!("../../../../fuzz/corpus/kql/functions.kql"),
    include_str!("../../../../fuzz/corpus/kql/parse.kql"),
    include_str!("../../../../fuzz/corpus/kql/broken.kql"),
    include_str!("../../../../fuzz/corpus/kql/union.kql"),
    include_str!("../../../../fuzz/corpus/kql/summarize.kql"),
];

/// Everything the crate does with a text, on it.
fn check(text: &str) {
    let catalog = catalog();
    let bound = kql::compile(text, &catalog);
    for diagnostic in &bound.diagnostics {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(start <= end && end <= text.len(), "{diagnostic:?} in {text:?}");
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{diagnostic:?} in {text:?}");
    }
    let failed = bound.diagnostics.iter().any(|d| d.level == kernel::diagnostic::Level::Error);
    assert_eq!(bound.query.is_none(), failed || kql::parse(text).script.statements.is_empty(), "{text:?}");
    let spans: Vec<_> = kql::classify(text, &catalog).iter().map(|classified| classified.span).collect();
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{text:?}");
    let formatted = kql::format(text);
    let words = |text: &str| -> Vec<String> {
        kql::lex(text)
            .0
            .iter()
            .map(|token| text[token.span.start as usize..token.span.end as usize].trim_end().to_owned())
            .collect()
    };
    assert_eq!(words(&formatted), words(text), "formatting changes the tokens of {text:?}");
    assert_eq!(kql::format(&formatted), formatted, "formatting twice differs for {text:?}");
    for at in [0, text.len() / 3, text.len() / 2, text.len(), text.len() + 7] {
        kql::complete(text, at, &catalog);
        kql::hover(text, at, &catalog);
    }
}

#[test]
fn the_seeds_of_the_fuzzer_hold() {
    for seed in SEEDS {
        check(seed);
    }
}

#[test]
fn deep_and_long_texts_are_refused_with_a_place() {
    let deep = |open: &str, close: &str, times: usize| format!("print {}1{}", open.repeat(times), close.repeat(times));
    let many_lets: String = (0..400).map(|n| format!("let a{} = strcat(a{n}, a{n});\n", n + 1)).collect();
    let tables: String = (0..400).map(|n| format!("let t{} = union t{n}, t{n};\n", n + 1)).collect();
    for text in [
        deep("(", ")", 100_000),
        deep("[", "]", 100_000),
        deep("-", "", 100_000),
        deep("f(", ")", 100_000),
        format!("print dynamic({}{})", "[".repeat(50_000), "]".repeat(50_000)),
        format!("print 1{}", " + 1".repeat(100_000)),
        format!("print d{}", ".a".repeat(100_000)),
        format!("T{}", " | count".repeat(50_000)),
        format!("T | where s == 'a'{}", " == true".repeat(50_000)),
        format!("{}T", "let f = () { ".repeat(10_000)),
        format!("let a0 = 'x';\n{many_lets}print a400"),
        format!("let t0 = T;\n{tables}t400"),
        "x".repeat(kql::MAX_QUERY_BYTES + 1),
        "T | join (".repeat(20_000),
        "let f = (x: long) { g(x) }; let g = (x: long) { f(x) }; print f(1)".to_owned(),
    ] {
        let bound = kql::compile(&text, &catalog());
        assert!(bound.query.is_none(), "{}", &text[..60]);
        assert!(!bound.diagnostics.is_empty(), "{}", &text[..60]);
    }
}

#[test]
fn long_flat_texts_are_not_refused() {
    let terms: Vec<String> = (0..5_000).map(|n| format!("s == 'v{n}'")).collect();
    let list: Vec<String> = (0..20_000).map(|n| format!("'v{n}'")).collect();
    for text in [format!("T | where {}", terms.join(" or ")), format!("T | where s in ({})", list.join(", "))] {
        let bound = kql::compile(&text, &catalog());
        assert_eq!(bound.diagnostics, []);
        assert!(bound.query.is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_text_does_no_harm(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn words_of_the_language_in_any_order_do_no_harm(words in prop::collection::vec(prop::sample::select(vec![
        "T", "U", "|", "where", "extend", "project", "summarize", "by", "join", "on", "kind=inner", "(", ")", "[", "]", "{", "}",
        ",", ";", "let", "=", "==", "s", "l", "d", ".", "\"x\"", "1", "1d", "datetime(", "dynamic(", "count()", "ago(", "in",
        "has_any", "between", "..", "union", "*", "-", "print", "range", "from", "to", "step", "mv-expand", "mv-apply", "parse",
        "with", "make-series", "toscalar(", "sort", "top", "datatable", "$left", "'", "//", "\n", "materialize(", "arg_max(t, *)",
    ]), 0..40)) {
        check(&words.join(" "));
    }

    #[test]
    fn mutated_queries_do_no_harm(seed in 0..SEEDS.len(), cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[ -~]{0,3}"), 1..5)) {
        let mut text = SEEDS[seed].to_owned();
        for (at, length, put) in cuts {
            if text.is_empty() {
                break;
            }
            let mut start = at.index(text.len());
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, &put);
        }
        check(&text);
    }
}
