//! Many paths into the same value, followed in one pass over its text.

use super::scan::{names, walk_members};

/// Keys of one bag at most: one bit each.
const MOST_KEYS: usize = 64;

/// Paths of keys, each with a slot for what lies there.
#[derive(Debug, Default)]
pub(crate) struct PathTree {
    keys: Vec<(String, PathTree)>,
    slot: Option<usize>,
}

impl PathTree {
    /// Adds the path of `keys`, whose value goes to `slot`.
    pub fn insert(&mut self, keys: &[String], slot: usize) {
        let Some((first, rest)) = keys.split_first() else {
            self.slot = Some(slot);
            return;
        };
        let known = self.keys.iter().position(|(key, _)| key == first);
        let at = known.unwrap_or_else(|| {
            self.keys.push((first.clone(), PathTree::default()));
            self.keys.len() - 1
        });
        self.keys[at].1.insert(rest, slot);
    }

    /// Writes what lies at each path of the value `text` into its slot: of a repeated key the first, as
    /// [`super::Dynamic::path`] does.
    pub fn follow<'a>(&self, text: &'a str, found: &mut [Option<&'a str>]) {
        debug_assert!(self.keys.len() <= MOST_KEYS);
        let mut open = u64::MAX >> (64 - self.keys.len().clamp(1, MOST_KEYS));
        walk_members(text.trim_ascii(), |quoted, value| {
            let hit = self.keys.iter().enumerate().find(|(at, (key, _))| open >> at & 1 == 1 && names(quoted, key));
            if let Some((at, (_, below))) = hit {
                open &= !(1 << at);
                if let Some(place) = below.slot.and_then(|slot| found.get_mut(slot)) {
                    *place = Some(value);
                }
                if !below.keys.is_empty() {
                    below.follow(value, found);
                }
            }
            open == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::dynamic::{Dynamic, Step};

    /// Text that is nearly JSON: repeated keys, escapes, odd numbers, cut ends.
    fn odd_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("1e400".to_owned()),
            Just("-0.10".to_owned()),
            Just("tru".to_owned()),
            Just(String::new()),
            "\"[ab\\\\,{}é]{0,4}\"",
        ];
        let bag = leaf.prop_recursive(3, 24, 4, |inner| {
            let key = prop_oneof![Just("a"), Just("b"), Just("\\u0061"), Just(""), Just("a b")];
            let member =
                (key, inner.clone(), "[ \n]?").prop_map(|(key, value, blank)| format!("\"{key}\":{blank}{value}"));
            prop_oneof![
                prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
                prop::collection::vec(inner, 0..3).prop_map(|elements| format!("[{}]", elements.join(","))),
            ]
        });
        (bag, 0_usize..40).prop_map(|(text, cut)| {
            let end = text.char_indices().map(|(at, _)| at).nth(text.chars().count().saturating_sub(cut / 10));
            text[..end.unwrap_or(text.len())].to_owned()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]
        #[test]
        fn all_paths_at_once_are_each_on_its_own(
            text in odd_text(),
            paths in prop::collection::btree_set(prop::collection::vec("(a|b|a b)?", 1..4), 1..6),
        ) {
            let mut tree = PathTree::default();
            paths.iter().enumerate().for_each(|(slot, keys)| tree.insert(keys, slot));
            let mut found = vec![None; paths.len()];
            tree.follow(&text, &mut found);
            for (keys, found) in paths.iter().zip(found) {
                let steps: Vec<Step> = keys.iter().cloned().map(Step::Member).collect();
                let slow = Dynamic::new(&text).path(&steps).map(Dynamic::stored);
                prop_assert_eq!(found.map(|value| Dynamic::new(value).stored()), slow, "{:?} in {}", keys, text);
            }
        }
    }
}
