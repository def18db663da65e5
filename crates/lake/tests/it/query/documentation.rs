//! Examples of the language's documentation: how many are answered as printed. A ratchet: the numbers only improve.

use std::io::Write;

use lake::query::batch::Asking;
use serde_json::Value as Json;

use super::{FixedTables, NOW, engine_over};

/// Examples answered with the rows that are printed. The official compiler judges names where it and a page differ
/// (`cargo xtask kql agree`): pages shorten queries after they ran.
const RIGHT_AT_LEAST: usize = 350;
/// Examples answered with other rows than printed; `docs/kql-deviations.md` tells why.
const WRONG_AT_MOST: usize = 24;

#[test]
fn documentation_examples_hold_the_ratchet() {
    let Some(path) = testkit::shared_data("kql/doc_examples.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let engine = engine_over(FixedTables::default(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let results = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("doc_results.jsonl");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&results).unwrap());
    let (mut right, mut other_names, mut wrong, mut refused) = (0, 0, Vec::new(), 0);
    for line in text.lines() {
        let example: Json = serde_json::from_str(line).unwrap();
        if example["expected"].is_null() {
            continue;
        }
        let mut answer = runtime.block_on(lake::query::batch::answer_line(&engine, line, &Asking::at(NOW)));
        if let Some(columns) = answer.get_mut("columns").and_then(Json::as_array_mut) {
            columns.iter_mut().for_each(|column| *column = column["name"].clone());
        }
        writeln!(out, "{answer}").unwrap();
        match super::compare::verdict(&example, &answer) {
            super::compare::Verdict::Right => right += 1,
            super::compare::Verdict::OtherNames => {
                right += 1;
                other_names += 1;
            }
            super::compare::Verdict::Refused => refused += 1,
            super::compare::Verdict::Wrong(how) => wrong.push(format!("{}: {how}", example["id"])),
        }
    }
    let count = wrong.len();
    println!("documentation: {right} right ({other_names} under other names), {count} wrong, {refused} refused");
    wrong.iter().for_each(|line| println!("  {line}"));
    assert!(right >= RIGHT_AT_LEAST, "{right} examples are right; there were {RIGHT_AT_LEAST}");
    assert!(wrong.len() <= WRONG_AT_MOST, "{} examples are wrong; there were {WRONG_AT_MOST}", wrong.len());
}
