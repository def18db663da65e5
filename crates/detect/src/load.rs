//! Rules from their texts into force.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kernel::diagnostic::Level;
use sigma::correlation::{Correlation, Correlations, Settings};
use sigma::{Engine, Mappings, Problem, RuleSet};

use crate::Detect;
use crate::correlating::Correlating;
use crate::error::Error;
use crate::in_force::{InForce, Switches};
use crate::rule::{CORRELATION, NewRule, Rule, RuleKind, RuleState};

/// What loading rules gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    pub rules: usize,
    pub correlations: usize,
    /// Rule texts that were refused; each is a broken rule with its problem.
    pub refused: usize,
    /// Rules that cannot fire, such as those whose log source is not mapped.
    pub unreachable: usize,
    pub switched_off: usize,
}

/// Rules on their way into force.
pub struct SigmaPack<'a> {
    pub set: RuleSet,
    pub mappings: Mappings,
    /// The revision of the pack that a file belongs to, such as a commit; `None`: the rule's own date stands for it.
    pub revision: &'a (dyn Fn(&Path) -> Option<String> + Sync),
    /// How much correlations wait and keep.
    pub correlation: Settings,
}

impl Detect {
    /// Puts a set of Sigma rules in force, in place of the one before. What correlations remember goes on, also after a
    /// restart. Compiling takes seconds of one core; it runs beside the runtime.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; the rules before stay in force.
    pub async fn load_sigma(&self, pack: SigmaPack<'_>) -> Result<Loaded, Error> {
        let SigmaPack { set, mappings, revision, correlation } = pack;
        let RuleSet { rules, correlations, mut problems, .. } = set;
        let compiled = tokio::task::spawn_blocking(move || Engine::compile(rules, &mappings));
        let engine = compiled.await.map_err(|error| Error::Refused(format!("compiling rules was stopped: {error}")))?;
        let (_, left_out) = Correlations::compile(&correlations, engine.rules());
        problems.extend(left_out);
        let mut rules = new_rules(&engine, &correlations, &problems, revision);
        for (rule, problem) in self.blinded(&rules).await? {
            rules[rule].problems.push(problem);
        }
        let stored = self.sync_rules(RuleKind::Sigma, &rules).await?;
        let switches = Switches::of(&stored);
        let on: Vec<Arc<Correlation>> =
            correlations.into_iter().filter(|one| !switches.off.contains(&one.id)).collect();
        // One whose rules are correlated by another that is off says so and is left out.
        let (correlations, _) = Correlations::compile(&on, engine.rules());
        let loaded = Loaded {
            rules: engine.rules().len(),
            correlations: correlations.rules().count(),
            refused: rules.iter().filter(|rule| rule.broken).count(),
            unreachable: engine.reaches().iter().filter(|reach| reach.unreachable.is_some()).count(),
            switched_off: stored.values().filter(|(state, _)| *state == RuleState::Disabled).count(),
        };
        let revisions = rules.into_iter().filter_map(|rule| Some((rule.id, rule.revision?))).collect();
        let now = InForce {
            engine: Arc::new(engine),
            correlations: Arc::new(correlations),
            switches: Arc::new(switches),
            revisions: Arc::new(revisions),
        };
        self.correlate_with(&now, correlation).await?;
        self.in_force.store(Arc::new(now));
        Ok(loaded)
    }

    /// Lets correlations go on with the rules that come into force.
    async fn correlate_with(&self, now: &InForce, settings: Settings) -> Result<(), Error> {
        let mut correlating = self.correlating.lock().await;
        let (saved, entries) = match correlating.as_ref() {
            Some(running) => (Some(running.saved()), Vec::new()),
            None => self.saved_correlations().await?,
        };
        let (mut next, lost) = Correlating::resume(now, settings, saved);
        for lost in lost {
            tracing::warn!(
                correlation = lost.correlation,
                hits = lost.hits,
                "a correlation begins anew: {}",
                lost.reason
            );
        }
        for (number, taken) in entries {
            // What this says was stored with the entry.
            drop(next.take_again(number, taken));
        }
        *correlating = Some(next);
        Ok(())
    }

