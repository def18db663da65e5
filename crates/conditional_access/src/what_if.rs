//! What policies would have done to sign-ins that were recorded, beside what others would have.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::judge::Outcome;
use crate::policy::Policies;
use crate::sign_in::{Application, SignIn};

/// Sign-ins with the same circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub sign_in: SignIn,
    pub count: u64,
    pub last: Timestamp,
}

/// Sign-ins and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub sign_ins: u64,
    pub people: u64,
}

/// Somebody whose sign-ins end otherwise than they did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The name with which they sign in.
    pub name: String,
    pub before: Outcome,
    pub after: Outcome,
    pub sign_ins: u64,
    /// Names of the applications.
    pub applications: BTreeSet<String>,
    /// Keys of the policies that make it so, of those looked at; of those in force before, where they let go.
    pub policies: BTreeSet<String>,
    pub last: Timestamp,
}

/// What one policy does by itself and with the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyEffect {
    pub asked: u64,
    pub blocked: u64,
    pub people: u64,
}

/// What would have been.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhatIf {
    pub considered: Tally,
    pub allowed: Tally,
    /// By control.
    pub asked: BTreeMap<String, Tally>,
    pub blocked: Tally,
    /// By key.
    pub policies: BTreeMap<String, PolicyEffect>,
    /// Whose sign-ins end otherwise than before, the harshest first.
    pub affected: Vec<Affected>,
    /// Accounts of the last resort that would be held up; there must be none.
    pub break_glass: BTreeSet<String>,
}

/// Judges what was recorded under `after`, and says for whom that differs from `before`.
pub fn what_if(before: &Policies, after: &Policies, recorded: &[Recorded]) -> WhatIf {
    let mut answer = WhatIf::default();
    let mut people = People::default();
    let mut affected: BTreeMap<(String, Outcome, Outcome), Affected> = BTreeMap::new();
    for one in recorded {
        let (was, is) = (before.judge(&one.sign_in), after.judge(&one.sign_in));
        let name = one.sign_in.subject.name.as_str();
        people.count(&mut answer, name, is.outcome, one.count);
        for key in &is.policies {
            let effect = answer.policies.entry(key.clone()).or_default();
            match is.outcome {
                Outcome::Blocked => effect.blocked += one.count,
                Outcome::Asked(_) => effect.asked += one.count,
                Outcome::Allowed => {}
            }
            effect.people += u64::from(people.of_policy.insert((key.clone(), name.to_owned())));
        }
        if one.sign_in.subject.break_glass && is.outcome != Outcome::Allowed {
            answer.break_glass.insert(name.to_owned());
        }
        if was.outcome == is.outcome {
            continue;
        }
        let policies = if is.policies.is_empty() { was.policies } else { is.policies };
        let line = affected.entry((name.to_owned(), was.outcome, is.outcome)).or_insert_with(|| Affected {
            name: name.to_owned(),
            before: was.outcome,
            after: is.outcome,
            sign_ins: 0,
            applications: BTreeSet::new(),
            policies: BTreeSet::new(),
            last: one.last,
        });
        line.sign_ins += one.count;
        line.applications.insert(shown(&one.sign_in.application));
        line.policies.extend(policies);
        line.last = line.last.max(one.last);
    }
    answer.affected = affected.into_values().collect();
    answer.affected.sort_by(|left, right| {
        right.after.cmp(&left.after).then(right.sign_ins.cmp(&left.sign_ins)).then(left.name.cmp(&right.name))
    });
    answer
}

fn shown(application: &Application) -> String {
    if application.name.is_empty() { application.id.clone() } else { application.name.clone() }
}

/// Who was counted where.
#[derive(Default)]
struct People {
    all: BTreeSet<String>,
    by_outcome: BTreeSet<(Outcome, String)>,
    of_policy: BTreeSet<(String, String)>,
}

impl People {
    fn count(&mut self, answer: &mut WhatIf, name: &str, outcome: Outcome, count: u64) {
        answer.considered.sign_ins += count;
        answer.considered.people += u64::from(self.all.insert(name.to_owned()));
        let tally = match outcome {
            Outcome::Allowed => &mut answer.allowed,
            Outcome::Blocked => &mut answer.blocked,
            Outcome::Asked(control) => answer.asked.entry(control.to_string()).or_default(),
        };
        tally.sign_ins += count;
        tally.people += u64::from(self.by_outcome.insert((outcome, name.to_owned())));
    }
}
