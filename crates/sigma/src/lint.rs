//! What is questionable about a rule that can be loaded: for `vigie rules check`.
//!
//! A finding is a [`Problem`] of level warning or hint; what keeps a rule from loading is found by [`crate::load`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kernel::diagnostic::Level;

use crate::correlation::{Correlation, Occurrence, Target, Together};
use crate::detection::{Item, Test};
use crate::engine::Engine;
use crate::pattern::Shape;
use crate::problem::{Problem, line_of};
use crate::rule::Rule;

/// Findings about every rule of `engine`, in its order.
pub fn lint(engine: &Engine) -> Vec<Problem> {
    let mut findings = Vec::new();
    for (rule, reach) in engine.rules().iter().zip(engine.reaches()) {
        let mut add = |finding: Finding, near: &str, reason: String| {
            findings.push(finding.of(&rule.id, &rule.file, line_of(&rule.text, near), reason));
        };
        if let Some(reason) = &reach.unreachable {
            add(Finding::CannotFire, "logsource:", reason.clone());
        }
        metadata(rule, &mut add);
        rule.for_each_item(&mut |detection, item| check_item(detection, item, &mut add));
        unused(rule, &mut add);
    }
    findings
}

/// Findings about `correlations`, whose rules are compiled in `engine`.
pub fn correlations(correlations: &[Arc<Correlation>], engine: &Engine) -> Vec<Problem> {
    let mut fires: BTreeMap<&str, bool> = BTreeMap::new();
    for (rule, reach) in engine.rules().iter().zip(engine.reaches()) {
        fires.insert(&rule.id, reach.unreachable.is_none());
    }
    let mut findings = Vec::new();
    for rule in correlations {
        let fired = |slot: usize| match &rule.rules[slot].target {
            Target::Rule(id) | Target::Correlation(id) => fires.get(id.as_str()).copied().unwrap_or(false),
        };
        let dead: Vec<usize> = (0..rule.rules.len()).filter(|slot| !fired(*slot)).collect();
        let can_fire = can_fire(rule, &dead);
        let mut add = |finding: Finding, near: &str, reason: String| {
            findings.push(finding.of(&rule.id, &rule.file, line_of(&rule.text, near), reason));
        };
        if !can_fire {
            let names: Vec<String> = dead.iter().map(|slot| format!("`{}`", rule.rules[*slot].name)).collect();
            let reason = format!("the correlation `{}` waits for {}, which cannot fire", rule.title, names.join(", "));
            add(Finding::CannotFire, &rule.title, reason);
        }
        if rule.id.starts_with("sha256:") {
            add(Finding::NoId, &rule.title, format!("the correlation `{}` has no id", rule.title));
        }
        fires.insert(&rule.id, can_fire);
    }
    findings
}

/// Whether the rules that are not `dead` can be enough. An expression is given the benefit of the doubt.
fn can_fire(rule: &Correlation, dead: &[usize]) -> bool {
    let alive = rule.rules.len() - dead.len();
    match &rule.test {
        Together::Temporal { ordered: true, .. } => dead.is_empty(),
        Together::Temporal { condition: Occurrence::Count(range), .. } => {
            (1..=alive).any(|count| range.holds(count as f64))
        }
        _ => alive > 0,
    }
}

/// The kinds of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    CannotFire,
    NoId,
    NoLevel,
    NoTechnique,
    OldDate,
    MatchesAll,
    StarInModifier,
    SlowRegex,
    UnusedDetection,
    EscapedWildcard,
}

impl Finding {
    /// What was found of the rule `id`.
    fn of(self, id: &str, file: &Path, line: Option<u32>, reason: String) -> Problem {
        Problem {
            code: self.code(),
            level: self.level(),
            file: file.to_owned(),
            line,
            rule: Some(id.to_owned()),
            reason,
            remedy: self.remedy().to_owned(),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Finding::CannotFire => "SIG101",
            Finding::NoId => "SIG102",
            Finding::NoLevel => "SIG103",
            Finding::NoTechnique => "SIG104",
            Finding::OldDate => "SIG105",
            Finding::MatchesAll => "SIG106",
            Finding::StarInModifier => "SIG107",
            Finding::SlowRegex => "SIG108",
            Finding::UnusedDetection => "SIG109",
            Finding::EscapedWildcard => "SIG110",
        }
    }

