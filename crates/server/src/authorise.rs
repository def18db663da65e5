//! Who may do what: Cedar, default deny. The policies are data in `policies/`, checked against their schema at start.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};

use crate::action::Action;
use crate::api::tokens::Scope;
use crate::api::users::Role;

const SCHEMA: &str = include_str!("../policies/vigie.cedarschema");
const POLICIES: &str = include_str!("../policies/vigie.cedar");

/// The policies cannot be used. The build is at fault.
#[derive(Debug, thiserror::Error)]
#[error("the shipped policies cannot be used: {0}")]
pub struct BadPolicies(String);

/// Who asks, as far as the policies care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker<'a> {
    Anonymous,
    User { roles: &'a [Role] },
    Token { owner_roles: &'a [Role], scopes: &'a [Scope], target: Option<&'a str> },
}

/// The policies, ready to decide.
pub struct Authority {
    authorizer: Authorizer,
    policies: PolicySet,
    schema: Schema,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("policies", &self.policies.num_of_policies()).finish()
    }
}

impl Authority {
    /// Reads the shipped policies and checks them against their schema.
    ///
    /// # Errors
    /// [`BadPolicies`] names the first thing that is wrong.
    pub fn shipped() -> Result<Authority, BadPolicies> {
        Authority::of(SCHEMA, POLICIES)
    }

    fn of(schema: &str, policies: &str) -> Result<Authority, BadPolicies> {
        let (schema, _) = Schema::from_cedarschema_str(schema).map_err(|error| BadPolicies(error.to_string()))?;
        let policies = PolicySet::from_str(policies).map_err(|error| BadPolicies(error.to_string()))?;
        let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            return Err(BadPolicies(error.to_string()));
        }
        for action in Action::ALL {
            let uid = uid("Action", action.as_str());
            if !schema.actions().any(|known| *known == uid) {
                return Err(BadPolicies(format!("action `{action}` is not in the schema")));
            }
        }
        Ok(Authority { authorizer: Authorizer::new(), policies, schema })
    }

    /// Whether the asker may. `target` is where records are to be delivered to, for [`Action::Ingest`], and
    /// which feed, for [`Action::DeliverFeed`].
    pub fn permits(&self, asker: Asker<'_>, action: Action, target: Option<&str>) -> bool {
        self.decide(asker, action, target).unwrap_or_else(|problem| {
            tracing::error!(%problem, %action, "authorisation failed; denied");
            false
        })
    }

    fn decide(&self, asker: Asker<'_>, action: Action, target: Option<&str>) -> Result<bool, BadPolicies> {
        let bad = |error: &dyn std::fmt::Display| BadPolicies(error.to_string());
        let principal = principal_entity(asker)?;
        let context = match (action, target) {
            (Action::Ingest | Action::DeliverFeed, target) => {
                let target = RestrictedExpression::new_string(target.unwrap_or_default().to_owned());
                Context::from_pairs([("target".to_owned(), target)]).map_err(|error| bad(&error))?
            }
            _ => Context::empty(),
        };
        let request = Request::new(
            principal.uid(),
            uid("Action", action.as_str()),
            uid("House", "house"),
            context,
            Some(&self.schema),
        )
        .map_err(|error| bad(&error))?;
        let actions = self.schema.action_entities().map_err(|error| bad(&error))?;
        let entities = actions.add_entities([principal], Some(&self.schema)).map_err(|error| bad(&error))?;
        let answer = self.authorizer.is_authorized(&request, &self.policies, &entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            return Err(bad(error));
        }
        Ok(answer.decision() == Decision::Allow)
    }

    /// Everything that the asker may do.
    pub fn granted(&self, asker: Asker<'_>) -> Vec<Action> {
        Action::ALL.iter().copied().filter(|action| self.permits(asker, *action, None)).collect()
    }
}

fn principal_entity(asker: Asker<'_>) -> Result<Entity, BadPolicies> {
    let parents = |roles: &[Role]| roles.iter().map(|role| uid("Role", role.as_str())).collect::<HashSet<_>>();
    match asker {
        Asker::Anonymous => Ok(Entity::with_uid(uid("Anonymous", "anonymous"))),
        Asker::User { roles } => Ok(Entity::new_no_attrs(uid("User", "asker"), parents(roles))),
        Asker::Token { owner_roles, scopes, target } => {
            let scopes = scopes.iter().map(|scope| RestrictedExpression::new_string(scope.as_str().to_owned()));
            let mut attributes = HashMap::from([("scopes".to_owned(), RestrictedExpression::new_set(scopes))]);
            if let Some(target) = target {
                attributes.insert("target".to_owned(), RestrictedExpression::new_string(target.to_owned()));
            }
            Entity::new(uid("Token", "asker"), attributes, parents(owner_roles))
                .map_err(|error| BadPolicies(error.to_string()))
        }
    }
}

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind = EntityTypeName::from_str(kind).expect("entity types are written in this file");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_policies_are_valid() {
        let authority = Authority::shipped().unwrap();
        assert!(authority.policies.num_of_policies() > 5);
    }

    #[test]
    fn a_policy_on_an_unknown_role_attribute_is_refused() {
        let error = Authority::of(SCHEMA, "permit (principal is User, action, resource) when { principal.age > 3 };");
        assert!(error.is_err());
    }

    #[test]
    fn a_decision_is_quick() {
        let authority = Authority::shipped().unwrap();
        let clock = kernel::time::SystemClock::new();
        let asker = Asker::Token { owner_roles: &[Role::Engineer], scopes: &[Scope::Ingest], target: Some("dc-01") };
        let started_us = kernel::Clock::monotonic_us(&clock);
        for _ in 0..100 {
            assert!(authority.permits(asker, Action::Ingest, Some("dc-01")));
        }
        let each_us = (kernel::Clock::monotonic_us(&clock) - started_us) / 100;
        println!("one decision: {each_us} us");
        assert!(each_us < 20_000, "{each_us} us");
    }

    #[test]
    fn nothing_is_permitted_without_a_policy() {
        let authority = Authority::of(SCHEMA, "").unwrap();
        let roles = [Role::Administrator];
        assert_eq!(authority.granted(Asker::User { roles: &roles }), []);
    }

    #[test]
    fn an_ingest_token_is_held_to_its_target() {
        let authority = Authority::shipped().unwrap();
        let check = |target, asked, permitted| {
            let asker = Asker::Token { owner_roles: &[], scopes: &[Scope::Ingest], target };
            assert_eq!(authority.permits(asker, Action::Ingest, Some(asked)), permitted, "{target:?} {asked}");
        };
        check(None, "anything", true);
        check(Some("dc-01"), "dc-01", true);
        check(Some("dc-01"), "dc-02", false);
    }

    #[test]
    fn a_token_can_do_no_more_than_its_owner() {
        let authority = Authority::shipped().unwrap();
        let all = [Scope::Read, Scope::Query, Scope::Respond, Scope::Rules, Scope::Administer];
        let auditor = Asker::Token { owner_roles: &[Role::Auditor], scopes: &all, target: None };
        assert!(authority.permits(auditor, Action::ReadLedger, None));
        assert!(!authority.permits(auditor, Action::RespondIncidents, None));
        let narrow = Asker::Token { owner_roles: &[Role::Administrator], scopes: &[Scope::Read], target: None };
        assert!(authority.permits(narrow, Action::ReadAlerts, None));
        assert!(!authority.permits(narrow, Action::Query, None));
    }
}
