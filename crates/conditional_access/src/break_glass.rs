//! Accounts of the last resort: no policy may hold them up, in no circumstances. Looked at over what was recorded and over
//! circumstances that were made; this is a search for a counter-example, not a proof.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::judge::Outcome;
use crate::policy::Policies;
use crate::sign_in::{SignIn, Subject};
use crate::variants::{Mentioned, combinations};
use crate::what_if::Recorded;

/// Combinations of circumstances for each account and application.
const COMBINATIONS: usize = 4_000;

/// What a look over accounts of the last resort found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Names of the accounts that were looked at; with none known, one was made up.
    pub accounts: BTreeSet<String>,
    pub recorded: u64,
    pub generated: u64,
    /// The first counter-example of each account; none: nothing holds them up.
    pub held_up: Vec<HeldUp>,
}

/// An account of the last resort that a policy holds up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldUp {
    pub name: String,
    pub outcome: Outcome,
    /// Keys.
    pub policies: BTreeSet<String>,
    pub sign_in: SignIn,
    /// It happened.
    pub recorded: bool,
}

/// Looks for a sign-in of an account of the last resort that a policy holds up.
pub fn look(policies: &Policies, accounts: &[Subject], recorded: &[Recorded]) -> BreakGlass {
    let mentioned = Mentioned::of(policies);
    let mut found = BreakGlass { accounts: BTreeSet::new(), recorded: 0, generated: 0, held_up: Vec::new() };
    let mut seen = BTreeSet::new();
    let mut look_at = |found: &mut BreakGlass, sign_in: &SignIn, recorded: bool| {
        let judgement = policies.judge(sign_in);
        if judgement.outcome == Outcome::Allowed || !seen.insert(sign_in.subject.name.clone()) {
            return;
        }
        found.held_up.push(HeldUp {
            name: sign_in.subject.name.clone(),
            outcome: judgement.outcome,
            policies: judgement.policies,
            sign_in: sign_in.clone(),
            recorded,
        });
    };
    for one in recorded.iter().filter(|one| one.sign_in.subject.break_glass) {
        found.recorded += one.count;
        look_at(&mut found, &one.sign_in, true);
    }
    for subject in subjects(accounts, &mentioned) {
        found.accounts.insert(subject.name.clone());
        for application in mentioned.some_applications() {
            for sign_in in combinations(&subject, &application, &mentioned, COMBINATIONS) {
                found.generated += 1;
                look_at(&mut found, &sign_in, false);
            }
        }
    }
    found
}

/// The accounts that are known; else one in every group and role that is named, and with everything that it could hold.
fn subjects(accounts: &[Subject], mentioned: &Mentioned) -> Vec<Subject> {
    let known: Vec<Subject> = accounts.iter().filter(|one| one.break_glass).cloned().collect();
    if !known.is_empty() {
        return known;
    }
    vec![Subject {
        id: "break-glass".to_owned(),
        name: "break-glass".to_owned(),
        groups: mentioned.groups.clone(),
        roles: mentioned.roles.clone(),
        sensitivity: 2,
        guest: false,
        break_glass: true,
    }]
}
