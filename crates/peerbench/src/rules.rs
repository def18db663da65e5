//! The published rules, and more of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use sigma::detection::{Condition, Detection, Item, Named, Test};
use sigma::pattern::{Part, Pattern};
use sigma::{Lists, Rule, RuleSet, load};

/// Every folder of active rules.
const FOLDERS: [&str; 5] =
    ["rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting"];

/// Where all active rules lie.
pub fn folders(data: &Path) -> Vec<PathBuf> {
    FOLDERS.iter().map(|folder| data.join("sigma").join(folder)).filter(|path| path.is_dir()).collect()
}

/// The folder `rules` alone: some 3,100 of them, as most installations run.
pub fn core(data: &Path) -> Result<RuleSet> {
    found(load(&[data.join("sigma/rules")], &Lists::new()))
}

/// All active rules.
pub fn active(data: &Path) -> Result<RuleSet> {
    found(load(&folders(data), &Lists::new()))
}

fn found(set: RuleSet) -> Result<RuleSet> {
    ensure!(!set.rules.is_empty(), "the shared data has no Sigma rules");
    Ok(set)
}

/// `wanted` rules: those that there are in a fixed mixed order, and beyond them variants that look for other texts.
pub fn many(rules: &[Arc<Rule>], wanted: usize) -> Vec<Arc<Rule>> {
    let mut mixed: Vec<&Arc<Rule>> = rules.iter().collect();
    mixed.sort_by_key(|rule| fnv(rule.id.as_bytes()));
    let variants = (0..).flat_map(|round| mixed.iter().map(move |rule| variant(rule, round)));
    variants.take(wanted).collect()
}

/// The rule itself in round 0; later a rule of its shape in which every text differs by one letter.
fn variant(rule: &Arc<Rule>, round: u8) -> Arc<Rule> {
    if round == 0 {
        return Arc::clone(rule);
    }
    let conditions = rule.conditions.iter().map(|condition| of_condition(condition, round)).collect();
    Arc::new(Rule { id: format!("{}-{round}", rule.id), conditions, ..Rule::clone(rule) })
}

fn of_condition(condition: &Condition, round: u8) -> Condition {
    let all = |parts: &[Condition]| parts.iter().map(|part| of_condition(part, round)).collect();
    match condition {
        Condition::And(parts) => Condition::And(all(parts)),
        Condition::Or(parts) => Condition::Or(all(parts)),
        Condition::Not(inner) => Condition::Not(Box::new(of_condition(inner, round))),
        Condition::AtLeast(least, parts) => Condition::AtLeast(*least, all(parts)),
        Condition::Detection(named) => {
            let detection = of_detection(&named.detection, round);
            Condition::Detection(Arc::new(Named { name: named.name.clone(), detection }))
        }
    }
}

fn of_detection(detection: &Detection, round: u8) -> Detection {
    let all = |parts: &[Detection]| parts.iter().map(|part| of_detection(part, round)).collect();
    match detection {
        Detection::All(parts) => Detection::All(all(parts)),
        Detection::Any(parts) => Detection::Any(all(parts)),
        Detection::Item(item) => {
            let tests = item.tests.iter().map(|test| of_test(test, round)).collect();
            Detection::Item(Item { tests, ..item.clone() })
        }
    }
}

/// Expressions and numbers stay: few rules have them, and they say what kind of event it is.
fn of_test(test: &Test, round: u8) -> Test {
    let Test::Text { pattern, cased } = test else { return test.clone() };
    let parts = pattern.parts().iter().map(|part| match part {
        Part::Text(text) => Part::Text(one_letter_differs(text, round)),
        other => other.clone(),
    });
    Test::Text { pattern: Pattern::new(parts), cased: *cased }
}

/// The middle letter, so that the text still begins and ends as such texts do.
fn one_letter_differs(text: &str, round: u8) -> String {
    let letters: Vec<usize> = (0..text.len()).filter(|at| text.as_bytes()[*at].is_ascii_alphabetic()).collect();
    let Some(&middle) = letters.get(letters.len() / 2) else { return text.to_owned() };
    let letter = text.as_bytes()[middle].to_ascii_lowercase();
    let other = char::from(b'a' + (letter - b'a' + round) % 26);
    format!("{}{other}{}", &text[..middle], &text[middle + 1..])
}

/// Mixes the order without a random generator, the same on every machine.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_looks_for_another_text() {
        assert_eq!(one_letter_differs("\\whoami.exe", 1), "\\whoami.exe".replace("mi.exe", "ni.exe"));
        assert_eq!(one_letter_differs("zz", 1), "za");
        assert_eq!(one_letter_differs("4688", 3), "4688");
    }
}