    const fn level(self) -> Level {
        match self {
            Finding::CannotFire | Finding::MatchesAll | Finding::UnusedDetection | Finding::EscapedWildcard => {
                Level::Warning
            }
            _ => Level::Hint,
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Finding::CannotFire => "map the log source, or take the rule out of force",
            Finding::NoId => "give the rule a UUID as `id`, so that alerts and exceptions survive an edit",
            Finding::NoLevel => "add `level`: informational, low, medium, high or critical",
            Finding::NoTechnique => "tag the rule with its ATT&CK technique, such as attack.t1059.001",
            Finding::OldDate => "write the date as YYYY-MM-DD",
            Finding::MatchesAll => "give the value some text, or use `exists: true` if presence is meant",
            Finding::StarInModifier => "leave the `*` out: the modifier already allows any text there",
            Finding::SlowRegex => {
                "put at least three fixed characters into the expression, so that it runs only where they occur"
            }
            Finding::UnusedDetection => "use the detection in the condition, or remove it",
            Finding::EscapedWildcard => {
                "write two backslashes before the `*` if a backslash and then any text is meant"
            }
        }
    }
}

type Add<'a> = dyn FnMut(Finding, &str, String) + 'a;

fn metadata(rule: &Rule, add: &mut Add<'_>) {
    if rule.id.starts_with("sha256:") {
        add(Finding::NoId, "title:", "the rule has no id".to_owned());
    }
    if !rule.text.lines().any(|line| line.starts_with("level:")) {
        add(Finding::NoLevel, "title:", "the rule has no level; it counts as medium".to_owned());
    }
    if rule.techniques().is_empty() {
        add(Finding::NoTechnique, "tags:", "the rule names no ATT&CK technique".to_owned());
    }
    for date in [&rule.date, &rule.modified].into_iter().flatten() {
        if date.parse::<jiff::civil::Date>().is_err() {
            add(Finding::OldDate, date, format!("`{date}` is not a date of the form YYYY-MM-DD"));
        }
    }
}

fn check_item(detection: &str, item: &Item, add: &mut Add<'_>) {
    let field = item.field.as_deref().unwrap_or("keyword");
    for test in &item.tests {
        match test {
            Test::Text { pattern, .. } => {
                if pattern.shape() == Shape::Anything && item.field.is_none() {
                    add(Finding::MatchesAll, detection, format!("a keyword in `{detection}` matches every event"));
                }
                if let Shape::Exact(text) = pattern.shape()
                    && text.ends_with(['*', '?'])
                    && text.contains('\\')
                {
                    let reason =
                        format!("in `{detection}`, `{field}` ends in an escaped wildcard: `{text}` is meant literally");
                    add(Finding::EscapedWildcard, field, reason);
                }
            }
            Test::Regex(expression) => {
                let source = expression.source.trim_start_matches("(?i)");
                if source.starts_with(".*") || source.ends_with(".*") {
                    let reason = format!("the expression `{source}` begins or ends with `.*`, which changes nothing");
                    add(Finding::StarInModifier, field, reason);
                }
                if crate::literal::required(&expression.source).is_none() {
                    let reason = format!("the expression `{source}` runs on every value of `{field}`");
                    add(Finding::SlowRegex, field, reason);
                }
            }
            _ => {}
        }
    }
}

/// Detections that stand in the text but not in a condition.
fn unused(rule: &Rule, add: &mut Add<'_>) {
    let mut used = std::collections::BTreeSet::new();
    rule.for_each_item(&mut |detection, _| {
        used.insert(detection.to_owned());
    });
    for name in &rule.detections {
        if !used.contains(name) {
            add(Finding::UnusedDetection, &format!("{name}:"), format!("no condition uses the detection `{name}`"));
        }
    }
}
