//! Terms of a text, as hashes.
//!
//! The hash is part of the format of the index: two hashes of the same term must agree for ever.

use crate::query::needle::fold_char;

/// What a byte of ASCII is to a term.
const IN_TERM: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// Calls `visit` with the hash of each term of `text`, repetitions included.
pub(crate) fn each(text: &str, mut visit: impl FnMut(u64)) {
    let bytes = text.as_bytes();
    let mut folded = Vec::new();
    let mut at = 0;
    loop {
        while at < bytes.len() && bytes[at] < 0x80 && !IN_TERM[usize::from(bytes[at])] {
            at += 1;
        }
        if at >= bytes.len() {
            return;
        }
        let start = at;
        while at < bytes.len() && IN_TERM[usize::from(bytes[at])] {
            at += 1;
        }
        if at < bytes.len() && bytes[at] >= 0x80 {
            at = beyond_ascii(text, start, &mut folded);
            if !folded.is_empty() {
                visit(hash(&folded, 0, folded.len()));
            }
        } else {
            visit(hash(bytes, start, at));
        }
    }
}

/// The hashes of the terms of `text`, with whether it touches the text's start and its end.
pub(crate) fn with_edges(text: &str) -> Vec<(u64, bool, bool)> {
    let mut terms = Vec::new();
    each(text, |term| terms.push((term, false, false)));
    let in_term = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if let (Some(first), true) = (terms.first_mut(), in_term(text.chars().next())) {
        first.1 = true;
    }
    if let (Some(last), true) = (terms.last_mut(), in_term(text.chars().next_back())) {
        last.2 = true;
    }
    terms
}

/// Reads a run from `start`, a border between terms, that is not all ASCII: its folded characters go to `folded`, which
/// stays empty where the first character belongs to no term. Returns where to go on.
fn beyond_ascii(text: &str, start: usize, folded: &mut Vec<u8>) -> usize {
    folded.clear();
    let mut buffer = [0; 4];
    for (offset, c) in text[start..].char_indices() {
        if !c.is_alphanumeric() {
            return start + offset.max(if offset == 0 { c.len_utf8() } else { 0 });
        }
        folded.extend_from_slice(fold_char(c).encode_utf8(&mut buffer).as_bytes());
    }
    text.len()
}

const LOWER: u64 = 0x2020_2020_2020_2020;
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of the term `bytes[start..end]`. Letters of ASCII count as lower case.
fn hash(bytes: &[u8], start: usize, end: usize) -> u64 {
    let mut hash = (end - start) as u64;
    let mut at = start;
    while at < end {
        let held = end - at;
        let mut word = match bytes.get(at..at + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
            None => bytes[at..].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        // In ASCII the bit tells small letters from capitals, and every digit has it.
        word |= LOWER;
        if held < 8 {
            word &= (1 << (8 * held)) - 1;
        }
        hash = (hash ^ word).wrapping_mul(ODD);
        hash ^= hash >> 29;
        at += 8;
    }
    hash = (hash ^ hash >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ hash >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::query::needle::fold;

    /// Terms by the words of the rule.
    fn slow(text: &str) -> BTreeSet<u64> {
        let folded = fold(text);
        let terms = folded.split(|c: char| !c.is_alphanumeric()).filter(|term| !term.is_empty());
        terms.map(|term| hash(term.as_bytes(), 0, term.len())).collect()
    }

    fn fast(text: &str) -> BTreeSet<u64> {
        let mut terms = BTreeSet::new();
        each(text, |term| {
            terms.insert(term);
        });
        terms
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn terms_are_maximal_runs(text in "[a-cXYZ01 _.:éÉжЖßİ\u{212a}\u{301}—٣]{0,30}") {
            prop_assert_eq!(fast(&text), slow(&text));
        }

        #[test]
        fn any_text_has_the_terms_of_the_rule(text in any::<String>()) {
            prop_assert_eq!(fast(&text), slow(&text));
        }
    }

    #[test]
    fn folding_leaves_a_character_in_or_out_of_terms() {
        let strays = ('\0'..=char::MAX).filter(|c| fold_char(*c).is_alphanumeric() != c.is_alphanumeric());
        assert_eq!(strays.collect::<Vec<_>>(), Vec::<char>::new());
    }

    #[test]
    fn hashes_stay_what_they_were() {
        let one = |text: &str| fast(text).into_iter().next().unwrap();
        assert_eq!(one("Mimikatz"), one("MIMIKATZ"));
        assert_ne!(one("mimikatz"), one("mimikatz64"));
        assert_eq!(
            format!("{:016x} {:016x} {:016x}", one("a"), one("mimikatz"), one("Éléphant123")),
            "6890d4154d63e03a 6197474e7dc794aa 45d53cd08dd3ef94"
        );
    }

    #[test]
    fn edges_are_told() {
        let edges = |text: &str| with_edges(text).iter().map(|(_, start, end)| (*start, *end)).collect::<Vec<_>>();
        assert_eq!(edges("one two.three"), [(true, false), (false, false), (false, true)]);
        assert_eq!(edges(".exe"), [(false, true)]);
        assert_eq!(edges("one"), [(true, true)]);
        assert_eq!(edges("--"), []);
    }
}
