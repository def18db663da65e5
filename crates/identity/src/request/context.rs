//! What whoever decides on a request looks at beside it: what it gives, and what the person holds.

use std::collections::{BTreeMap, BTreeSet};

use kernel::id::RequestId;
use serde::Serialize;

use super::record;
use crate::assignment::Target;
use crate::error::Error;
use crate::inventory::{Inventory, Scope};
use crate::role::Grant;
use crate::room::Identity;
use crate::sod::{Rules, SodRule};
use crate::system::Risk;

/// What whoever decides on a request looks at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestContext {
    pub gives: Vec<GivenByRequest>,
    /// What the person holds now, by whatever way: `system/entitlement`.
    pub holds: Vec<String>,
    /// Rules of separation that were looked at.
    pub rules: usize,
}

/// An entitlement that a request gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GivenByRequest {
    /// `system/entitlement`.
    pub grant: String,
    /// Its own, or that of the worst rule of which it is a side.
    pub risk: Risk,
    /// The person has it already.
    pub held: bool,
    /// Rules that keep it apart from something else, the worst first.
    pub sides: Vec<SideOf>,
}

/// A rule of separation of which an entitlement is a side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideOf {
    pub rule: String,
    pub title: String,
    pub risk: Risk,
}

impl Identity {
    /// What a request gives and what the person it is for has now: for whoever decides on it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such request.
    pub async fn request_context(&self, id: RequestId) -> Result<RequestContext, Error> {
        let mut read = self.store.clone();
        let request = record::find(&mut read, id).await?;
        let inventory = Inventory::load(&mut read, Scope::One(request.person), self.now()).await?;
        let rules = Rules::of(&inventory)?;
        let mut gives: BTreeMap<Grant, Risk> = BTreeMap::new();
        for (kind, name) in request.parts.iter().flat_map(|part| &part.targets) {
            let given = inventory.given_by(&Target::parse(kind, name)?);
            gives.extend(given.into_iter().map(|one| (one.grant(), one.risk)));
        }
        let held: BTreeSet<String> =
            inventory.held_by(request.person).into_iter().map(|one| one.grant().to_string()).collect();
        let give = |(grant, risk): (Grant, Risk)| {
            let side = |(key, rule): (&str, &SodRule)| SideOf {
                rule: key.to_owned(),
                title: rule.title.clone(),
                risk: rule.risk,
            };
            let sides: Vec<SideOf> = rules.sides_of(&grant).into_iter().map(side).collect();
            let risk = sides.iter().map(|side| side.risk).fold(risk, Risk::max);
            let grant = grant.to_string();
            GivenByRequest { held: held.contains(&grant), grant, risk, sides }
        };
        let gives = gives.into_iter().map(give).collect();
        Ok(RequestContext { gives, holds: held.into_iter().collect(), rules: rules.rules.len() })
    }
}
