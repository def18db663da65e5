//! What a tenant says: users, groups, consents, and policies on sign-ins.
#![no_main]

use conditional_access::entra::import;
use connector::entra::resource::{member, object};
use connector::{ObjectClass, ProtectionRules};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(resource) = serde_json::from_slice(bytes) else { return };
    let rules = ProtectionRules::default();
    for class in [ObjectClass::Account, ObjectClass::Group, ObjectClass::Application, ObjectClass::ConditionalAccessPolicy] {
        if let Ok(object) = object(class, &resource, &rules) {
            assert!(!object.id.as_str().is_empty() || resource["id"] == "");
        }
    }
    member(&resource);
    let read = import(&resource);
    if let Some(policy) = read.policy {
        policy.check().expect("what is written from a policy fits the schema");
    }
});
