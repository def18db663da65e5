//! The literate specifications in `specs/*.md`: each ```kql block is answered as the block after it says.

use kernel::port::{QueryError, QueryRequest};
use lake::query::QueryEngine;

use super::{FixedTables, NOW, engine_over, printed};

#[test]
fn specifications_hold() {
    hold("specs", FixedTables::default);
}

/// Every block of the specifications under `folder` (from the crate) is answered as the block after it says.
pub fn hold(folder: &str, tables: impl Fn() -> FixedTables) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let engine = engine_over(tables(), 1);
    let whole = super::engine(tables(), 1, false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rewrite = std::env::var_os("UPDATE_SPECS").is_some();
    let (mut failures, mut cases) = (Vec::new(), 0);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "md"));
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut rewritten = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("```kql\n") {
            let (query, after) = after.split_once("\n```\n").unwrap();
            let (gap, after) = after.split_once("```\n").unwrap();
            let (expected, after) = after.split_once("\n```").unwrap();
            let ask = |engine: &QueryEngine| match runtime.block_on(engine.query(QueryRequest::new(query, NOW))) {
                Ok(answer) => printed(&answer),
                Err(QueryError::Invalid(diagnostics)) => format!("refused: {}", diagnostics[0].message),
                Err(error) => format!("failed: {error}"),
            };
            let answered = ask(&engine);
            assert_eq!(ask(&whole), answered, "planning every column gives another answer\n{query}");
            cases += 1;
            if answered != expected {
                failures.push(format!("{}\n{query}\nexpected:\n{expected}\nanswered:\n{answered}\n", file.display()));
            }
            rewritten.push_str(&format!("{before}```kql\n{query}\n```\n{gap}```\n{answered}\n```"));
            rest = after;
        }
        rewritten.push_str(rest);
        if rewrite {
            std::fs::write(&file, rewritten).unwrap();
        }
    }
    assert!(cases > 0, "no specification was found");
    assert!(failures.is_empty() || rewrite, "{} of {cases} cases differ\n{}", failures.len(), failures.join("\n"));
}
