//! Pauses between attempts to connect.

use std::time::Duration;

/// Doubles from half a second to a minute, spread by chance, so that many offices do not come back at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const LONGEST_MS: u64 = 60_000;

    /// No failure yet.
    pub const fn new() -> Backoff {
        Backoff { failures: 0 }
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait. `chance` of 0 up to 255 spreads it between half and all of the pause.
    pub fn pause(&mut self, chance: u8) -> Duration {
        let whole = 500_u64.saturating_mul(1 << self.failures.min(10)).min(Self::LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(whole / 2 + whole / 2 * u64::from(chance) / 255)
    }
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_begin_anew() {
        let mut backoff = Backoff::new();
        let pauses: Vec<u128> = (0..10).map(|_| backoff.pause(255).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
        assert_eq!(backoff.pause(0).as_millis(), 30_000);
        backoff.reset();
        assert_eq!(backoff.pause(255).as_millis(), 500);
    }
}
