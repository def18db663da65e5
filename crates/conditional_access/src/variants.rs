//! Sign-ins that did not happen: every combination of circumstances that policies tell apart, as far as a bound goes.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::policy::Policies;
use crate::sign_in::{Application, Client, Device, Place, SignIn, Strength, Subject};

/// What policies name.
#[derive(Debug, Default)]
pub(crate) struct Mentioned {
    texts: BTreeSet<String>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) roles: BTreeSet<String>,
    pub(crate) applications: BTreeSet<String>,
}

impl Mentioned {
    pub(crate) fn of(policies: &Policies) -> Mentioned {
        let mut found = Mentioned::default();
        for policy in policies.set.policies() {
            if let Ok(tree) = policy.to_json() {
                found.walk(&tree);
            }
        }
        found
    }

    fn walk(&mut self, tree: &Json) {
        match tree {
            Json::String(text) => drop(self.texts.insert(text.clone())),
            Json::Array(all) => all.iter().for_each(|one| self.walk(one)),
            Json::Object(fields) => {
                if let (Some(Json::String(kind)), Some(Json::String(id))) = (fields.get("type"), fields.get("id")) {
                    let into = match kind.as_str() {
                        "Group" => &mut self.groups,
                        "Role" => &mut self.roles,
                        "Application" => &mut self.applications,
                        _ => return,
                    };
                    into.insert(id.clone());
                    return;
                }
                fields.values().for_each(|one| self.walk(one));
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// Countries that are named, and one that is not.
    pub(crate) fn countries(&self) -> Vec<Option<String>> {
        let is_country = |text: &&String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let named = self.texts.iter().filter(is_country).take(4).cloned().map(Some);
        named.chain([Some("ZZ".to_owned()), None]).collect()
    }

    pub(crate) fn platforms(&self) -> Vec<String> {
        let known = ["windows", "macOS", "iOS", "android", "linux", "windowsPhone"];
        let named = known.iter().filter(|word| self.texts.contains(**word)).map(|word| (*word).to_owned());
        named.chain([String::new()]).collect()
    }

    pub(crate) fn protocols(&self) -> Vec<String> {
        let named = ["deviceCode", "ropc", "authenticationTransfer"].iter().filter(|word| self.texts.contains(**word));
        named.map(|word| (*word).to_owned()).chain(["none".to_owned()]).collect()
    }

    /// Every text that is named, as networks: those that are none do no harm.
    pub(crate) fn networks(&self) -> BTreeSet<String> {
        self.texts.clone()
    }

    /// Applications that are named, and one that is not.
    pub(crate) fn some_applications(&self) -> Vec<Application> {
        let named = self.applications.iter().map(|id| Application { id: id.clone(), name: id.clone() });
        let other = Application { id: "another".to_owned(), name: "another".to_owned() };
        named.chain([other]).collect()
    }
}

/// Combinations for one user at one application: all of them, or `most` spread evenly over all, the first and the last among
/// them.
pub(crate) fn combinations<'a>(
    subject: &'a Subject,
    application: &'a Application,
    mentioned: &Mentioned,
    most: usize,
) -> impl Iterator<Item = SignIn> + 'a {
    const RISKS: [Option<u8>; 5] = [Some(0), Some(1), Some(2), Some(3), None];
    let (countries, platforms, protocols) = (mentioned.countries(), mentioned.platforms(), mentioned.protocols());
    let sizes =
        [RISKS.len(), RISKS.len(), 4, Client::ALL.len(), protocols.len(), 3, platforms.len(), 2, countries.len()];
    let all: usize = sizes.iter().product();
    let count = all.min(most.max(1));
    (0..count).map(move |at| {
        // A stride that reaches the last one.
        let mut rest = if count == 1 { 0 } else { at * (all - 1) / (count - 1) };
        let mut digit = |size: usize| {
            let digit = rest % size;
            rest /= size;
            digit
        };
        let strength = Strength::ALL[digit(Strength::ALL.len())];
        let client = Client::ALL[digit(Client::ALL.len())];
        let device = digit(3);
        let trusted = digit(2) == 1;
        let sign_in_risk = RISKS[digit(RISKS.len())];
        let user_risk = RISKS[digit(RISKS.len())];
        let platform = platforms[digit(platforms.len())].clone();
        let country = countries[digit(countries.len())].clone();
        let protocol = protocols[digit(protocols.len())].clone();
        SignIn {
            subject: subject.clone(),
            application: application.clone(),
            sign_in_risk,
            user_risk,
            strength,
            client,
            protocol,
            device: Device { managed: device > 0, compliant: device > 1, platform },
            place: Place { trusted, country, ..Place::default() },
        }
    })
}
