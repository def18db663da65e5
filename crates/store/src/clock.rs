//! House time: the wall clock as far as it can be believed.
//!
//! A wall clock jumps: to 1970 when a battery is empty, by a day when somebody mistypes, by minutes when a time server
//! is wrong. Deadlines must neither be missed nor fire early because of it. House time starts at the wall clock, or at
//! the latest instant that the house is known to have lived through when the wall clock says something earlier. From
//! there it advances with the monotonic clock:
//!
//! - small differences are slewed, never backwards;
//! - a wall clock that is behind is not followed;
//! - a wall clock that is ahead is followed once it has agreed with the monotonic clock for a minute (a machine that
//!   slept; a clock that was corrected), so that a brief jump has no effect;
//! - one that is ahead by more than a night and a day, or at a start by more than a month, is not followed at all: a
//!   week number that ran over and a mistyped year are likelier than that, and everything that is promised would be
//!   missed, everything that is kept for a time erased. [`ClockDoubt`] says so, and a person decides
//!   ([`crate::Store::trust_wall_clock`]).

use std::sync::Arc;

use kernel::{Clock, Timestamp};
use parking_lot::Mutex;

/// Differences up to this are slewed.
const SLEW_US: i64 = 2_000_000;
/// For how long a wall clock that is ahead must be steady before it is followed.
const CONFIRM_US: u64 = 60_000_000;
/// A wall clock that is ahead by more while the program runs is for a person to judge.
const LONGEST_LEAP_US: i64 = 36 * 3_600 * 1_000_000;
/// The same at a start: so long the house may have been closed.
const LONGEST_CLOSED_US: i64 = 31 * 24 * 3_600 * 1_000_000;
/// A wall clock that is behind by less may be on its way to the right time.
const BEHIND_US: i64 = 120_000_000;

/// The program did not exist before: a house that lives then began with a clock that had never been set.
const NOT_BEFORE: Timestamp = Timestamp(1_767_225_600_000_000);

/// The wall clock says another time than the house, and is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDoubt {
    /// What the machine's clock says.
    pub wall: Timestamp,
    /// What the house goes by.
    pub house: Timestamp,
}

/// The pure part: what time it is, from what two clocks say.
#[derive(Debug, Clone)]
pub struct HouseTime {
    house: Timestamp,
    monotonic_us: u64,
    ahead: Option<Ahead>,
}

/// A wall clock that has been ahead since `since_us` by a steady distance from the monotonic clock.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    offset_us: i64,
    since_us: u64,
}

impl HouseTime {
    /// Starts at `wall`; at `lived`, the latest instant known from before, when that is later, or so long ago that the
    /// wall clock is likelier wrong. `None`: the house is new.
    pub fn start(wall: Timestamp, monotonic_us: u64, lived: Option<Timestamp>) -> HouseTime {
        let believed = |lived: &Timestamp| {
            let closed_us = wall.micros().saturating_sub(lived.micros());
            (0..=LONGEST_CLOSED_US).contains(&closed_us) || (closed_us > 0 && *lived < NOT_BEFORE)
        };
        HouseTime { house: lived.filter(|lived| !believed(lived)).unwrap_or(wall), monotonic_us, ahead: None }
    }

    /// Whether a person has to say which of the two is right.
    fn doubts(&self, wall: Timestamp) -> bool {
        let ahead_us = wall.micros().saturating_sub(self.house.micros());
        ahead_us < -BEHIND_US || self.is_a_leap(ahead_us)
    }

    fn is_a_leap(&self, ahead_us: i64) -> bool {
        ahead_us > LONGEST_LEAP_US && self.house >= NOT_BEFORE
    }

    /// What time it is now. Never earlier than the last answer.
    pub fn observe(&mut self, wall: Timestamp, monotonic_us: u64) -> Timestamp {
        let elapsed = i64::try_from(monotonic_us.saturating_sub(self.monotonic_us)).unwrap_or(i64::MAX);
        self.monotonic_us = self.monotonic_us.max(monotonic_us);
        let steady = self.house.plus_micros(elapsed);
        let ahead_us = wall.micros().saturating_sub(steady.micros());
        self.house = if self.is_a_leap(ahead_us) {
            self.ahead = None;
            steady
        } else if ahead_us > SLEW_US {
            if self.confirmed(wall) { wall } else { steady }
        } else {
            self.ahead = None;
            match ahead_us {
                0.. => wall,
                // A little behind: run at half speed until the wall clock has caught up.
                behind if behind >= -SLEW_US => steady.plus_micros(-(elapsed / 2).min(-behind)),
                _ => steady,
            }
        };
        self.house
    }

    /// Whether the wall clock has been ahead by the same distance for long enough.
    fn confirmed(&mut self, wall: Timestamp) -> bool {
        let mono = i64::try_from(self.monotonic_us).unwrap_or(i64::MAX);
        let offset_us = wall.micros().saturating_sub(mono);
        match self.ahead {
            Some(ahead) if ahead.offset_us.abs_diff(offset_us) <= SLEW_US.unsigned_abs() => {
                let confirmed = self.monotonic_us - ahead.since_us >= CONFIRM_US;
                if confirmed {
                    self.ahead = None;
                }
                confirmed
            }
            _ => {
                self.ahead = Some(Ahead { offset_us, since_us: self.monotonic_us });
                false
            }
        }
    }
}

