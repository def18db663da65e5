//! What whoever decides on a request looks at beside it: what it gives, and what the person holds.

use std::collections::{BTreeMap, BTreeSet};

use kernel::id::RequestId;
use serde::Serialize;

use super::record;
use crate::assignment::Target;
use crate::error::Error;
use crate::inventory::{Inventory, Scope};
use crate::room::Identity;
use crate::sod::Rules;
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
    pub risk: Risk,
    /// The person has it already.
    pub held: bool,
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
        let rules = Rules::of(&inventory)?.rules.len();
        let mut gives: BTreeMap<String, Risk> = BTreeMap::new();
        for (kind, name) in request.parts.iter().flat_map(|part| &part.targets) {
            let given = inventory.given_by(&Target::parse(kind, name)?);
            gives.extend(given.into_iter().map(|one| (one.grant().to_string(), one.risk)));
        }
        let held: BTreeSet<String> =
            inventory.held_by(request.person).into_iter().map(|one| one.grant().to_string()).collect();
        let give = |(grant, risk): (String, Risk)| GivenByRequest { held: held.contains(&grant), grant, risk };
        Ok(RequestContext { gives: gives.into_iter().map(give).collect(), holds: held.into_iter().collect(), rules })
    }
}
