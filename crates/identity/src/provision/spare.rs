//! Before a member goes from a privileged group, the group itself is asked whether anybody would be left.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Change, ConnectorError, ObjectClass, ObjectId, ObjectKey};

use super::engine::{OnItsWay, Working};
use super::outcome::Failure;
use super::steps::Stop;
use crate::room::Identity;

impl Working<'_> {
    /// Leaves out what would take the last member from a privileged group that nobody may borrow. Of several who go together
    /// the last one stays. A group that cannot be read loses nobody.
    pub(super) async fn spare_last(&self, identity: &Identity, ways: &mut [OnItsWay]) {
        let mut going: BTreeMap<String, BTreeSet<ObjectId>> = BTreeMap::new();
        for step in ways.iter().flat_map(|way| &way.steps) {
            if let (Some((name, false)), Change::RemoveMember { member }) = (&step.entitlement, &step.change)
                && self.privileged.contains_key(name)
            {
                going.entry(name.clone()).or_default().insert(member.clone());
            }
        }
        for (name, members) in going {
            match self.nobody_left(identity, &name, &members).await {
                Ok(false) => {}
                Ok(true) => {
                    let last = members.last().cloned();
                    spare(
                        ways,
                        &name,
                        |member| Some(member) == last.as_ref(),
                        &Failure::Stop(Stop::LastHolder(name.clone())),
                    );
                }
                Err(error) => spare(ways, &name, |_| true, &Failure::Connector(error)),
            }
        }
    }

    async fn nobody_left(
        &self,
        identity: &Identity,
        name: &str,
        going: &BTreeSet<ObjectId>,
    ) -> Result<bool, ConnectorError> {
        let (Some(group), Some(entitlement)) = (self.groups.get(name), self.privileged.get(name)) else {
            return Ok(false);
        };
        let key = ObjectKey::id(ObjectClass::Group, group.as_str());
        let page = self.target.members(&key, None, going.len() + 1).await?;
        if page.members.iter().any(|member| !going.contains(&member.id)) || page.next.is_some() {
            return Ok(false);
        }
        let borrowed = identity.may_be_empty(*entitlement).await;
        borrowed.map(|may| !may).map_err(|error| ConnectorError::transient(error.to_string()))
    }
}

fn spare(ways: &mut [OnItsWay], name: &str, stays: impl Fn(&ObjectId) -> bool, why: &Failure) {
    for way in ways {
        let before = way.steps.len();
        way.steps.retain(|step| match (&step.entitlement, &step.change) {
            (Some((other, false)), Change::RemoveMember { member }) => other != name || !stays(member),
            _ => true,
        });
        if way.steps.len() < before {
            way.attempt.failure.get_or_insert_with(|| why.clone());
        }
    }
}
