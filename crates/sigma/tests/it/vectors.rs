//! Each modifier and condition form: what must match, what must not, and the edges. Data in `vectors.md`.

use std::path::Path;

use sigma::{Engine, Lists, Mappings, load_text};

use crate::events::{Fields, batch, flat};

const VECTORS: &str = include_str!("vectors.md");

const MAPPING: &str = "- logsource: { category: test }\n  gates: [{ name: all, when: { '@all': 'yes' } }]\n";

/// The Markdown holds sections: a heading, a detection in a `yaml` block, then lines `hit {…}` and `miss {…}` in a
/// block of their own; or `refused: reason` in place of them.
fn check(title: &str, detection: &str, expectations: &str) -> Result<usize, String> {
    let text = format!("title: t\nid: t\nlogsource: {{ category: test }}\n{detection}");
    let lists = Lists::from([("admins".to_owned(), vec!["root".to_owned(), "adm-*".to_owned()])]);
    let set = load_text(Path::new("vector.yml"), &text, &lists);
    if let Some(reason) = expectations.trim().strip_prefix("refused: ") {
        let given: Vec<&str> = set.problems.iter().map(|problem| problem.reason.as_str()).collect();
        if set.rules.is_empty() && given.iter().any(|one| one.contains(reason)) {
            return Ok(1);
        }
        return Err(format!("{title}: should be refused with `{reason}`, but: {given:?}"));
    }
    if !set.problems.is_empty() {
        return Err(format!("{title}: {:?}", set.problems));
    }
    let mut mappings = Mappings::default();
    mappings.add("test", MAPPING).expect("a mapping");
    let engine = Engine::compile(set.rules, &mappings);
    let mut count = 0;
    for line in expectations.lines().filter(|line| !line.trim().is_empty()) {
        let (expected, json) = line.split_once(' ').ok_or_else(|| format!("{title}: {line}"))?;
        let json = serde_json::from_str(json).map_err(|error| format!("{title}: {line}: {error}"))?;
        let mut event: Fields = flat(&json);
        event.insert("@all".to_owned(), vec!["yes".to_owned()]);
        let batch = batch(&[event]);
        let hit = !engine.evaluate(&batch).hits.is_empty();
        if hit != (expected == "hit") {
            return Err(format!("{title}: expected {line}"));
        }
        let reasons = engine.explain(0, &batch, 0).map_err(|error| error.to_string())?;
        if reasons.is_some() != hit {
            return Err(format!("{title}: the reasons disagree with the hit: {line}"));
        }
        count += 1;
    }
    Ok(count)
}

#[test]
fn vectors() {
    let mut failures = Vec::new();
    let mut count = 0;
    for section in VECTORS.split("\n## ").skip(1) {
        let mut blocks = section.split("```");
        let title = blocks.next().unwrap_or_default().lines().next().unwrap_or_default();
        let blocks: Vec<&str> = blocks.step_by(2).collect();
        for pair in blocks.chunks(2) {
            let [detection, expectations] = pair else {
                failures.push(format!("{title}: a detection without expectations"));
                continue;
            };
            let detection = detection.trim_start_matches("yaml\n");
            match check(title, detection, expectations) {
                Ok(checked) => count += checked,
                Err(failure) => failures.push(failure),
            }
        }
    }
    println!("{count} vectors");
    assert!(count > 100, "only {count} vectors were read");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
