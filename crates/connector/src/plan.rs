//! Which modifications lead from what is to what should be. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::schema::{ClassSchema, Matching};
use crate::value::{AttributeName, AttributeValue, Attributes};

/// Values of a multi-valued attribute are added and removed one by one while that touches at most this share of them.
const PIECEMEAL_SHARE: usize = 2;

/// A change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modification {
    pub attribute: AttributeName,
    pub change: ValueChange,
}

/// What happens to the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueChange {
    /// These and no others; empty: none.
    Replace(Vec<AttributeValue>),
    /// These come and go; the others stay.
    AddRemove { add: Vec<AttributeValue>, remove: Vec<AttributeValue> },
}

/// What has to change so that every attribute that `wanted` mentions has its values. Attributes that the target alone
/// writes are left out; values that the target takes for the same count as the same.
pub fn diff(current: &Attributes, wanted: &Attributes, schema: &ClassSchema) -> Vec<Modification> {
    let mut modifications = Vec::new();
    for (name, values) in wanted.iter() {
        let known = schema.attribute(name);
        if known.is_some_and(|attribute| attribute.read_only) {
            continue;
        }
        let matching = known.map(|attribute| attribute.matching).unwrap_or_default();
        let multi_valued = known.is_none_or(|attribute| attribute.multi_valued);
        let change = compare(current.values(name.as_str()), values, matching, multi_valued);
        modifications.extend(change.map(|change| Modification { attribute: name.clone(), change }));
    }
    modifications
}

fn compare(
    current: &[AttributeValue],
    wanted: &[AttributeValue],
    matching: Matching,
    multi_valued: bool,
) -> Option<ValueChange> {
    let keys = |values: &[AttributeValue]| values.iter().map(|value| matching.key(value)).collect::<BTreeSet<_>>();
    let (have, want) = (keys(current), keys(wanted));
    if have == want {
        return None;
    }
    let add: Vec<_> = distinct(wanted, matching).filter(|value| !have.contains(&matching.key(value))).collect();
    let remove: Vec<_> = distinct(current, matching).filter(|value| !want.contains(&matching.key(value))).collect();
    let piecemeal = multi_valued && !current.is_empty() && (add.len() + remove.len()) * PIECEMEAL_SHARE <= have.len();
    Some(if piecemeal {
        ValueChange::AddRemove { add, remove }
    } else {
        ValueChange::Replace(distinct(wanted, matching).collect())
    })
}

/// Values of which none is the same as another to the target.
fn distinct(values: &[AttributeValue], matching: Matching) -> impl Iterator<Item = AttributeValue> {
    let mut seen = BTreeSet::new();
    values.iter().filter(move |value| seen.insert(matching.key(value))).cloned()
}

/// What becomes of attributes when modifications are carried out, as a target does it.
pub fn apply(current: &Attributes, modifications: &[Modification], schema: &ClassSchema) -> Attributes {
    let mut after = current.clone();
    for Modification { attribute, change } in modifications {
        let matching = schema.attribute(attribute).map(|known| known.matching).unwrap_or_default();
        let values = match change {
            ValueChange::Replace(values) => values.clone(),
            ValueChange::AddRemove { add, remove } => {
                let gone: BTreeSet<_> = remove.iter().map(|value| matching.key(value)).collect();
                let kept = after.values(attribute.as_str()).iter().filter(|value| !gone.contains(&matching.key(value)));
                let all: Vec<_> = kept.chain(add).cloned().collect();
                distinct(&all, matching).collect()
            }
        };
        if values.is_empty() {
            after.remove(attribute.as_str());
        } else {
            after.set(attribute.clone(), values);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::AttributeSchema;
    use proptest::prelude::*;

    fn schema() -> ClassSchema {
        ClassSchema::of([
            AttributeSchema { multi_valued: true, matching: Matching::IgnoreCase, ..AttributeSchema::text("mail") },
            AttributeSchema { multi_valued: true, ..AttributeSchema::text("tag") },
            AttributeSchema { read_only: true, ..AttributeSchema::text("made") },
            AttributeSchema::text("title"),
        ])
    }

    fn attributes() -> impl Strategy<Value = Attributes> {
        let values = |most| proptest::collection::vec("[a-cA-C]{1,2}".prop_map(AttributeValue::from), 0..most);
        (values(6), values(6), values(2), values(2)).prop_map(|(mail, tag, made, title)| {
            let entries = [("mail", mail), ("tag", tag), ("made", made), ("title", title)];
            entries.into_iter().collect()
        })
    }

    proptest! {
        #[test]
        fn carrying_out_the_difference_leaves_none(current in attributes(), wanted in attributes()) {
            let after = apply(&current, &diff(&current, &wanted, &schema()), &schema());
            prop_assert_eq!(diff(&after, &wanted, &schema()), vec![]);
            prop_assert_eq!(after.values("made"), current.values("made"), "what the target writes is left");
        }
    }

    #[test]
    fn what_is_not_mentioned_is_left_and_what_is_empty_goes() {
        let current = Attributes::new().with("title", "Chief").with("mail", "A@x");
        let mut wanted = Attributes::new().with("mail", "a@X");
        assert_eq!(diff(&current, &wanted, &schema()), []);
        wanted.set("title", vec![]);
        let plan = diff(&current, &wanted, &schema());
        assert_eq!(plan.len(), 1);
        assert_eq!(plan[0].change, ValueChange::Replace(vec![]));
    }

    #[test]
    fn few_of_many_values_travel_alone() {
        let many = |from: i64, to: i64| (from..to).map(AttributeValue::from).collect::<Vec<_>>();
        let current: Attributes = [("tag", many(0, 100))].into_iter().collect();
        let wanted: Attributes = [("tag", many(1, 101))].into_iter().collect();
        let plan = diff(&current, &wanted, &schema());
        assert_eq!(plan[0].change, ValueChange::AddRemove { add: many(100, 101), remove: many(0, 1) });
    }
}