/// House time as a clock for everybody.
pub(crate) struct HouseClock {
    machine: Arc<dyn Clock>,
    time: Mutex<HouseTime>,
}

impl HouseClock {
    pub(crate) fn start(machine: Arc<dyn Clock>, lived: Option<Timestamp>) -> HouseClock {
        let time = HouseTime::start(machine.now(), machine.monotonic_us(), lived);
        HouseClock { machine, time: Mutex::new(time) }
    }

    /// What the machine's wall clock says, believed or not.
    pub(crate) fn wall(&self) -> Timestamp {
        self.machine.now()
    }

    pub(crate) fn doubt(&self) -> Option<ClockDoubt> {
        let (house, wall) = (self.now(), self.machine.now());
        self.time.lock().doubts(wall).then_some(ClockDoubt { wall, house })
    }

    /// Sets house time to the wall clock, even backwards: a decision of the operator.
    pub(crate) fn trust_wall(&self) -> Timestamp {
        let wall = self.machine.now();
        *self.time.lock() = HouseTime::start(wall, self.machine.monotonic_us(), None);
        wall
    }
}

impl Clock for HouseClock {
    fn now(&self) -> Timestamp {
        self.time.lock().observe(self.machine.now(), self.machine.monotonic_us())
    }

    fn monotonic_us(&self) -> u64 {
        self.machine.monotonic_us()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const DAY: i64 = 86_400 * SECOND;
    const NOON: Timestamp = Timestamp(1_795_262_400_000_000);

    /// Starts right at noon, then shows the clock each (seconds since, wall error in µs) and compares the answer with
    /// the error that house time should then have.
    fn check(steps: &[(i64, i64, i64)]) {
        let mut time = HouseTime::start(NOON, 0, None);
        let mut last = NOON;
        for &(at, wall_error, house_error) in steps {
            let truth = NOON.plus_micros(at * SECOND);
            let house = time.observe(truth.plus_micros(wall_error), u64::try_from(at * SECOND).unwrap());
            assert_eq!(house.micros() - truth.micros(), house_error, "at {at} s in {steps:?}");
            assert!(house >= last, "house time went back at {at} s in {steps:?}");
            last = house;
        }
    }

    #[test]
    fn a_wrong_wall_clock_is_not_followed() {
        check(&[(1, 0, 0), (2, -NOON.0, 0), (30, -NOON.0, 0), (600, 0, 0)]);
        check(&[(1, -600 * SECOND, 0), (7200, -600 * SECOND, 0)]);
        check(&[(1, DAY, 0), (59, DAY, 0), (60, 0, 0), (61, DAY, 0), (120, DAY, 0)]);
    }

    #[test]
    fn a_steady_clock_ahead_is_followed_after_a_minute() {
        check(&[(1, DAY, 0), (60, DAY, 0), (61, DAY, DAY), (62, DAY, DAY), (63, 0, DAY)]);
    }

    #[test]
    fn small_differences_are_slewed() {
        check(&[(1, SECOND, SECOND), (2, 0, SECOND / 2), (3, 0, 0), (4, 0, 0)]);
    }

    #[test]
    fn a_clock_before_the_last_known_instant_is_not_believed_at_start() {
        let mut time = HouseTime::start(Timestamp(0), 0, Some(NOON));
        assert_eq!(time.observe(Timestamp(SECOND), 1_000_000), NOON.plus_micros(SECOND));
        assert!(time.doubts(Timestamp(SECOND)));
    }

    #[test]
    fn a_leap_of_days_is_for_a_person_to_judge() {
        check(&[(1, 3 * DAY, 0), (60, 3 * DAY, 0), (7200, 3 * DAY, 0), (7260, DAY, 0), (7321, DAY, DAY)]);
        let mut time = HouseTime::start(NOON, 0, None);
        let years = NOON.plus_micros(1_100 * DAY);
        time.observe(years, 1);
        assert!(time.doubts(years) && !time.doubts(NOON));
    }

    #[test]
    fn a_house_that_began_before_its_clock_was_set_follows() {
        let mut time = HouseTime::start(Timestamp(0), 0, None);
        time.observe(NOON, 1_000_000);
        assert_eq!(time.observe(NOON.plus_micros(61 * SECOND), 62_000_000), NOON.plus_micros(61 * SECOND));
        assert_eq!(HouseTime::start(NOON, 0, Some(Timestamp(SECOND))).house, NOON);
    }

    /// How long after the last known instant the house starts, in days; whether its wall clock is believed.
    #[test]
    fn a_house_that_was_closed_for_a_month_asks() {
        for (days, believed) in [(0, true), (1, true), (31, true), (32, false), (1_826, false)] {
            let wall = NOON.plus_micros(days * DAY);
            let time = HouseTime::start(wall, 0, Some(NOON));
            assert_eq!(time.house, if believed { wall } else { NOON }, "after {days} days");
            assert_eq!(time.doubts(wall), !believed, "after {days} days");
        }
    }
}
