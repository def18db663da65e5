//! Policies as they are written, and as they are ready to judge.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{Authorizer, Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use serde::{Deserialize, Serialize};

/// What a policy can speak of.
pub const SCHEMA: &str = include_str!("schema.cedarschema");

/// What nothing forbids is permitted: policies restrict, as those of the directory do.
const DEFAULT: &str = "permit(principal, action == Action::\"sign-in\", resource);";
const LONGEST: usize = 64_000;

static READ_SCHEMA: LazyLock<Result<Schema, String>> =
    LazyLock::new(|| Schema::from_cedarschema_str(SCHEMA).map(|(schema, _)| schema).map_err(|error| error.to_string()));

kernel::words! {
    /// What becomes of what a policy says.
    PolicyState {
        Off = "off",
        /// It is judged and counted, and holds nobody up.
        ReportOnly = "report-only",
        On = "on",
    }
}

/// A policy as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyText {
    pub key: String,
    pub title: String,
    pub state: PolicyState,
    /// `forbid` statements of Cedar.
    pub cedar: String,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct Fault {
    pub key: String,
    /// With the line where the text says one.
    pub problem: String,
}

/// Policies that were checked, ready to judge.
#[derive(Debug)]
pub struct Policies {
    pub(crate) set: PolicySet,
    pub(crate) authorizer: Authorizer,
    texts: BTreeMap<String, PolicyText>,
}

impl Policies {
    /// Reads and checks texts whatever their state; choose those that are to judge before.
    ///
    /// # Errors
    /// Everything that is wrong, each with the policy that it is in.
    pub fn compile<'a>(texts: impl IntoIterator<Item = &'a PolicyText>) -> Result<Policies, Vec<Fault>> {
        let mut set = PolicySet::new();
        let mut faults = Vec::new();
        let mut kept = BTreeMap::new();
        let base = Policy::parse(Some(PolicyId::new("*")), DEFAULT).map_err(|error| error.to_string());
        if let Err(problem) = base.and_then(|base| set.add(base).map_err(|error| error.to_string())) {
            faults.push(Fault { key: "*".to_owned(), problem });
        }
        for text in texts {
            match statements(text) {
                Ok(policies) => {
                    for policy in policies {
                        faults.extend(set.add(policy).err().map(|error| text.fault(error.to_string())));
                    }
                    kept.insert(text.key.clone(), text.clone());
                }
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Policies { set, authorizer: Authorizer::new(), texts: kept }) } else { Err(faults) }
    }

    /// No policy: everything is permitted.
    ///
    /// # Errors
    /// The build is at fault.
    pub fn none() -> Result<Policies, Vec<Fault>> {
        Policies::compile([])
    }

    /// The policy with a key.
    pub fn text(&self, key: &str) -> Option<&PolicyText> {
        self.texts.get(key)
    }

    /// All of them, by key.
    pub fn texts(&self) -> impl Iterator<Item = &PolicyText> {
        self.texts.values()
    }
}

impl PolicyText {
    fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault { key: self.key.clone(), problem: problem.into() }
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// What is wrong, with the place.
    pub fn check(&self) -> Result<(), Fault> {
        statements(self).map(drop)
    }
}

/// The key of the policy that a statement belongs to. Statements are called `KEY#N`.
pub(crate) fn key_of(id: &PolicyId) -> String {
    let text: &str = id.as_ref();
    text.split_once('#').map_or(text, |(key, _)| key).to_owned()
}

/// The statements of a text, checked.
pub(crate) fn statements(text: &PolicyText) -> Result<Vec<Policy>, Fault> {
    if text.cedar.len() > LONGEST {
        return Err(text.fault(format!("it is longer than {LONGEST} bytes")));
    }
    if text.key.contains('#') {
        return Err(text.fault("a key has no `#`"));
    }
    let set = PolicySet::from_str(&text.cedar).map_err(|error| text.fault(placed(&text.cedar, &error)))?;
    if set.templates().next().is_some() {
        return Err(text.fault("`?principal` and `?resource` are of templates: say who and what"));
    }
    let schema = READ_SCHEMA.as_ref().map_err(|problem| text.fault(problem.clone()))?;
    let checked = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    if let Some(error) = checked.validation_errors().next() {
        return Err(text.fault(error.to_string()));
    }
    // In the order of the text: the parser calls them `policy0`, `policy1`, …
    let mut found: Vec<&Policy> = set.policies().collect();
    found.sort_by_key(|policy| number(policy.id()));
    if found.is_empty() {
        return Err(text.fault("it has no statement"));
    }
    let renamed = found.into_iter().enumerate().map(|(at, policy)| match policy.effect() {
        Effect::Forbid => Ok(policy.new_id(PolicyId::new(format!("{}#{at}", text.key)))),
        Effect::Permit => Err(text.fault(
            "only `forbid` is written here: what nothing forbids is permitted, and no `permit` could lift a `forbid`",
        )),
    });
    renamed.collect()
}

fn number(id: &PolicyId) -> usize {
    let text: &str = id.as_ref();
    text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

/// What the parser says, with the line of its first label.
fn placed(text: &str, error: &cedar_policy::ParseErrors) -> String {
    let mut words = Vec::new();
    for one in error.iter() {
        let label = miette_offset(one);
        let line = label.map(|offset| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1);
        words.push(line.map_or_else(|| one.to_string(), |line| format!("line {line}: {one}")));
    }
    words.join("; ")
}

fn miette_offset(error: &cedar_policy::ParseError) -> Option<usize> {
    use miette::Diagnostic;
    error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset())
}
