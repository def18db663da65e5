//! What policies say to one sign-in.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cedar_policy::{
    Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use serde::{Deserialize, Serialize};

use crate::policy::{Policies, key_of};
use crate::sign_in::{SignIn, Strength};

kernel::words! {
    /// What somebody can be asked for before they are let in.
    Control {
        SecondFactor = "second-factor",
        PhishingResistant = "phishing-resistant",
        CompliantDevice = "compliant-device",
        SecondFactorAndDevice = "second-factor-and-compliant-device",
        PhishingResistantAndDevice = "phishing-resistant-and-compliant-device",
    }
}

impl Control {
    /// The sign-in as it would be with the control; `None`: it would be the same.
    fn applied(self, sign_in: &SignIn) -> Option<SignIn> {
        let (strength, device) = match self {
            Control::SecondFactor => (Strength::SecondFactor, false),
            Control::PhishingResistant => (Strength::PhishingResistant, false),
            Control::CompliantDevice => (Strength::Nothing, true),
            Control::SecondFactorAndDevice => (Strength::SecondFactor, true),
            Control::PhishingResistantAndDevice => (Strength::PhishingResistant, true),
        };
        // Old protocols have no place for a second factor.
        if strength > sign_in.strength && sign_in.client.is_legacy() {
            return None;
        }
        let mut after = sign_in.clone();
        after.strength = after.strength.max(strength);
        if device {
            after.device.managed = true;
            after.device.compliant = true;
        }
        (after != *sign_in).then_some(after)
    }
}

/// How a sign-in ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "control", rename_all = "kebab-case")]
pub enum Outcome {
    Allowed,
    /// Let in with the least that suffices.
    Asked(Control),
    Blocked,
}

/// How a sign-in ends, and by which policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Keys of the policies that forbid it as it came; of a blocked one, those that nothing satisfies.
    pub policies: BTreeSet<String>,
}

/// What can be asked for, the least first.
const CONTROLS: [Control; 5] = [
    Control::SecondFactor,
    Control::CompliantDevice,
    Control::PhishingResistant,
    Control::SecondFactorAndDevice,
    Control::PhishingResistantAndDevice,
];

impl Policies {
    /// Judges a sign-in.
    pub fn judge(&self, sign_in: &SignIn) -> Judgement {
        let policies = self.forbidding(sign_in);
        if policies.is_empty() {
            return Judgement { outcome: Outcome::Allowed, policies };
        }
        let mut left = policies.clone();
        for control in CONTROLS {
            let Some(with) = control.applied(sign_in) else { continue };
            let still = self.forbidding(&with);
            if still.is_empty() {
                return Judgement { outcome: Outcome::Asked(control), policies };
            }
            left = still;
        }
        Judgement { outcome: Outcome::Blocked, policies: left }
    }

    /// Keys of the policies that forbid a sign-in as it is. A policy that fails is among them.
    pub fn forbidding(&self, sign_in: &SignIn) -> BTreeSet<String> {
        let Some((request, entities)) = asked(sign_in) else {
            return self.texts().map(|text| text.key.clone()).collect();
        };
        let answer = self.authorizer.is_authorized(&request, &self.set, &entities);
        let failed = answer.diagnostics().errors().map(|error| match error {
            cedar_policy::AuthorizationError::PolicyEvaluationError(error) => key_of(error.policy_id()),
        });
        let mut found: BTreeSet<String> = failed.collect();
        if answer.decision() == Decision::Deny {
            found.extend(answer.diagnostics().reason().map(key_of));
        }
        found.remove("*");
        found
    }
}

/// The question to Cedar. `None`: a name that Cedar cannot take; nothing of the schema allows for that.
fn asked(sign_in: &SignIn) -> Option<(Request, Entities)> {
    let (subject, application) = (&sign_in.subject, &sign_in.application);
    let user = uid("User", &subject.id)?;
    let resource = uid("Application", &application.id)?;
    let groups = subject.groups.iter().map(|id| uid("Group", id));
    let parents: HashSet<EntityUid> =
        groups.chain(subject.roles.iter().map(|id| uid("Role", id))).collect::<Option<_>>()?;
    let attributes = [
        ("name", text(&subject.name)),
        ("sensitivity", RestrictedExpression::new_long(i64::from(subject.sensitivity))),
        ("guest", RestrictedExpression::new_bool(subject.guest)),
        ("break_glass", RestrictedExpression::new_bool(subject.break_glass)),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let named = [("name".to_owned(), text(&application.name))].into_iter().collect();
    let entities = [
        Entity::new(user.clone(), attributes, parents).ok()?,
        Entity::new(resource.clone(), named, HashSet::new()).ok()?,
    ];
    let entities = Entities::from_entities(entities, None).ok()?;
    let context = Context::from_pairs(circumstances(sign_in)).ok()?;
    let request = Request::new(user, uid("Action", "sign-in")?, resource, context, None).ok()?;
    Some((request, entities))
}

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind: EntityTypeName = kind.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn circumstances(sign_in: &SignIn) -> Vec<(String, RestrictedExpression)> {
    let (device, place) = (&sign_in.device, &sign_in.place);
    let record = |fields: BTreeMap<&str, RestrictedExpression>| {
        RestrictedExpression::new_record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)))
    };
    let mut pairs = Vec::new();
    let mut put = |name: &str, value: Option<RestrictedExpression>| {
        pairs.extend(value.map(|value| (name.to_owned(), value)));
    };
    let level = |risk: Option<u8>| risk.map(|risk| RestrictedExpression::new_long(i64::from(risk)));
    put("sign_in_risk", level(sign_in.sign_in_risk));
    put("user_risk", level(sign_in.user_risk));
    put("authentication_strength", Some(RestrictedExpression::new_long(sign_in.strength.level())));
    put("client", Some(text(sign_in.client.as_str())));
    put("protocol", Some(text(&sign_in.protocol)));
    let shown = record(BTreeMap::from([
        ("managed", RestrictedExpression::new_bool(device.managed)),
        ("compliant", RestrictedExpression::new_bool(device.compliant)),
        ("platform", text(&device.platform)),
    ]));
    put("device", shown.ok());
    let networks = RestrictedExpression::new_set(place.networks.iter().map(|name| text(name)));
    let mut fields =
        BTreeMap::from([("trusted", RestrictedExpression::new_bool(place.trusted)), ("networks", networks)]);
    fields.extend(place.country.as_deref().map(|country| ("country", text(country))));
    let address = place.address.as_deref().filter(|address| address.parse::<std::net::IpAddr>().is_ok());
    fields.extend(address.map(|address| ("address", RestrictedExpression::new_ip(address))));
    put("location", record(fields).ok());
    pairs
}
