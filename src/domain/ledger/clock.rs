//! Two clocks: charges are stamped with the higher and expire by the lower, so that a database clock that steps ends no charge early.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use crate::domain::time::{BootTime, Timestamp, micros_of};

/// A silence of this length ends what is known of the database's clock: it may have been set meanwhile.
pub const SAMPLE_GAP_MAX: Duration = Duration::from_secs(2);

/// The clocks of one limit, as stored: neither goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// At or after the true time: stamps charges.
    pub high: Timestamp,
    /// At or before the true time: ends charges.
    pub low: Timestamp,
}

impl Clocks {
    /// Moves both on: `database_now` was read after the row was locked; `believed` is the most that this replica, by its own boot
    /// clock, believes the time to be.
    #[must_use]
    pub fn advance(self, database_now: Timestamp, believed: Timestamp) -> Self {
        Self {
            high: self.high.max(database_now),
            low: self.low.max(database_now.min(believed)),
        }
    }
}

/// What one replica knows of the database's clock, set against its own boot clock: minima of (database − boot) over buckets of a
/// second, a minute and an hour, so that the minimum over the last C is at hand for any C up to a month.
#[derive(Debug, Default)]
pub struct ClockSamples {
    since: Option<BootTime>,
    last: BootTime,
    latest_offset: i64,
    seconds: Buckets,
    minutes: Buckets,
    hours: Buckets,
    /// For limits whose C reaches back beyond `since`: where the limit's own lower clock stood when it was first touched.
    seeds: HashMap<Uuid, i64>,
}

impl ClockSamples {
    /// Takes a sample: what the database's clock said, and when the answer came.
    pub fn add(&mut self, database: Timestamp, answered: BootTime) {
        let silent = answered.since(self.last) > SAMPLE_GAP_MAX;
        if self.since.is_none() || silent {
            *self = Self {
                since: Some(answered),
                ..Self::default()
            };
        }
        self.last = self.last.max(answered);
        self.latest_offset = database.micros().saturating_sub(answered.micros());
        self.seconds.add(answered, self.latest_offset, SECOND, 120);
        self.minutes
            .add(answered, self.latest_offset, 60 * SECOND, 120);
        self.hours
            .add(answered, self.latest_offset, 3_600 * SECOND, 24 * 33);
    }

    /// The database's time at `now`, as the latest sample has it: for deadlines of health and leases, never for charges.
    #[must_use]
    pub fn database_time(&self, now: BootTime) -> Option<Timestamp> {
        self.since
            .map(|_| Timestamp::from_micros(self.latest_offset.saturating_add(now.micros())))
    }

    /// The most that the time can be at `sent`, for a limit with charge time `charge` whose lower clock stands at `last_low`.
    pub fn believed(
        &mut self,
        limit: Uuid,
        last_low: Timestamp,
        charge: Duration,
        epsilon: Duration,
        sent: BootTime,
    ) -> Timestamp {
        let silent = self.since.is_none() || sent.since(self.last) > SAMPLE_GAP_MAX;
        if silent {
            return last_low;
        }
        let known_for = self.since.map_or(Duration::ZERO, |since| sent.since(since));
        let mut offset = self.minimum(sent, charge);
        if known_for < charge {
            // Whoever moved the lower clock may have put it ahead by an epsilon already: each new sampler would add another.
            let seed = last_low.before(epsilon).micros() - sent.micros();
            offset = offset.min(*self.seeds.entry(limit).or_insert(seed));
        } else {
            self.seeds.remove(&limit);
        }
        Timestamp::from_micros(
            offset
                .saturating_add(sent.micros())
                .saturating_add(micros_of(epsilon)),
        )
    }

    /// The least offset over at least the last `reach`.
    fn minimum(&self, now: BootTime, reach: Duration) -> i64 {
        let from = BootTime::from_nanos(now.nanos().saturating_sub(nanos(reach)));
        let buckets = if reach <= Duration::from_secs(110) {
            &self.seconds
        } else if reach <= Duration::from_mins(110) {
            &self.minutes
        } else {
            &self.hours
        };
        buckets.minimum_since(from).unwrap_or(self.latest_offset)
    }
}

const SECOND: u64 = 1_000_000_000;

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Minima over stretches of one length, oldest first.
#[derive(Debug, Default)]
struct Buckets {
    width: u64,
    minima: VecDeque<(u64, i64)>,
}

impl Buckets {
    fn add(&mut self, at: BootTime, offset: i64, width: u64, kept: usize) {
        self.width = width;
        let index = at.nanos() / width;
        match self.minima.back_mut() {
            Some((last, minimum)) if *last >= index => *minimum = offset.min(*minimum),
            _ => self.minima.push_back((index, offset)),
        }
        while self.minima.len() > kept {
            self.minima.pop_front();
        }
    }

    /// Over every bucket that reaches past `from`: at least as far back as asked, which can only make the answer lower.
    fn minimum_since(&self, from: BootTime) -> Option<i64> {
        let first = from.nanos().checked_div(self.width)?;
        let recent = self.minima.iter().rev().take_while(|(i, _)| *i >= first);
        recent.map(|(_, minimum)| *minimum).min()
    }
}

#[cfg(test)]
mod tests;
