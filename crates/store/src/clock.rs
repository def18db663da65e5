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
//!   ([`crate::Store::trust_wall_clock`]);
//! - where the machine tells how long it slept (Linux), that is believed at once, and a wall clock that leaps by more
//!   than minutes beyond it was set by somebody: a person decides. Only in the first hour after the machine was
//!   switched on, and while the house is ahead of a clock that started too early, is a leap of up to a night and a day
//!   likelier a time server or a satellite that was heard at last.

use std::sync::Arc;

use kernel::{Clock, Timestamp};
use parking_lot::Mutex;

/// Differences up to this are slewed.
const SLEW_US: i64 = 2_000_000;
/// For how long a wall clock that is ahead must be steady before it is followed.
const CONFIRM_US: u64 = 60_000_000;
/// A wall clock that is ahead by more while the machine was awake all the time is for a person to judge.
const LONGEST_STEP_US: i64 = 5 * 60 * 1_000_000;
/// So long after it was switched on a machine may be without the right time: one whose clock has no battery goes on
/// from where it stopped, until it hears a time server.
const SETTLING_US: u64 = 3_600 * 1_000_000;
/// The same where nobody knows whether the machine slept, or had the right time.
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
    /// How long the machine has slept since it was switched on, as far as the house has taken it into account.
    slept_us: Option<u64>,
    /// The wall clock began earlier than what the house had lived through: it is still to be put right.
    unset: bool,
    ahead: Option<Ahead>,
}

/// A wall clock that has been ahead since `since_us` by a steady distance from the monotonic clock.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    offset_us: i64,
    since_us: u64,
}

impl HouseTime {
    /// Starts at the wall clock of `machine`; at `lived`, the latest instant known from before, when that is later, or
    /// so long ago that the wall clock is likelier wrong. `None`: the house is new.
    pub fn start(machine: &dyn Clock, lived: Option<Timestamp>) -> HouseTime {
        let wall = machine.now();
        let believed = |lived: &Timestamp| {
            let closed_us = wall.micros().saturating_sub(lived.micros());
            (0..=LONGEST_CLOSED_US).contains(&closed_us) || (closed_us > 0 && *lived < NOT_BEFORE)
        };
        HouseTime {
            house: lived.filter(|lived| !believed(lived)).unwrap_or(wall),
            monotonic_us: machine.monotonic_us(),
            slept_us: slept_us(machine),
            unset: lived.is_some_and(|lived| wall < lived),
            ahead: None,
        }
    }

    /// Whether a person has to say which of the two is right.
    fn doubts(&self, machine: &dyn Clock) -> bool {
        let ahead_us = machine.now().micros().saturating_sub(self.house.micros());
        ahead_us < -BEHIND_US || self.is_a_leap(ahead_us, machine)
    }

    fn is_a_leap(&self, ahead_us: i64, machine: &dyn Clock) -> bool {
        if ahead_us <= LONGEST_STEP_US || self.house < NOT_BEFORE {
            return false;
        }
        let awake = |since_boot_us| since_boot_us > SETTLING_US && !self.unset;
        ahead_us > LONGEST_LEAP_US || machine.since_boot_us().is_some_and(awake)
    }

    /// What time it is now. Never earlier than the last answer.
    pub fn observe(&mut self, machine: &dyn Clock) -> Timestamp {
        let (wall, monotonic_us) = (machine.now(), machine.monotonic_us());
        let elapsed = i64::try_from(monotonic_us.saturating_sub(self.monotonic_us)).unwrap_or(i64::MAX);
        self.monotonic_us = self.monotonic_us.max(monotonic_us);
        let mut steady = self.house.plus_micros(elapsed);
        let ahead_of = |steady: Timestamp| wall.micros().saturating_sub(steady.micros());
        if ahead_of(steady) > SLEW_US {
            steady = steady.plus_micros(self.wake(machine));
        }
        let ahead_us = ahead_of(steady);
        self.house = if self.is_a_leap(ahead_us, machine) {
            self.ahead = None;
            steady
        } else if ahead_us > SLEW_US {
            if self.confirmed(wall) { wall } else { steady }
        } else {
            self.ahead = None;
            self.unset &= ahead_us < -SLEW_US;
            match ahead_us {
                0.. => wall,
                // A little behind: run at half speed until the wall clock has caught up.
                behind if behind >= -SLEW_US => steady.plus_micros(-(elapsed / 2).min(-behind)),
                _ => steady,
            }
        };
        self.house
    }

