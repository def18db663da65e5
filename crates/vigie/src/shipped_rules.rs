//! Rules that come with Vigie, inside the binary, and those of configured folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use detect::scheduled::parse_sentinel;
use detect::{NewRule, RuleKind};
use rust_embed::RustEmbed;
use sigma::{Lists, Loader, RuleSet};

#[derive(RustEmbed)]
#[folder = "../../content/rules"]
struct Shipped;

/// What the names of these rules' files begin with.
pub const SHIPPED: &str = "vigie";

/// The text of a rule file by its name.
pub fn text(name: &Path) -> Option<String> {
    let file = Shipped::get(name.strip_prefix(SHIPPED).ok()?.to_str()?)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// Sigma rules: ours first, then those of the folders, then filters that are kept elsewhere; what is refused is among
/// the problems. Of two rules with one id the first stands.
pub fn sigma(folders: &[PathBuf], filters: &[(PathBuf, String)], lists: &Lists) -> RuleSet {
    let texts = shipped("sigma/").into_iter().map(|(name, text)| (PathBuf::from(name), text));
    let texts = texts.collect::<Vec<_>>();
    let loader = texts.iter().fold(Loader::new(lists), |loader, (name, text)| loader.text(name, text)).paths(folders);
    filters.iter().fold(loader, |loader, (name, text)| loader.text(name, text)).finish()
}

/// Scheduled rules in Sentinel's YAML form; one that cannot be read is a broken rule with its problem.
pub fn scheduled(folders: &[PathBuf]) -> Result<Vec<NewRule>> {
    let mut texts = [shipped("kql/"), shipped("identity/")].concat();
    for folder in folders {
        for path in yaml_files(folder)? {
            let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            texts.push((path.display().to_string(), text));
        }
    }
    Ok(texts.iter().map(|(name, text)| scheduled_rule(name, text)).collect())
}

fn scheduled_rule(name: &str, text: &str) -> NewRule {
    match parse_sentinel(Path::new(name), text) {
        Ok((id, rule)) => rule.new_rule(&id, name, text, Vec::new()),
        Err(error) => {
            NewRule::refused(RuleKind::Kql, name, name.to_owned(), name.to_owned(), text.to_owned(), error.to_string())
        }
    }
}

/// Name and text of each file below a folder of `content/rules`, by name.
fn shipped(folder: &str) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = Shipped::iter()
        .filter(|name| name.starts_with(folder))
        .filter_map(|name| {
            let file = Shipped::get(&name)?;
            Some((format!("{SHIPPED}/{name}"), String::from_utf8_lossy(&file.data).into_owned()))
        })
        .collect();
    texts.sort();
    texts
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("detect.kql_rules: reading {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.is_dir() {
            found.extend(yaml_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_rule_loads() {
        let set = sigma(&[], &[], &Lists::default());
        let refused: Vec<String> = set.refused().map(ToString::to_string).collect();
        assert!(refused.is_empty(), "{refused:?}");
        assert!(set.rules.len() >= 10);
        let engine = ::sigma::Engine::compile(set.rules, &::sigma::Mappings::shipped());
        let unreachable: Vec<&String> =
            engine.reaches().iter().filter_map(|reach| reach.unreachable.as_ref()).collect();
        assert!(unreachable.is_empty(), "{unreachable:?}");
        for rule in scheduled(&[]).expect("the shipped folder can be read") {
            assert!(rule.problems.is_empty(), "{}: {:?}", rule.origin, rule.problems);
        }
    }

    #[test]
    fn a_text_that_is_no_rule_is_shown_as_broken() {
        let rule = scheduled_rule("a.yaml", "name: x\n");
        assert!(rule.broken && rule.problems[0].contains("a.yaml"));
    }
}
