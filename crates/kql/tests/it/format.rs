//! Formatting changes nothing but white space: the tree stays, a second pass finds nothing to do.
//!
//! Tried on every query of the specifications and, where the shared data is there, on the published ones; each also with
//! its white space made over by chance (a seed), which stands for the many ways in which people set a query.

#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

use std::path::{Path, PathBuf};

/// The tree without places.
fn shape(text: &str) -> String {
    let tree = format!("{:?}", kql::parse(text).script);
    let mut shape = String::with_capacity(tree.len());
    let mut rest = tree.as_str();
    while let Some(at) = rest.find("Span {") {
        shape.push_str(&rest[..at]);
        rest = rest[at..].split_once('}').map_or("", |(_, after)| after);
    }
    shape + rest
}

/// The queries of the specifications of this crate and of the engine.
fn specified() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [here.join("specs"), here.join("../lake/specs")] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let blocks = text.split("```kql\n").skip(1);
            found.extend(blocks.filter_map(|block| block.split_once("\n```")).map(|(query, _)| query.to_owned()));
        }
    }
    found
}

fn published() -> Vec<String> {
    let fallback = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("VIGIE_SHARED_DATA").map_or_else(fallback, PathBuf::from);
    let Ok(lines) = std::fs::read_to_string(root.join("kql/rule_queries.jsonl")) else {
        println!("skipped the published queries: the shared data is not here (VIGIE_SHARED_DATA)");
        return Vec::new();
    };
    let query =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["query"].as_str().map(str::to_owned);
    lines.lines().filter_map(query).collect()
}

/// `text` with the white space between its tokens made over: never where there was none, never the line end of a
/// comment.
fn made_over(text: &str, chance: &mut impl FnMut(usize) -> usize) -> String {
    let (tokens, _) = kql::lex(text);
    let mut out = String::new();
    let mut end = 0;
    for token in tokens {
        let gap = &text[end..token.span.start as usize];
        let comment = out.rfind('\n').map_or(out.as_str(), |at| &out[at..]).contains("//");
        if gap.is_empty() || comment || gap.contains('\n') {
            out.push_str(gap);
        } else {
            out.push_str([" ", "  ", "\t", "\n", "\n\n", " \n  "][chance(6)]);
        }
        out.push_str(&text[token.span.start as usize..token.span.end as usize]);
        end = token.span.end as usize;
    }
    out + &text[end..]
}

#[test]
fn only_white_space_changes() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).unwrap_or(0) % below
    };
    let queries: Vec<String> = specified().into_iter().chain(published()).collect();
    assert!(queries.len() > 300, "the specifications were not found");
    for query in queries {
        for text in [made_over(&query, &mut chance), query] {
            let once = kql::format(&text);
            assert_eq!(shape(&once), shape(&text), "another query\n{text}\nbecame\n{once}");
            assert_eq!(kql::format(&once), once, "a second pass changes\n{text}");
        }
    }
}
