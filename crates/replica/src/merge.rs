//! What has changed of a thing, as a JSON merge patch (RFC 7396). Pure.
//!
//! A member that is `null` is one that is not there: that is what the format can say, and what desks mean by it.

use serde_json::{Map, Value as Json};

/// What makes `after` of `before`. Members that are `null` count as absent.
pub fn patch(before: &Json, after: &Json) -> Json {
    let (Json::Object(before), Json::Object(after)) = (before, after) else { return after.clone() };
    let mut changed = Map::new();
    for (name, value) in after.iter().filter(|(_, value)| !value.is_null()) {
        match before.get(name).filter(|old| !old.is_null()) {
            Some(old) if old == value => {}
            Some(old @ Json::Object(_)) if value.is_object() => {
                changed.insert(name.clone(), patch(old, value));
            }
            _ => {
                changed.insert(name.clone(), value.clone());
            }
        }
    }
    for name in before.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name) {
        if after.get(name).is_none_or(Json::is_null) {
            changed.insert(name.clone(), Json::Null);
        }
    }
    Json::Object(changed)
}

/// Applies a patch.
pub fn apply_patch(target: &mut Json, patch: Json) {
    let Json::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    let Json::Object(members) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            apply_patch(members.entry(name).or_insert(Json::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The example of RFC 7396, section 3.
    #[test]
    fn the_example_of_the_standard() {
        let mut target = json!({
            "title": "Goodbye!", "author": { "givenName": "John", "familyName": "Doe" }, "tags": ["example", "sample"],
            "content": "This will be unchanged",
        });
        apply_patch(
            &mut target,
            json!({
                "title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": { "familyName": null },
                "tags": ["example"],
            }),
        );
        let after = json!({
            "title": "Hello!", "author": { "givenName": "John" }, "tags": ["example"],
            "content": "This will be unchanged", "phoneNumber": "+01-123-456-7890",
        });
        assert_eq!(target, after);
    }

    /// Objects without `null`, two deep.
    fn things() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![any::<i16>().prop_map(Json::from), "[a-b]{0,2}".prop_map(Json::from)];
        let list = prop::collection::vec(any::<i8>().prop_map(Json::from), 0..2).prop_map(Json::from);
        let inner = prop::collection::btree_map("[a-c]", leaf.clone(), 0..3)
            .prop_map(|map| Json::Object(map.into_iter().collect()));
        prop::collection::btree_map("[a-d]", prop_oneof![leaf, list, inner], 0..4)
            .prop_map(|map| Json::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn a_patch_makes_the_one_of_the_other(before in things(), after in things()) {
            let mut made = before.clone();
            apply_patch(&mut made, patch(&before, &after));
            prop_assert_eq!(made, after);
        }
    }
}