    /// A switch or a severity counts from the next batch on; that of a correlation when the rules are loaded again.
    pub(crate) fn take_switch(&self, rule: &Rule) {
        let mut correlated = false;
        self.in_force.rcu(|now| {
            correlated = now.correlations.rule(&rule.id).is_some();
            let mut switches = Switches::clone(&now.switches);
            match rule.state {
                RuleState::Disabled => switches.off.insert(rule.id.clone()),
                RuleState::Enabled | RuleState::Broken => switches.off.remove(&rule.id),
            };
            match rule.severity_override {
                Some(severity) => drop(switches.severities.insert(rule.id.clone(), severity)),
                None => drop(switches.severities.remove(&rule.id)),
            }
            InForce { switches: Arc::new(switches), ..now.as_ref().clone() }
        });
        if correlated || rule.is_correlation() {
            self.reload.notify_one();
        }
    }

    /// Returns when the rules should be loaded again: somebody asked for it, or decided something that changes them.
    pub async fn reload_wanted(&self) {
        self.reload.notified().await;
    }

    /// Asks for the rules to be loaded again.
    pub fn want_reload(&self) {
        self.reload.notify_one();
    }
}

/// The loaded rules and, as broken ones, the refused texts.
fn new_rules(
    engine: &Engine,
    correlations: &[Arc<Correlation>],
    problems: &[Problem],
    revision: &dyn Fn(&Path) -> Option<String>,
) -> Vec<NewRule> {
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for problem in problems.iter().filter(|problem| problem.level != Level::Error) {
        if let Some(rule) = &problem.rule {
            by_rule.entry(rule).or_default().push(format!("{}; {}", problem.reason, problem.remedy));
        }
    }
    // The revision of a pack goes before the rule's own date.
    let of_pack = |rule: NewRule, file: &Path| NewRule { revision: revision(file).or(rule.revision), ..rule };
    let loaded = engine.rules().iter().zip(engine.reaches()).map(|(rule, reach)| {
        let mut problems = by_rule.get(rule.id.as_str()).cloned().unwrap_or_default();
        problems.extend(reach.unreachable.clone());
        of_pack(new_rule(rule, problems), &rule.file)
    });
    let correlated = correlations.iter().map(|rule| {
        let problems = by_rule.get(rule.id.as_str()).cloned().unwrap_or_default();
        of_pack(new_correlation(rule, problems), &rule.file)
    });
    // A correlation that was left out is among the correlations already, broken.
    let loaded: Vec<NewRule> = loaded.chain(correlated).collect();
    let known: BTreeSet<&str> = loaded.iter().map(|rule| rule.id.as_str()).collect();
    let refused = problems.iter().filter(|problem| problem.level == Level::Error);
    let refused = refused.filter(|problem| !problem.rule.as_deref().is_some_and(|rule| known.contains(rule)));
    let refused: Vec<NewRule> = refused.map(broken_rule).collect();
    loaded.into_iter().chain(refused).collect()
}

/// Rules and correlations say the same of themselves.
macro_rules! as_stored {
    ($rule:expr, $log_source:expr, $problems:expr) => {
        NewRule {
            id: $rule.id.clone(),
            kind: RuleKind::Sigma,
            title: $rule.title.clone(),
            severity: $rule.severity,
            broken: false,
            status: $rule.status.map(|status| format!("{status:?}").to_lowercase()),
            log_source: Some($log_source),
            techniques: $rule.techniques(),
            tags: $rule.tags.clone(),
            origin: $rule.file.display().to_string(),
            description: $rule.description.clone(),
            author: Some($rule.author.clone()).filter(|author| !author.is_empty()),
            references: $rule.references.clone(),
            false_positives: $rule.falsepositives.clone(),
            text: $rule.text.to_string(),
            digest: $rule.sha256.clone(),
            problems: $problems,
            schedule: None,
            revision: $rule.modified.clone().or_else(|| $rule.date.clone()),
        }
    };
}

fn new_rule(rule: &sigma::Rule, problems: Vec<String>) -> NewRule {
    let source: Vec<&str> = rule.logsource.attributes().into_iter().flatten().collect();
    as_stored!(rule, source.join("/"), problems)
}

fn new_correlation(rule: &Correlation, problems: Vec<String>) -> NewRule {
    as_stored!(rule, format!("{CORRELATION}/{}", rule.type_name()), problems)
}

/// A text that was refused is shown among the rules, under a name made of its file.
fn broken_rule(problem: &Problem) -> NewRule {
    let file = problem.file.display().to_string();
    let identity = format!("{file}\n{}\n{}", problem.rule.as_deref().unwrap_or_default(), problem.line.unwrap_or(0));
    let name = problem.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let title = problem.rule.clone().unwrap_or(name);
    NewRule::refused(RuleKind::Sigma, &identity, title, file, String::new(), problem.to_string())
}
