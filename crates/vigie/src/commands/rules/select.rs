//! Which rule is meant.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use sigma::{Lists, Rule, RuleSet};

/// Rules that are named when several are meant.
const LISTED: usize = 10;

/// The rule under `folders` with this id or title; a part of a title will do when only one has it.
pub fn one(folders: &[PathBuf], wanted: &str) -> Result<Arc<Rule>> {
    for folder in folders {
        ensure!(folder.exists(), "{} does not exist", folder.display());
    }
    let set = sigma::load(folders, &Lists::default());
    let lower = wanted.to_lowercase();
    let exact = |rule: &&Arc<Rule>| rule.id == wanted || rule.title.to_lowercase() == lower;
    let part = |rule: &&Arc<Rule>| rule.title.to_lowercase().contains(&lower);
    let mut found: Vec<&Arc<Rule>> = set.rules.iter().filter(exact).collect();
    if found.is_empty() {
        found = set.rules.iter().filter(part).collect();
    }
    match found.as_slice() {
        [rule] => Ok(Arc::clone(rule)),
        [] => bail!("{}", absent(&set, wanted)),
        several => {
            let names: Vec<String> =
                several.iter().take(LISTED).map(|rule| format!("  {}  {}", rule.id, rule.title)).collect();
            bail!("`{wanted}` means {} rules; give the id of one:\n{}", several.len(), names.join("\n"))
        }
    }
}

fn absent(set: &RuleSet, wanted: &str) -> String {
    if let Some(correlation) = set.correlations.iter().find(|one| one.id == wanted || one.title == wanted) {
        return format!("`{}` is a correlation; ask for the rules that it correlates", correlation.title);
    }
    let names_it = |file: &std::path::Path| std::fs::read_to_string(file).is_ok_and(|text| text.contains(wanted));
    match set.refused().find(|problem| names_it(&problem.file)) {
        Some(problem) => format!("the rule was refused: {problem}"),
        None => format!("none of {} rules has the id or title `{wanted}`", set.rules.len()),
    }
}
