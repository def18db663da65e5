//! Finds what correlations name: rules and other correlations of the same set.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Correlation, Draft, Target};
use crate::problem::{Fault, Problem, line_of};
use crate::rule::Rule;

/// Correlations that may stand on each other.
const MAX_DEPTH: usize = 16;

/// The drafts whose references lead somewhere, referred ones first; the others become problems.
pub(crate) fn resolve(drafts: Vec<Draft>, rules: &[Rule], problems: &mut Vec<Problem>) -> Vec<Arc<Correlation>> {
    let drafts = distinct(drafts, rules, problems);
    let mut names: HashMap<String, Vec<Target>> = HashMap::new();
    for rule in rules {
        add(&mut names, &rule.id, rule.name.as_deref(), Target::Rule(rule.id.clone()));
    }
    for draft in &drafts {
        let correlation = &draft.correlation;
        add(&mut names, &correlation.id, correlation.name.as_deref(), Target::Correlation(correlation.id.clone()));
    }
    let mut open: Vec<Draft> = Vec::new();
    for mut draft in drafts {
        match look_up(&mut draft.correlation, &names) {
            Ok(()) => open.push(draft),
            Err((near, reason)) => problems.push(refused(&draft, &near, reason)),
        }
    }
    in_order(open, rules, problems)
}

fn add(names: &mut HashMap<String, Vec<Target>>, id: &str, name: Option<&str>, target: Target) {
    names.entry(id.to_owned()).or_default().push(target.clone());
    if let Some(name) = name.filter(|name| *name != id) {
        names.entry(name.to_owned()).or_default().push(target);
    }
}

/// The first of each id stays.
fn distinct(drafts: Vec<Draft>, rules: &[Rule], problems: &mut Vec<Problem>) -> Vec<Draft> {
    let mut taken: HashMap<String, String> =
        rules.iter().map(|rule| (rule.id.clone(), rule.file.display().to_string())).collect();
    let mut kept = Vec::new();
    for draft in drafts {
        let id = draft.correlation.id.clone();
        match taken.get(&id) {
            Some(first) => {
                let line = line_of(&draft.document, &id).map(|line| line + draft.lines_before);
                let reason = format!("the id {id} is taken by {first}");
                problems.push(Fault::Duplicate.at(&draft.correlation.file, line, Some(id), reason));
            }
            None => {
                taken.insert(id, draft.correlation.file.display().to_string());
                kept.push(draft);
            }
        }
    }
    kept
}

fn look_up(correlation: &mut Correlation, names: &HashMap<String, Vec<Target>>) -> Result<(), (String, String)> {
    let title = &correlation.title;
    for reference in &mut correlation.rules {
        let name = &reference.name;
        reference.target = match names.get(name).map(Vec::as_slice) {
            Some([target]) => target.clone(),
            None | Some([]) => {
                let reason = format!("`{title}` correlates the rule `{name}`, which is not loaded");
                return Err((name.clone(), reason));
            }
            Some(several) => {
                let reason = format!("`{title}` correlates `{name}`, which {} rules are called", several.len());
                return Err((name.clone(), reason));
            }
        };
    }
    Ok(())
}

/// Takes what stands on nothing that is still open, until nothing more can be taken: what is left is a circle, stands
/// on one, or on a correlation that was refused.
fn in_order(mut open: Vec<Draft>, rules: &[Rule], problems: &mut Vec<Problem>) -> Vec<Arc<Correlation>> {
    // Of rules, and of the correlations that are done.
    let mut levels: BTreeMap<String, kernel::Severity> =
        rules.iter().map(|rule| (rule.id.clone(), rule.severity)).collect();
    let mut done: Vec<Arc<Correlation>> = Vec::new();
    for depth in 0.. {
        let (ready, waiting): (Vec<Draft>, Vec<Draft>) =
            open.into_iter().partition(|draft| children(draft).all(|id| levels.contains_key(id)));
        open = waiting;
        if ready.is_empty() || depth == MAX_DEPTH {
            let deep = ready.iter().map(|draft| (draft, format!("it stands on more than {MAX_DEPTH} others")));
            problems.extend(deep.map(|(draft, why)| refused(draft, "rules:", sentence(draft, &why))));
            break;
        }
        for mut draft in ready {
            let correlation = &mut draft.correlation;
            let of_rules = correlation.rules.iter().filter_map(|one| match &one.target {
                Target::Rule(id) | Target::Correlation(id) => levels.get(id).copied(),
            });
            if draft.level.is_none() {
                correlation.severity = of_rules.max().unwrap_or(correlation.severity);
            }
            levels.insert(correlation.id.clone(), correlation.severity);
            done.push(Arc::new(draft.correlation));
        }
    }
    let ids: Vec<String> = open.iter().map(|draft| draft.correlation.id.clone()).collect();
    for draft in &open {
        let child = children(draft).find(|id| !levels.contains_key(*id));
        let child = child.cloned().unwrap_or_default();
        let why = if ids.contains(&child) && reaches_itself(&draft.correlation.id, &open) {
            format!("it stands on itself, by way of `{child}`")
        } else {
            format!("it stands on the correlation `{child}`, which was refused")
        };
        problems.push(refused(draft, "rules:", sentence(draft, &why)));
    }
    done
}

fn sentence(draft: &Draft, why: &str) -> String {
    format!("`{}` cannot be used: {why}", draft.correlation.title)
}

fn children(draft: &Draft) -> impl Iterator<Item = &String> {
    draft.correlation.rules.iter().filter_map(|reference| match &reference.target {
        Target::Correlation(id) => Some(id),
        Target::Rule(_) => None,
    })
}

fn reaches_itself(id: &str, open: &[Draft]) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut next = vec![id];
    while let Some(one) = next.pop() {
        let Some(draft) = open.iter().find(|draft| draft.correlation.id == one) else { continue };
        for child in children(draft) {
            if child == id {
                return true;
            }
            if !seen.contains(&child.as_str()) {
                seen.push(child);
                next.push(child);
            }
        }
    }
    false
}

fn refused(draft: &Draft, near: &str, reason: String) -> Problem {
    // A name may stand anywhere; the place that matters is in the list of rules.
    let list = draft.document.find("rules:").map_or(&*draft.document, |at| &draft.document[at..]);
    let before_list = draft.document[..draft.document.len() - list.len()].matches('\n').count();
    let before = u32::try_from(before_list).map_or(draft.lines_before, |count| count + draft.lines_before);
    let line = line_of(list, near).map(|line| line + before);
    Fault::BadCorrelation.at(&draft.correlation.file, line, Some(draft.correlation.id.clone()), reason)
}
