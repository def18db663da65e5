//! Whether a code proves anything: pure.

use kernel::Timestamp;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::error::Refusal;

/// Seconds for which a code stands (RFC 6238 §5.2 recommends it).
const STEP_S: i64 = 30;
/// Codes before and after the present one that are taken as well, for clocks that differ.
const SKEW: i64 = 1;
/// Wrong codes in a row after which the door is closed.
const FAILURES: i64 = 5;
/// For so long.
const CLOSED_US: i64 = 15 * 60 * 1_000_000;

/// What is kept of somebody's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub secret: Vec<u8>,
    /// The step of the last code that was taken: it and earlier ones count no more (RFC 6238 §5.2).
    pub last_step: i64,
    /// Wrong codes since the last right one.
    pub failures: i64,
    /// Until then no code counts.
    pub locked: Option<Timestamp>,
}

/// What a code is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is right, and belongs to this step.
    Right { step: i64 },
    /// It is wrong, or was used before.
    Wrong,
    /// It is wrong, and closes the door until then.
    Closed { until: Timestamp },
    /// The door is closed; the code was not looked at.
    Locked { until: Timestamp },
}

/// The generator of a secret.
///
/// # Errors
/// A secret shorter than RFC 4226 §4 asks for.
pub fn generator(secret: &[u8]) -> Result<Totp, Refusal> {
    let secret = Secret::new(secret.into());
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_secret(secret);
    builder
        .with_step_duration(STEP_S.unsigned_abs())
        .build()
        .map_err(|error| Refusal::rule(format!("the second factor cannot be used, enrol it anew: {error}")))
}

/// Judges a code at an instant.
///
/// # Errors
/// A secret that cannot be used.
pub fn judge(kept: &Kept, code: &str, now: Timestamp) -> Result<Verdict, Refusal> {
    if let Some(until) = kept.locked.filter(|until| now < *until) {
        return Ok(Verdict::Locked { until });
    }
    let generator = generator(&kept.secret)?;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let present = now.micros().div_euclid(STEP_S * 1_000_000);
    let fresh = (present - SKEW..=present + SKEW).filter(|step| *step > kept.last_step);
    // Every candidate is computed and compared whole, so that time tells nothing.
    let right = fresh.fold(None, |found, step| {
        let wanted = generator.generate((step * STEP_S).unsigned_abs()).to_string();
        if same(&wanted, &code) { Some(step) } else { found }
    });
    Ok(match right {
        Some(step) => Verdict::Right { step },
        None if kept.failures + 1 >= FAILURES => Verdict::Closed { until: now.plus_micros(CLOSED_US) },
        None => Verdict::Wrong,
    })
}

fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |all, (l, r)| all | (l ^ r)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept { secret: b"12345678901234567890".to_vec(), last_step: 0, failures: 0, locked: None }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000)
    }

    #[test]
    fn the_vectors_of_the_standard_hold() {
        // RFC 6238, appendix B, SHA-1, the last six of eight digits.
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(judge(&kept(), code, at(second)).unwrap(), Verdict::Right { step: second / 30 }, "{second}");
        }
        assert_eq!(judge(&kept(), "287 082", at(59 + 30)).unwrap(), Verdict::Right { step: 1 }, "a slow clock");
        assert_eq!(judge(&kept(), "287082", at(59 + 120)).unwrap(), Verdict::Wrong, "too late");
    }

    #[test]
    fn a_code_counts_once_and_guessing_closes_the_door() {
        let used = Kept { last_step: 1, ..kept() };
        assert_eq!(judge(&used, "287082", at(59)).unwrap(), Verdict::Wrong);
        let tired = Kept { failures: 4, ..kept() };
        let Verdict::Closed { until } = judge(&tired, "000000", at(59)).unwrap() else { panic!("the door is open") };
        let closed = Kept { locked: Some(until), ..kept() };
        assert_eq!(judge(&closed, "287082", at(60)).unwrap(), Verdict::Locked { until }, "a right code as well");
        assert!(matches!(judge(&closed, "000000", until).unwrap(), Verdict::Wrong), "it opens again");
    }
}
