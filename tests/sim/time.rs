//! True time, and the clocks that differ from it.

use keylease::domain::time::{BootTime, Timestamp};

/// True time, in nanoseconds.
pub(crate) type Time = u64;

pub(crate) const MILLI: Time = 1_000_000;
pub(crate) const SECOND: Time = 1_000 * MILLI;

/// A boot clock: it began some time ago, and its rate is off by some parts in a million.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BootClock {
    pub(crate) offset: Time,
    pub(crate) ppm: i64,
}

impl BootClock {
    pub(crate) fn at(&self, time: Time) -> BootTime {
        let drift = i128::from(time) * i128::from(self.ppm) / 1_000_000;
        let nanos = i128::from(time) + i128::from(self.offset) + drift;
        BootTime::from_nanos(u64::try_from(nanos).unwrap())
    }
}

/// The database's clock: it is set, forth and back, and it slews.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallClock {
    /// When the simulation begins.
    begin: i64,
    pub(crate) offset: i64,
    slew_ppm: i64,
    slew_since: Time,
}

/// A midnight in UTC.
const BEGIN: i64 = 1_700_006_400_000_000;

impl WallClock {
    pub(crate) fn beginning(begin: i64) -> Self {
        Self {
            begin,
            ..Self::default()
        }
    }

    pub(crate) fn at(&self, time: Time) -> Timestamp {
        let slewed = i64::try_from(time - self.slew_since).unwrap() / 1_000_000 * self.slew_ppm;
        let nanos = i64::try_from(time).unwrap() + self.offset + slewed;
        Timestamp::from_micros(BEGIN + self.begin + nanos / 1_000)
    }

    pub(crate) fn step(&mut self, by: i64) {
        self.offset += by;
    }

    pub(crate) fn slew(&mut self, ppm: i64, now: Time) {
        let slewed = i64::try_from(now - self.slew_since).unwrap() / 1_000_000 * self.slew_ppm;
        self.offset += slewed;
        self.slew_ppm = ppm;
        self.slew_since = now;
    }
}
