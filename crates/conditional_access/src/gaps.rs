//! What policies leave open: users and applications that none reaches, sign-ins with a password alone, old protocols.
//!
//! A policy *reaches* a user at an application when it would hold up at least one sign-in there, in whatever circumstances.
//! The second factor is *enforced* there when a plain sign-in with a password is held up. Both are looked at with
//! circumstances that were made, not with those that happened.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::judge::Outcome;
use crate::policy::Policies;
use crate::sign_in::{Application, Client, Device, Place, SignIn, Strength, Subject};
use crate::variants::Mentioned;
use crate::what_if::Recorded;

kernel::words! {
    /// What is open.
    GapKind {
        /// No policy reaches a user, at any application that was looked at.
        UserUncovered = "user-uncovered",
        /// No policy reaches an application, for anybody who was looked at.
        ApplicationUncovered = "application-uncovered",
        /// A password alone lets the user in somewhere.
        NoSecondFactor = "no-second-factor",
        /// An old protocol lets the user in.
        LegacyProtocol = "legacy-protocol",
    }
}

/// Something that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub kind: GapKind,
    /// The user's name, or the application's.
    pub subject: String,
    /// Where it is open: names of applications; of a gap of an application, of users. Twenty at most.
    pub at: BTreeSet<String>,
    /// Sign-ins that went through it.
    pub sign_ins: u64,
    pub last: Option<Timestamp>,
    /// 0: ordinary, 1: of high risk, 2: privileged.
    pub sensitivity: u8,
}

/// What policies leave open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gaps {
    pub users: u64,
    pub applications: u64,
    /// Privileged users first, then by sign-ins. Accounts of the last resort are not among them.
    pub gaps: Vec<Gap>,
}

const SHOWN: usize = 20;

/// How the policies stand to one kind of user at one application.
#[derive(Debug, Clone, Copy)]
struct Standing {
    reached: bool,
    second_factor: bool,
    legacy_open: bool,
}

/// Finds what policies leave open for people who are known or signed in, at applications that were signed in to.
pub fn gaps(policies: &Policies, known: &[Subject], recorded: &[Recorded]) -> Gaps {
    let mut subjects: BTreeMap<&str, &Subject> = BTreeMap::new();
    let signed_in = recorded.iter().map(|one| &one.sign_in.subject);
    for subject in known.iter().chain(signed_in).filter(|one| !one.break_glass) {
        subjects.entry(subject.name.as_str()).or_insert(subject);
    }
    let applications: BTreeSet<&Application> = recorded.iter().map(|one| &one.sign_in.application).collect();
    let any = Application { id: "another".to_owned(), name: "another".to_owned() };
    let mut looked: BTreeSet<&Application> = applications.clone();
    looked.insert(&any);
    let passed = passed(recorded);
    let mut building = Building {
        policies,
        mentioned: Mentioned::of(policies),
        passed: &passed,
        kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    let mut reached: BTreeMap<&Application, BTreeSet<&str>> = BTreeMap::new();
    for subject in subjects.values() {
        building.user(subject, &looked, &mut reached);
    }
    for application in &applications {
        if reached.get(application).is_none_or(BTreeSet::is_empty) {
            building.application(application, recorded);
        }
    }
    let mut gaps = building.gaps;
    gaps.sort_by(|left, right| {
        let weight = |gap: &Gap| (gap.sensitivity, gap.sign_ins);
        weight(right).cmp(&weight(left)).then(left.kind.cmp(&right.kind)).then(left.subject.cmp(&right.subject))
    });
    Gaps { users: subjects.len() as u64, applications: applications.len() as u64, gaps }
}

/// Sign-ins of a user: with a password alone, and by an old protocol.
type Passed<'a> = BTreeMap<(&'a str, GapKind), (u64, Timestamp)>;

fn passed(recorded: &[Recorded]) -> Passed<'_> {
    let mut passed: Passed<'_> = BTreeMap::new();
    for one in recorded {
        let sign_in = &one.sign_in;
        let mut count = |kind| {
            let entry = passed.entry((sign_in.subject.name.as_str(), kind)).or_insert((0, one.last));
            *entry = (entry.0 + one.count, entry.1.max(one.last));
        };
        count(GapKind::UserUncovered);
        if sign_in.strength <= Strength::Password {
            count(GapKind::NoSecondFactor);
        }
        if sign_in.client.is_legacy() {
            count(GapKind::LegacyProtocol);
        }
    }
    passed
}

/// People with the same groups, roles and marks stand to policies alike, unless a policy names them.
type Alike = (BTreeSet<String>, BTreeSet<String>, u8, bool, Option<String>);

