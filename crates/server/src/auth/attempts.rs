//! How often somebody may try to sign in.
//!
//! Three budgets: of one name from one address, of one address, and of one name from everywhere. The last one never
//! counts against an address from which the name has signed in before, so hammering a name locks nobody out.

use std::collections::HashMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// Names and addresses remembered at a time.
const REMEMBERED: usize = 16_384;

/// A budget: `burst` tries at once, then one every `every_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Budget {
    burst: u64,
    every_us: u64,
}

const PAIR: Budget = Budget { burst: 5, every_us: 30_000_000 };
const ADDRESS: Budget = Budget { burst: 30, every_us: 4_000_000 };
const NAME: Budget = Budget { burst: 20, every_us: 10_000_000 };

/// What is counted. Names are kept as digests: what people type into the name field may be their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Pair([u8; 16], Place),
    Address(Place),
    Name([u8; 16]),
}

/// An IPv4 address, or the /64 of an IPv6 address: whoever has one address of it has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Place {
        match address.to_canonical() {
            IpAddr::V4(address) => Place::V4(address.octets()),
            IpAddr::V6(address) => {
                let mut network = [0; 8];
                network.copy_from_slice(&address.octets()[..8]);
                Place::V6(network)
            }
        }
    }
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    pub name: &'a str,
    pub address: IpAddr,
    /// The name has signed in from this address before.
    pub known_place: bool,
}

/// The tries so far: for each key the time at which its budget is whole again (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub struct Attempts {
    whole_at_us: HashMap<Key, u64>,
}

impl Attempts {
    /// Takes one try from each budget, or from none: then the seconds after which to come back.
    ///
    /// # Errors
    /// The seconds to wait, at least 1.
    pub fn take(&mut self, attempt: Attempt<'_>, now_us: u64) -> Result<(), u64> {
        let charges = charges(attempt);
        let wait_us = charges.iter().map(|(key, budget)| self.wait_us(*key, *budget, now_us)).max().unwrap_or(0);
        if wait_us > 0 {
            return Err(wait_us.div_ceil(1_000_000));
        }
        self.make_room(now_us);
        for (key, budget) in charges {
            let whole_at = self.whole_at_us.entry(key).or_insert(now_us);
            *whole_at = (*whole_at).max(now_us) + budget.every_us;
        }
        Ok(())
    }

    /// The try was right: it and the mistakes before it no longer count.
    pub fn forgive(&mut self, attempt: Attempt<'_>, now_us: u64) {
        for (key, budget) in charges(attempt) {
            match key {
                Key::Pair(..) => {
                    self.whole_at_us.remove(&key);
                }
                Key::Address(_) | Key::Name(_) => {
                    if let Some(whole_at) = self.whole_at_us.get_mut(&key) {
                        *whole_at = whole_at.saturating_sub(budget.every_us).max(now_us);
                    }
                }
            }
        }
    }

    fn wait_us(&self, key: Key, budget: Budget, now_us: u64) -> u64 {
        let owed = self.whole_at_us.get(&key).map_or(0, |whole_at| whole_at.saturating_sub(now_us));
        (owed + budget.every_us).saturating_sub(budget.burst * budget.every_us)
    }

    /// Forgets whole budgets when there are too many, and then those nearest to being whole.
    fn make_room(&mut self, now_us: u64) {
        if self.whole_at_us.len() < REMEMBERED {
            return;
        }
        self.whole_at_us.retain(|_, whole_at| *whole_at > now_us);
        if self.whole_at_us.len() < REMEMBERED {
            return;
        }
        let mut times: Vec<u64> = self.whole_at_us.values().copied().collect();
        let (_, middle, _) = times.select_nth_unstable(REMEMBERED / 2);
        let middle = *middle;
        self.whole_at_us.retain(|_, whole_at| *whole_at > middle);
    }
}

fn charges(attempt: Attempt<'_>) -> Vec<(Key, Budget)> {
    let digest = Sha256::digest(attempt.name.trim().to_lowercase().as_bytes());
    let mut name = [0; 16];
    name.copy_from_slice(&digest[..16]);
    let place = Place::from(attempt.address);
    let mut charges = vec![(Key::Pair(name, place), PAIR), (Key::Address(place), ADDRESS)];
    if !attempt.known_place {
        charges.push((Key::Name(name), NAME));
    }
    charges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &str, last: u8, known_place: bool) -> Attempt<'_> {
        Attempt { name, address: IpAddr::from([192, 0, 2, last]), known_place }
    }

    #[test]
    fn five_mistakes_then_one_each_half_minute() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            assert_eq!(attempts.take(from("amina", 1, true), 0), Ok(()));
        }
        assert_eq!(attempts.take(from("amina", 1, true), 0), Err(30));
        assert_eq!(attempts.take(from("AMINA ", 1, true), 0), Err(30), "spelling does not help");
        assert_eq!(attempts.take(from("amina", 1, true), 29_999_999), Err(1));
        assert_eq!(attempts.take(from("amina", 1, true), 30_000_000), Ok(()));
        assert_eq!(attempts.take(from("amina", 1, true), 30_000_000), Err(30));
    }

    #[test]
    fn a_success_forgives_the_mistakes_before_it() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            attempts.take(from("amina", 1, true), 0).unwrap();
        }
        attempts.forgive(from("amina", 1, true), 0);
        assert_eq!(attempts.take(from("amina", 1, true), 0), Ok(()));
    }

    #[test]
    fn hammering_a_name_from_everywhere_does_not_lock_its_owner_out() {
        let mut attempts = Attempts::default();
        let mut refused = 0;
        for last in 1..=200 {
            refused += usize::from(attempts.take(from("amina", last, false), 0).is_err());
        }
        assert_eq!(refused, 180);
        assert_eq!(attempts.take(from("amina", 250, true), 0), Ok(()), "from her own desk");
        assert!(attempts.take(from("amina", 251, false), 0).is_err(), "from anywhere else");
        assert_eq!(attempts.take(from("jonas", 252, false), 0), Ok(()), "others are not concerned");
    }

    #[test]
    fn one_address_cannot_try_every_name() {
        let mut attempts = Attempts::default();
        let tried = (0..1_000).filter(|n| attempts.take(from(&format!("u{n}"), 1, false), 0).is_ok()).count();
        assert_eq!(tried, 30);
    }

    #[test]
    fn memory_is_bounded_and_the_worst_are_remembered() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            attempts.take(from("amina", 1, false), 0).unwrap();
        }
        for n in 0..40_000_u32 {
            let address = IpAddr::from(n.to_be_bytes());
            let _ = attempts.take(Attempt { name: &n.to_string(), address, known_place: true }, 0);
        }
        assert!(attempts.whole_at_us.len() <= REMEMBERED + 3);
        assert!(attempts.take(from("amina", 1, false), 0).is_err());
    }

    #[test]
    fn an_ipv6_network_is_one_place() {
        let mut attempts = Attempts::default();
        let tried = (0..100_u16)
            .filter(|n| {
                let address = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, *n]);
                attempts.take(Attempt { name: "amina", address, known_place: true }, 0).is_ok()
            })
            .count();
        assert_eq!(tried, 5);
    }
}
