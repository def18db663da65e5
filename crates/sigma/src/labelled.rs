//! Literals such as `sha256=9f86…`: a label, an equals sign, and a value of one length for each label.
//!
//! Rules name digests by the thousand. In an automaton they are a maze of hexadecimal digits that no processor cache
//! holds; but each occurrence has its equals sign, so a look at those few places, by hash, finds the same.

use hashbrown::HashMap;

use crate::matcher::Predicate;

/// Fewer than this are no maze: they stay in the automaton.
const MIN_LITERALS: usize = 64;
/// More shapes than this would be too many looks at each place.
const MAX_SHAPES: usize = 8;

/// Labelled literals and the predicates that their occurrence makes hold.
#[derive(Default)]
pub(crate) struct Labelled {
    /// Each label with a length of whole literals that have it.
    shapes: Vec<(Box<str>, usize)>,
    predicates: HashMap<Box<str>, Vec<Predicate>>,
}

impl Labelled {
    /// Whether `literal` is a label and a digest.
    pub(crate) fn accepts(literal: &str) -> bool {
        literal.split_once('=').is_some_and(|(label, digest)| {
            label.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && digest.len() >= 32
                && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }

    /// Of `literals` those that are looked for by their label; the others are given back.
    pub(crate) fn build(literals: Vec<(String, Predicate)>) -> (Labelled, Vec<(String, Predicate)>) {
        let mut labelled = Labelled::default();
        for (literal, _) in &literals {
            let label = literal.split('=').next().unwrap_or_default();
            let shape = (label.into(), literal.len());
            if !labelled.shapes.contains(&shape) {
                labelled.shapes.push(shape);
            }
        }
        if literals.len() < MIN_LITERALS || labelled.shapes.len() > MAX_SHAPES {
            return (Labelled::default(), literals);
        }
        for (literal, predicate) in literals {
            labelled.predicates.entry(literal.into()).or_default().push(predicate);
        }
        (labelled, Vec::new())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.predicates.is_empty()
    }

    /// Appends the predicates of every literal that occurs in the folded text.
    pub(crate) fn scan(&self, folded: &str, hits: &mut Vec<Predicate>) {
        if self.is_empty() {
            return;
        }
        for (at, _) in folded.match_indices('=') {
            for (label, length) in &self.shapes {
                let Some(start) = at.checked_sub(label.len()) else { continue };
                // Past the end, or in the middle of a character, there is no literal of this length.
                let Some(text) = folded.get(start..start + length) else { continue };
                if text.starts_with(&**label)
                    && let Some(predicates) = self.predicates.get(text)
                {
                    hits.extend_from_slice(predicates);
                }
            }
        }
    }

    /// An estimate of the memory held, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.predicates.iter().map(|(text, predicates)| text.len() + 48 + predicates.len() * 4).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_labelled_literal_is_found_wherever_it_occurs() {
        let digest = |number: usize| format!("{number:032x}");
        let literals: Vec<(String, Predicate)> =
            (0..100).map(|number| (format!("md5={}", digest(number)), number as Predicate)).collect();
        assert!(literals.iter().all(|(literal, _)| Labelled::accepts(literal)));
        let (labelled, rest) = Labelled::build(literals.clone());
        assert!(rest.is_empty());
        let texts = [
            format!("sha1=ff,md5={},imphash={}", digest(7), digest(8)),
            format!("xmd5={}0", digest(9)),
            format!("md5={}md5={}", digest(10), digest(11)),
            format!("é=md5={}", &digest(12)[1..]),
            format!("md5=md5={}é", digest(13)),
            "=".to_owned(),
        ];
        for text in texts {
            let mut found = Vec::new();
            labelled.scan(&text, &mut found);
            let slow = literals.iter().filter(|(literal, _)| text.contains(literal.as_str()));
            assert_eq!(found, slow.map(|(_, predicate)| *predicate).collect::<Vec<_>>(), "{text}");
        }
    }
}
