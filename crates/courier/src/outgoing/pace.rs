//! How fast a channel may be used: a bucket that fills with time.

/// Sends so many in a second on average, and so many at once after a pause.
#[derive(Debug, Clone)]
pub struct Pace {
    per_s: f64,
    burst: f64,
    tokens: f64,
    at_us: u64,
}

impl Pace {
    /// Full at `now_us` of the monotonic clock. A rate that is not above zero holds nothing back.
    pub fn new(per_s: f64, now_us: u64) -> Pace {
        let burst = per_s.max(1.0);
        Pace { per_s, burst, tokens: burst, at_us: now_us }
    }

    /// Takes one, or says how many microseconds to wait.
    pub fn take(&mut self, now_us: u64) -> Result<(), u64> {
        if self.per_s <= 0.0 {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a pause")]
        let passed_s = now_us.saturating_sub(self.at_us) as f64 / 1e6;
        self.at_us = self.at_us.max(now_us);
        self.tokens = (self.tokens + passed_s * self.per_s).min(self.burst);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a pause of seconds")]
        Err(((1.0 - self.tokens) / self.per_s * 1e6).ceil() as u64)
    }

    /// The next hop said that it is too fast: nothing for so long.
    pub fn hold(&mut self, now_us: u64, pause_us: u64) {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a pause")]
        let owed = pause_us as f64 / 1e6 * self.per_s;
        let _ = self.take(now_us);
        self.tokens = self.tokens.min(1.0) - owed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_than_the_rate_after_the_first_burst() {
        let mut pace = Pace::new(10.0, 0);
        let mut taken = Vec::new();
        for now_us in (0..10_000_000).step_by(1_000) {
            if pace.take(now_us).is_ok() {
                taken.push(now_us);
            }
        }
        assert_eq!(taken.iter().filter(|at| **at < 1_000).count(), 1, "one a call");
        for from in (1_000_000..9_000_000).step_by(500_000) {
            let within = taken.iter().filter(|at| (from..from + 1_000_000).contains(*at)).count();
            assert!((9..=11).contains(&within), "{within} in the second from {from}");
        }
    }

    #[test]
    fn a_wait_that_is_named_is_enough() {
        let mut pace = Pace::new(0.5, 0);
        assert_eq!(pace.take(0), Ok(()));
        let wait = pace.take(0).unwrap_err();
        assert_eq!(wait, 2_000_000);
        assert_eq!(pace.take(wait), Ok(()));
        pace.hold(wait, 10_000_000);
        assert!(pace.take(wait + 9_000_000).is_err());
        assert!(Pace::new(0.0, 0).take(0).is_ok());
    }
}
