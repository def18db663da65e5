//! Counting distinct values: exact while there are few, HyperLogLog beyond.

/// Values counted exactly before the sketch takes over.
pub(super) const EXACT: usize = 4_096;
/// Bits of the hash that choose a register: 16,384 registers, a standard error of 0.8 %.
const PRECISION: u32 = 14;

/// The distinct values of one group.
#[derive(Debug, Clone, PartialEq)]
pub enum Distinct {
    /// Hashes, sorted when asked.
    Few(hashbrown::HashSet<u64>),
    /// Registers.
    Many(Vec<u8>),
}

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct::Few(hashbrown::HashSet::new())
    }
}

impl Distinct {
    /// Adds a value by its hash.
    pub fn add(&mut self, hash: u64) {
        match self {
            Distinct::Few(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    let mut registers = vec![0; 1 << PRECISION];
                    hashes.iter().for_each(|hash| register(&mut registers, *hash));
                    *self = Distinct::Many(registers);
                }
            }
            Distinct::Many(registers) => register(registers, hash),
        }
    }

    /// How many distinct values there are.
    pub fn count(&self) -> i64 {
        match self {
            Distinct::Few(hashes) => i64::try_from(hashes.len()).unwrap_or(i64::MAX),
            Distinct::Many(registers) => estimate(registers),
        }
    }

    /// Adds everything that `bytes` (of [`Self::to_bytes`]) counted.
    pub fn merge(&mut self, bytes: &[u8]) {
        match bytes.split_first() {
            Some((0, hashes)) => {
                for hash in hashes.chunks_exact(8) {
                    self.add(u64::from_le_bytes(hash.try_into().unwrap_or_default()));
                }
            }
            Some((_, others)) => {
                let mut registers = match std::mem::take(self) {
                    Distinct::Many(registers) => registers,
                    Distinct::Few(hashes) => {
                        let mut registers = vec![0; 1 << PRECISION];
                        hashes.iter().for_each(|hash| register(&mut registers, *hash));
                        registers
                    }
                };
                registers.iter_mut().zip(others).for_each(|(mine, other)| *mine = (*mine).max(*other));
                *self = Distinct::Many(registers);
            }
            None => {}
        }
    }

    /// For another machine or the disk.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Distinct::Few(hashes) => {
                // In order, so that equal sets have equal bytes.
                let mut hashes: Vec<u64> = hashes.iter().copied().collect();
                hashes.sort_unstable();
                std::iter::once(0).chain(hashes.into_iter().flat_map(u64::to_le_bytes)).collect()
            }
            Distinct::Many(registers) => std::iter::once(1).chain(registers.iter().copied()).collect(),
        }
    }

    /// How many values all of `sets` have. Exact while all are, else by inclusion and exclusion of estimates.
    pub fn common(sets: &[Distinct]) -> i64 {
        let exact: Option<Vec<_>> = sets
            .iter()
            .map(|set| match set {
                Distinct::Few(hashes) => Some(hashes),
                Distinct::Many(_) => None,
            })
            .collect();
        if let Some(exact) = exact {
            let Some((first, rest)) = exact.split_first() else { return 0 };
            let count = first.iter().filter(|hash| rest.iter().all(|other| other.contains(*hash))).count();
            return i64::try_from(count).unwrap_or(i64::MAX);
        }
        let mut total = 0;
        for chosen in 1_u32..1 << sets.len().min(16) {
            let mut union = Distinct::default();
            for (at, set) in sets.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1) {
                debug_assert!(at < 16);
                union.merge(&set.to_bytes());
            }
            total += if chosen.count_ones() % 2 == 1 { union.count() } else { -union.count() };
        }
        total.max(0)
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        match self {
            Distinct::Few(hashes) => hashes.capacity() * 9,
            Distinct::Many(registers) => registers.len(),
        }
    }
}

fn register(registers: &mut [u8], hash: u64) {
    let at = usize::try_from(hash >> (64 - PRECISION)).unwrap_or(0);
    let rank = u8::try_from((hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() + 1).unwrap_or(u8::MAX);
    registers[at] = registers[at].max(rank);
}

fn estimate(registers: &[u8]) -> i64 {
    let size = registers.len() as f64;
    let sum: f64 = registers.iter().map(|rank| 2_f64.powi(-i32::from(*rank))).sum();
    let raw = 0.721_3 / (1.0 + 1.079 / size) * size * size / sum;
    let empty = registers.iter().filter(|rank| **rank == 0).count();
    let corrected = if raw <= 2.5 * size && empty > 0 { size * (size / empty as f64).ln() } else { raw };
    corrected.round() as i64
}

/// XXH64, the hash of KQL's `hash()`; also feeds the sketch.
pub fn xxhash64(bytes: &[u8], seed: u64) -> u64 {
    const P1: u64 = 0x9E37_79B1_85EB_CA87;
    const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
    const P3: u64 = 0x1656_67B1_9E37_79F9;
    const P4: u64 = 0x85EB_CA77_C2B2_AE63;
    const P5: u64 = 0x27D4_EB2F_1656_67C5;
    let round = |lane: u64, word: u64| lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let mut stripes = bytes.chunks_exact(32);
    let mut hash = if bytes.len() >= 32 {
        let mut lanes = [seed.wrapping_add(P1).wrapping_add(P2), seed.wrapping_add(P2), seed, seed.wrapping_sub(P1)];
        for stripe in stripes.by_ref() {
            for (lane, part) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round(*lane, word(part));
            }
        }
        let turns = [1, 7, 12, 18];
        let mixed = lanes.iter().zip(turns).fold(0_u64, |sum, (lane, turn)| sum.wrapping_add(lane.rotate_left(turn)));
        lanes.iter().fold(mixed, |hash, lane| (hash ^ round(0, *lane)).wrapping_mul(P1).wrapping_add(P4))
    } else {
        seed.wrapping_add(P5)
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    let mut words = stripes.remainder().chunks_exact(8);
    for part in words.by_ref() {
        hash = (hash ^ round(0, word(part))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let mut rest = words.remainder();
    if rest.len() >= 4 {
        let half = u32::from_le_bytes(rest[..4].try_into().unwrap_or_default());
        hash = (hash ^ u64::from(half).wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        rest = &rest[4..];
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(P2);
    hash = (hash ^ hash >> 29).wrapping_mul(P3);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_the_published_vectors() {
        assert_eq!(xxhash64(b"", 0), 0xEF46_DB37_51D8_E999);
        assert_eq!(xxhash64(b"abc", 0), 0x44BC_2CF5_AD77_0999);
        assert_eq!(xxhash64(b"Nobody inspects the spammish repetition", 0), 0xFBCE_A83C_8A37_8BF1);
    }

    #[test]
    fn sketches_merge_and_stay_close() {
        let mut whole = Distinct::default();
        let mut parts = [Distinct::default(), Distinct::default()];
        for number in 0_u64..100_000 {
            let hash = xxhash64(&number.to_le_bytes(), 0);
            whole.add(hash);
            parts[usize::from(number % 7 == 0)].add(hash);
        }
        let mut merged = Distinct::default();
        parts.iter().for_each(|part| merged.merge(&part.to_bytes()));
        assert_eq!(merged, whole);
        assert!((whole.count() - 100_000).abs() < 2_500, "{}", whole.count());
    }
}