    /// For how long the machine has slept since this was asked last. Less than what is slewed is the inexactness of the
    /// two clocks.
    fn wake(&mut self, machine: &dyn Clock) -> i64 {
        let (Some(before_us), Some(slept_us)) = (self.slept_us, slept_us(machine)) else { return 0 };
        let slept_us = i64::try_from(slept_us.saturating_sub(before_us)).unwrap_or(i64::MAX);
        if slept_us <= SLEW_US {
            return 0;
        }
        self.slept_us = Some(before_us.saturating_add_signed(slept_us));
        slept_us
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
                    self.unset = false;
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

/// The two clocks have different origins: only what this grows by means something.
fn slept_us(machine: &dyn Clock) -> Option<u64> {
    machine.since_boot_us().map(|since_boot_us| since_boot_us.saturating_sub(machine.monotonic_us()))
}

/// House time as a clock for everybody.
pub(crate) struct HouseClock {
    machine: Arc<dyn Clock>,
    time: Mutex<HouseTime>,
}

impl HouseClock {
    pub(crate) fn start(machine: Arc<dyn Clock>, lived: Option<Timestamp>) -> HouseClock {
        let time = Mutex::new(HouseTime::start(&*machine, lived));
        HouseClock { machine, time }
    }

    /// What the machine's wall clock says, believed or not.
    pub(crate) fn wall(&self) -> Timestamp {
        self.machine.now()
    }

    pub(crate) fn doubt(&self) -> Option<ClockDoubt> {
        let (house, wall) = (self.now(), self.machine.now());
        self.time.lock().doubts(&*self.machine).then_some(ClockDoubt { wall, house })
    }

    /// Sets house time to the wall clock, even backwards: a decision of the operator.
    pub(crate) fn trust_wall(&self) -> Timestamp {
        let time = HouseTime::start(&*self.machine, None);
        let wall = time.house;
        *self.time.lock() = time;
        wall
    }
}

impl Clock for HouseClock {
    fn now(&self) -> Timestamp {
        self.time.lock().observe(&*self.machine)
    }

    fn monotonic_us(&self) -> u64 {
        self.machine.monotonic_us()
    }

    fn since_boot_us(&self) -> Option<u64> {
        self.machine.since_boot_us()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const NOON: Timestamp = Timestamp(1_795_262_400_000_000);

    /// A machine of which each clock says what the test wants.
    #[derive(Debug, Clone, Copy)]
    struct Machine {
        wall: Timestamp,
        monotonic_us: i64,
        since_boot_us: Option<i64>,
    }

    impl Machine {
        fn at(wall: Timestamp, monotonic_us: i64) -> Machine {
            Machine { wall, monotonic_us, since_boot_us: None }
        }
    }

    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            self.wall
        }

        fn monotonic_us(&self) -> u64 {
            u64::try_from(self.monotonic_us).unwrap()
        }

        fn since_boot_us(&self) -> Option<u64> {
            self.since_boot_us.map(|since_boot_us| u64::try_from(since_boot_us).unwrap())
        }
    }

    /// Starts right at noon, then shows the clock each (seconds since, wall error in µs) and compares the answer with
    /// the error that house time should then have.
    fn check(steps: &[(i64, i64, i64)]) {
        let mut time = HouseTime::start(&Machine::at(NOON, 0), None);
        let mut last = NOON;
        for &(at, wall_error, house_error) in steps {
            let truth = NOON.plus_micros(at * SECOND);
            let house = time.observe(&Machine::at(truth.plus_micros(wall_error), at * SECOND));
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

    /// A machine that tells how long it has been on, switched on `booted_us` before the program begins, whose wall
    /// clock is `leap_us` ahead after two minutes of which it slept `slept_us`: is it followed (after another minute)?
    fn leaps(booted_us: i64, slept_us: i64, leap_us: i64, lived: Option<Timestamp>) -> (bool, bool) {
        let machine = |wall, monotonic_us, slept_us| Machine {
            since_boot_us: Some(booted_us + monotonic_us + slept_us),
            ..Machine::at(wall, monotonic_us)
        };
        let mut time = HouseTime::start(&machine(NOON, 0, 0), lived);
        let began = time.house;
        let wall = |monotonic_us: i64| began.plus_micros(monotonic_us + leap_us);
        let mut house = time.observe(&machine(wall(2 * MINUTE), 2 * MINUTE, slept_us));
        let awake_us = house.micros() - began.micros() - 2 * MINUTE;
        assert_eq!(awake_us, slept_us, "what it slept is believed at once, and nothing else");
        let last = machine(wall(4 * MINUTE), 4 * MINUTE, slept_us);
        house = time.observe(&last).max(house);
        (house == last.wall, time.doubts(&last))
    }

    #[test]
    fn a_machine_that_was_awake_does_not_follow_a_leap() {
        const FOLLOWED: (bool, bool) = (true, false);
        const A_PERSON_DECIDES: (bool, bool) = (false, true);
        for (what, booted_us, slept_us, leap_us, lived, expected) in [
            ("a step of a time server", DAY, 0, 4 * MINUTE, None, FOLLOWED),
            ("set by somebody", DAY, 0, 30 * HOUR, None, A_PERSON_DECIDES),
            ("set by a quarter of an hour", DAY, 0, 15 * MINUTE, None, A_PERSON_DECIDES),
            ("a night's sleep", DAY, 9 * HOUR, 9 * HOUR, None, FOLLOWED),
            ("a week's sleep", DAY, 7 * DAY, 7 * DAY, None, FOLLOWED),
            ("set while it slept", DAY, HOUR, 30 * HOUR, None, A_PERSON_DECIDES),
            ("a clock without battery", 5 * MINUTE, 0, 14 * HOUR, None, FOLLOWED),
            ("the same, and years", 5 * MINUTE, 0, 1_000 * DAY, None, A_PERSON_DECIDES),
            ("began too early", DAY, 0, 14 * HOUR, Some(NOON.plus_micros(DAY)), FOLLOWED),
        ] {
            assert_eq!(leaps(booted_us, slept_us, leap_us, lived), expected, "{what}");
        }
    }

    #[test]
    fn a_clock_before_the_last_known_instant_is_not_believed_at_start() {
        let mut time = HouseTime::start(&Machine::at(Timestamp(0), 0), Some(NOON));
        let early = Machine::at(Timestamp(SECOND), SECOND);
        assert_eq!(time.observe(&early), NOON.plus_micros(SECOND));
        assert!(time.doubts(&early));
    }

    #[test]
    fn a_leap_of_days_is_for_a_person_to_judge() {
        check(&[(1, 3 * DAY, 0), (60, 3 * DAY, 0), (7200, 3 * DAY, 0), (7260, DAY, 0), (7321, DAY, DAY)]);
        let mut time = HouseTime::start(&Machine::at(NOON, 0), None);
        let years = Machine::at(NOON.plus_micros(1_100 * DAY), 1);
        time.observe(&years);
        assert!(time.doubts(&years) && !time.doubts(&Machine::at(NOON, 1)));
    }

    #[test]
    fn a_house_that_began_before_its_clock_was_set_follows() {
        let mut time = HouseTime::start(&Machine::at(Timestamp(0), 0), None);
        time.observe(&Machine::at(NOON, SECOND));
        let minute_later = NOON.plus_micros(61 * SECOND);
        assert_eq!(time.observe(&Machine::at(minute_later, 62 * SECOND)), minute_later);
        assert_eq!(HouseTime::start(&Machine::at(NOON, 0), Some(Timestamp(SECOND))).house, NOON);
    }

    /// How long after the last known instant the house starts, in days; whether its wall clock is believed.
    #[test]
    fn a_house_that_was_closed_for_a_month_asks() {
        for (days, believed) in [(0, true), (1, true), (31, true), (32, false), (1_826, false)] {
            let machine = Machine::at(NOON.plus_micros(days * DAY), 0);
            let time = HouseTime::start(&machine, Some(NOON));
            assert_eq!(time.house, if believed { machine.wall } else { NOON }, "after {days} days");
            assert_eq!(time.doubts(&machine), !believed, "after {days} days");
        }
    }
}