struct Building<'a> {
    policies: &'a Policies,
    mentioned: Mentioned,
    passed: &'a Passed<'a>,
    kinds: BTreeMap<(Alike, String), Standing>,
    gaps: Vec<Gap>,
}

impl<'a> Building<'a> {
    fn user(
        &mut self,
        subject: &'a Subject,
        applications: &BTreeSet<&'a Application>,
        reached: &mut BTreeMap<&'a Application, BTreeSet<&'a str>>,
    ) {
        let mut open: BTreeMap<GapKind, BTreeSet<String>> = BTreeMap::new();
        let mut is_reached = false;
        for application in applications {
            let standing = self.standing(subject, application);
            is_reached |= standing.reached;
            if standing.reached {
                reached.entry(application).or_default().insert(&subject.name);
            }
            let mut note = |kind| {
                open.entry(kind).or_default().insert(application.name.clone());
            };
            if !standing.second_factor {
                note(GapKind::NoSecondFactor);
            }
            if standing.legacy_open {
                note(GapKind::LegacyProtocol);
            }
        }
        if !is_reached {
            // Everything else follows from that.
            open = BTreeMap::from([(GapKind::UserUncovered, BTreeSet::new())]);
        }
        for (kind, at) in open {
            let (sign_ins, last) = match self.passed.get(&(subject.name.as_str(), kind)) {
                Some((count, last)) => (*count, Some(*last)),
                None => (0, None),
            };
            let at = at.into_iter().take(SHOWN).collect();
            let gap = Gap { kind, subject: subject.name.clone(), at, sign_ins, last, sensitivity: subject.sensitivity };
            self.gaps.push(gap);
        }
    }

    fn application(&mut self, application: &Application, recorded: &[Recorded]) {
        let here = recorded.iter().filter(|one| one.sign_in.application == *application);
        let mut gap = Gap {
            kind: GapKind::ApplicationUncovered,
            subject: application.name.clone(),
            at: BTreeSet::new(),
            sign_ins: 0,
            last: None,
            sensitivity: 0,
        };
        for one in here {
            gap.sign_ins += one.count;
            gap.last = gap.last.max(Some(one.last));
            gap.sensitivity = gap.sensitivity.max(one.sign_in.subject.sensitivity);
            if gap.at.len() < SHOWN {
                gap.at.insert(one.sign_in.subject.name.clone());
            }
        }
        self.gaps.push(gap);
    }

    fn standing(&mut self, subject: &Subject, application: &Application) -> Standing {
        let named = self.policies.texts().any(|text| {
            text.cedar.contains("principal.name") || text.cedar.contains(&subject.id) || text.cedar.contains("User::")
        });
        let alike = (
            subject.groups.clone(),
            subject.roles.clone(),
            subject.sensitivity,
            subject.guest,
            named.then(|| subject.id.clone()),
        );
        let key = (alike, application.id.clone());
        if let Some(known) = self.kinds.get(&key) {
            return *known;
        }
        let standing = judge(self.policies, &self.mentioned, subject, application);
        self.kinds.insert(key, standing);
        standing
    }
}

fn judge(policies: &Policies, mentioned: &Mentioned, subject: &Subject, application: &Application) -> Standing {
    let plain = SignIn::plain(subject.clone(), application.clone());
    let held = |sign_in: &SignIn| policies.judge(sign_in).outcome != Outcome::Allowed;
    let second_factor = held(&plain);
    let legacy = |client| SignIn { client, ..plain.clone() };
    let legacy_open = !(held(&legacy(Client::Other)) && held(&legacy(Client::ActiveSync)));
    let reached = second_factor || !legacy_open || worst(&plain, mentioned).iter().any(held);
    Standing { reached, second_factor, legacy_open }
}

/// The same sign-in where everything speaks against it, in the ways that policies ask for.
fn worst(plain: &SignIn, mentioned: &Mentioned) -> Vec<SignIn> {
    let mut found = Vec::new();
    for client in [Client::Browser, Client::Modern, Client::Other] {
        for platform in mentioned.platforms() {
            for (country, protocol) in mentioned
                .countries()
                .iter()
                .flat_map(|country| mentioned.protocols().into_iter().map(move |protocol| (country.clone(), protocol)))
            {
                found.push(SignIn {
                    sign_in_risk: Some(3),
                    user_risk: Some(3),
                    strength: Strength::Nothing,
                    client,
                    protocol,
                    device: Device { platform: platform.clone(), ..Device::default() },
                    place: Place { country, networks: mentioned.networks(), ..Place::default() },
                    ..plain.clone()
                });
            }
        }
    }
    found
}
