//! Sets of small numbers as bits, 64 to a word.

/// One bit for each number.
pub(crate) type Bitmap = Vec<u64>;

/// All numbers below `end`.
pub(crate) fn full(end: usize) -> Bitmap {
    let mut words = vec![u64::MAX; end.div_ceil(64)];
    if let (Some(last), true) = (words.last_mut(), !end.is_multiple_of(64)) {
        *last = (1 << (end % 64)) - 1;
    }
    words
}

/// How many bits are set.
pub(crate) fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// The numbers of the bits that are set.
pub(crate) fn numbers(words: impl IntoIterator<Item = u64>) -> impl Iterator<Item = usize> {
    words.into_iter().enumerate().flat_map(|(number, mut left)| {
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            (left != 0).then(|| {
                left &= left - 1;
                number * 64 + bit
            })
        })
    })
}
