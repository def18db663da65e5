//! Roles that the access which people have suggests: an exact cover by few roles, named by what their people have in
//! common. A suggestion writes nothing; whoever likes one saves it as a document.

use std::collections::{BTreeMap, BTreeSet};

use entitlements::User;
use entitlements::roles::{Access, Budget, Goal, mine, name};
use kernel::id::PersonId;

use crate::approver::Directory;
use crate::error::{Error, Refusal};
use crate::inventory::{Inventory, Scope};
use crate::room::Identity;

/// Fewer people than this are no role but somebody's own access.
const FEWEST_PEOPLE: usize = 3;
/// What an answer may take, in steps of about a microsecond.
const BUDGET: Budget = Budget { steps: 2_000_000, seed: 1 };

/// A role that could be.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSuggestion {
    /// `system/entitlement`, ascending.
    pub grants: Vec<String>,
    pub people: usize,
    /// What its people have in common: attribute and value.
    pub terms: Vec<(String, String)>,
    /// Share of the people with these attributes who have the access.
    pub precision: Option<f64>,
    /// Share of the role's people who have these attributes.
    pub recall: Option<f64>,
    /// The role of the house that gives exactly this already.
    pub role: Option<String>,
}

/// What was found in the access of everybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestions {
    /// The largest first.
    pub roles: Vec<RoleSuggestion>,
    /// Roles that cover everything, those of few people among them.
    pub found: usize,
    /// No set of fewer roles covers it.
    pub at_least: usize,
    pub people: usize,
    pub accesses: usize,
}

impl Identity {
    /// Looks for roles in what people hold of some systems; of all when none is named. It takes some seconds of work on
    /// the calling task.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn role_suggestions(&self, systems: &BTreeSet<String>) -> Result<Suggestions, Error> {
        let mut read = self.store.clone();
        let now = self.now();
        let inventory = Inventory::load(&mut read, Scope::Everybody, now).await?;
        let directory = Directory::load(&mut read, now).await?;
        let access = held(&inventory, systems);
        let set = mine(&access, Goal::FewestRoles, BUDGET).map_err(|error| Refusal::rule(error.to_string()))?;
        let words = Words::of(&inventory.people, &directory);
        let known = known_roles(&inventory);
        let mut roles: Vec<RoleSuggestion> = set
            .roles
            .iter()
            .filter(|role| role.users.len() >= FEWEST_PEOPLE)
            .map(|role| {
                let mut grants: Vec<String> = role
                    .permissions
                    .iter()
                    .filter_map(|place| inventory.entitlements.get(*place as usize))
                    .map(|one| one.grant().to_string())
                    .collect();
                grants.sort_unstable();
                let named = name(&role.users, &words.attributes);
                RoleSuggestion {
                    people: role.users.len(),
                    terms: named.iter().flat_map(|one| &one.terms).filter_map(|term| words.term(*term)).collect(),
                    precision: named.as_ref().map(|one| one.precision),
                    recall: named.as_ref().map(|one| one.recall),
                    role: known.get(&grants).cloned(),
                    grants,
                }
            })
            .collect();
        roles.sort_by(|left, right| (right.people, &left.grants).cmp(&(left.people, &right.grants)));
        Ok(Suggestions {
            roles,
            found: set.roles.len(),
            at_least: set.at_least,
            people: access.users(),
            accesses: access.grants(),
        })
    }
}

/// What everybody holds of the systems, nested access included.
fn held(inventory: &Inventory, systems: &BTreeSet<String>) -> Access {
    let counts = |place: u32| {
        let one = inventory.entitlements.get(place as usize);
        one.is_some_and(|one| systems.is_empty() || systems.contains(&one.system))
    };
    let of = |user: u32| {
        let all = inventory.closure.entitlements_of(User(user));
        all.into_iter().map(|held| held.0).filter(|place| counts(*place)).collect()
    };
    Access::new((0_u32..).zip(&inventory.people).map(|(user, _)| of(user)).collect())
}

/// Roles of the house by all that they give.
fn known_roles(inventory: &Inventory) -> BTreeMap<Vec<String>, String> {
    let given = |key: &String| {
        let target = crate::assignment::Target::Role(key.clone());
        let mut grants: Vec<String> =
            inventory.given_by(&target).into_iter().map(|one| one.grant().to_string()).collect();
        grants.sort_unstable();
        (grants, key.clone())
    };
    inventory.roles.keys().map(given).collect()
}

/// Attributes of people as numbers.
struct Words {
    attributes: Vec<Vec<(u32, u32)>>,
    values: Vec<String>,
}

const DIMENSIONS: [&str; 4] = ["engagement.job", "engagement.org_unit", "engagement.station", "engagement.grade"];

impl Words {
    fn of(people: &[PersonId], directory: &Directory) -> Words {
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut values: Vec<String> = Vec::new();
        let attributes = people.iter().map(|person| {
            let Some(post) = directory.post(*person) else { return Vec::new() };
            let sheet = &post.sheet;
            let texts = [&sheet.job, &sheet.org_unit, &sheet.station, &sheet.grade];
            (0_u32..)
                .zip(texts)
                .filter_map(|(dimension, text)| {
                    let text = text.as_ref()?;
                    let next = u32::try_from(values.len()).unwrap_or(u32::MAX);
                    let number = *numbers.entry(text.clone()).or_insert_with(|| {
                        values.push(text.clone());
                        next
                    });
                    Some((dimension, number))
                })
                .collect()
        });
        let attributes = attributes.collect();
        Words { attributes, values }
    }

    fn term(&self, (dimension, value): (u32, u32)) -> Option<(String, String)> {
        let dimension = DIMENSIONS.get(dimension as usize)?;
        Some(((*dimension).to_owned(), self.values.get(value as usize)?.clone()))
    }
}
