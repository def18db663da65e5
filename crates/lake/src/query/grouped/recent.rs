//! Numbers that were looked up lately.

/// Sets of a [`Recent`] at first, as a power of two.
const FIRST_SETS: u32 = 8;
/// Sets beyond which none is added: 2 MB, what a core has near it.
const MOST_SETS: u32 = 15;
/// Values in one set.
const WAYS: usize = 4;

/// Values and their numbers, the latest of each set.
#[derive(Debug)]
pub(super) struct Recent<K> {
    sets: Vec<Set<K>>,
    bits: u32,
}

/// Some values and their numbers, in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Set<K> {
    keys: [K; WAYS],
    codes: [u32; WAYS],
    /// The place whose turn it is to be given up.
    oldest: u32,
}

/// What values are known by.
pub(super) trait Key: Copy + PartialEq {
    /// What nothing is kept for: a value that is this is looked up in the whole table each time.
    const NOTHING: Self;

    fn folded(self) -> u64;
}

impl Key for u64 {
    const NOTHING: u64 = u64::MAX;

    fn folded(self) -> u64 {
        self
    }
}

impl Key for u128 {
    const NOTHING: u128 = u128::MAX;

    fn folded(self) -> u64 {
        (self as u64) ^ ((self >> 64) as u64).rotate_left(32)
    }
}

impl<K: Key> Default for Recent<K> {
    fn default() -> Recent<K> {
        Recent { sets: vec![Set::EMPTY; 1 << FIRST_SETS], bits: FIRST_SETS }
    }
}

impl<K: Key> Set<K> {
    const EMPTY: Set<K> = Set { keys: [K::NOTHING; WAYS], codes: [0; WAYS], oldest: 0 };
}

impl<K: Key> Recent<K> {
    /// The number of `key`, if it was looked up lately.
    pub fn get(&self, key: K) -> Option<u32> {
        let set = &self.sets[self.set(key)];
        // All are compared, without a branch for each.
        let equal =
            set.keys.iter().enumerate().fold(0_u32, |equal, (at, known)| equal | (u32::from(*known == key) << at));
        (equal != 0 && key != K::NOTHING).then(|| set.codes[equal.trailing_zeros() as usize % WAYS])
    }

    /// Keeps the number of `key`.
    pub fn put(&mut self, key: K, code: u32) {
        let at = self.set(key);
        let set = &mut self.sets[at];
        let oldest = set.oldest as usize % WAYS;
        (set.keys[oldest], set.codes[oldest]) = (key, code);
        set.oldest = set.oldest.wrapping_add(1);
    }

    /// The upper bits of a product depend on all bits of its factors (Knuth, The Art of Computer Programming 3, 6.4).
    fn set(&self, key: K) -> usize {
        (key.folded().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.bits)) as usize
    }

    /// Makes room for `count` values, most of which then find one in a set.
    pub fn fit(&mut self, count: usize) {
        if count > 3 * self.sets.len() && self.bits < MOST_SETS {
            self.bits = (self.bits + 2).min(MOST_SETS);
            self.sets = vec![Set::EMPTY; 1 << self.bits];
        }
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.sets.capacity() * size_of::<Set<K>>()
    }
}
