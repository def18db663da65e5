//! The order in which neighbours of cells are listed.
//!
//! The language collects their names in a hash set and lists them as the set does: in the order of arrival, but a name
//! that falls into a bucket that is taken stands before those of its bucket. The hash is FNV-1a and there are eight
//! buckets, which is how the C++ library of Microsoft's compiler begins. Both printed lists (of a geohash and of an S2
//! cell) come out so from the plain orders of arrival.

/// At most eight names as the set lists them, each once.
pub fn hashed(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut listed: Vec<String> = Vec::with_capacity(BUCKETS as usize);
    for name in names {
        if listed.contains(&name) {
            continue;
        }
        let at = listed.iter().position(|known| bucket(known) == bucket(&name)).unwrap_or(listed.len());
        listed.insert(at, name);
    }
    listed
}

const BUCKETS: u64 = 8;

fn bucket(name: &str) -> u64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash % BUCKETS
}
