//! Two clocks: charges are stamped with the higher and expire by the lower, so that a database clock that steps ends no charge early.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use crate::domain::time::{BootTime, Timestamp, micros_of};

/// A silence of this length ends what is known of the database's clock: it may have been set meanwhile. A clock that is set back and
/// set right again within it need not have been seen by every replica.
pub const SAMPLE_GAP_MAX: Duration = Duration::from_secs(2);

/// The clocks of one limit, as stored: neither goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// At or after the true time: stamps charges.
    pub high: Timestamp,
    /// At or before the true time: ends charges.
    pub low: Timestamp,
}

/// What a replica, by its own boot clock, believes the time to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Believed {
    /// At least this: where the clock was set back just now, whoever has not seen it will let time pass as before.
    pub least: Timestamp,
    /// At most this.
    pub most: Timestamp,
    /// At most this, for what is no older than a failover may lose: by what was seen of the clock since then alone. Where a limit was idle
    /// while every replica was new, `most` is behind by as long for the whole of its window.
    pub recent: Timestamp,
}

impl Believed {
    /// Of a clock that is right.
    #[must_use]
    pub const fn exactly(now: Timestamp) -> Self {
        Self {
            least: now,
            most: now,
            recent: now,
        }
    }
}

impl Clocks {
    /// Moves both on: `database_now` was read after the row was locked.
    #[must_use]
    pub fn advance(self, database_now: Timestamp, believed: Believed) -> Self {
        Self {
            high: self.high.max(database_now).max(believed.least),
            low: self.low.max(database_now.min(believed.most)),
        }
    }
}

/// What one replica knows of the database's clock, set against its own boot clock: minima of (database − boot) over buckets of a
/// second, a minute and an hour, so that the minimum over the last C is at hand for any C up to a month.
#[derive(Debug, Default)]
pub struct ClockSamples {
    since: Option<BootTime>,
    last: BootTime,
    /// When the latest sample was asked for, at the latest: the clock was read between that and the answer.
    asked: BootTime,
    latest_offset: i64,
    /// Of (database - boot), what agrees with the answers so far.
    steady: Option<i64>,
    /// Of (boot - database), whose minima are the maxima of the other.
    reversed: Buckets,
    seconds: Buckets,
    minutes: Buckets,
    hours: Buckets,
    /// For limits whose C reaches back beyond `since`: where the limit's own lower clock stood when it was first touched.
    seeds: HashMap<Uuid, i64>,
}

impl ClockSamples {
    /// Takes a sample: what the database's clock said, when it was asked, and when the answer came.
    pub fn add(&mut self, database: Timestamp, asked: BootTime, answered: BootTime) {
        let silent = answered.since(self.asked) > SAMPLE_GAP_MAX;
        if self.since.is_none() || silent {
            *self = Self {
                since: Some(answered),
                // What time it was at least is known from before the silence too.
                reversed: std::mem::take(&mut self.reversed),
                steady: self.steady,
                ..Self::default()
            };
        }
        self.last = self.last.max(answered);
        self.asked = self.asked.max(asked);
        self.latest_offset = database.micros().saturating_sub(answered.micros());
        // The clock was read at some time between: what was known is changed by as little as agrees with that.
        let most = database.micros().saturating_sub(asked.micros());
        let known = self.steady.unwrap_or(self.latest_offset);
        self.steady = Some(known.min(most).max(self.latest_offset));
        let reversed = self.latest_offset.saturating_neg();
        self.reversed.add(answered, reversed, SECOND, 6);
        self.seconds.add(answered, self.latest_offset, SECOND, 120);
        self.minutes
            .add(answered, self.latest_offset, 60 * SECOND, 120);
        self.hours
            .add(answered, self.latest_offset, 3_600 * SECOND, HOURS);
    }

    /// The database's time at `now`: for deadlines of health and leases, and for what came first, never for charges. An answer that was
    /// slow on its way does not set it back, only a clock that was.
    #[must_use]
    pub fn database_time(&self, now: BootTime) -> Option<Timestamp> {
        let offset = self.steady?;
        Some(Timestamp::from_micros(offset.saturating_add(now.micros())))
    }

    /// The least that the time can be now that the latest sample was taken: by what was seen of the clock since twice [`SAMPLE_GAP_MAX`],
    /// for so long one that was set back and set right may have gone unseen by others.
    #[must_use]
    pub fn least(&self) -> Timestamp {
        let reversed = self.reversed.latest(LEAST_BUCKETS);
        let offset = reversed.map_or(self.latest_offset, i64::saturating_neg);
        Timestamp::from_micros(offset.saturating_add(self.last.micros()))
    }

    /// The most that the time can be at `sent`, for a limit of this reach whose lower clock stands at `last_low`. The
    /// latest sample was taken after that was read. It is ahead of the time by `lead` at most.
    pub fn believed(
        &mut self,
        limit: Uuid,
        last_low: Timestamp,
        reach: Duration,
        lead: Duration,
        sent: BootTime,
    ) -> Timestamp {
        // Whatever ended the longest charge may have been stamped just after the clock was seen last before it was set.
        let reach = reach + SAMPLE_GAP_MAX;
        let silent = self.since.is_none() || sent.since(self.asked) > SAMPLE_GAP_MAX;
        if silent {
            return last_low;
        }
        let known_for = self.since.map_or(Duration::ZERO, |since| sent.since(since));
        let mut offset = self.minimum(sent, reach);
        if known_for < reach {
            // Whoever moved the lower clock may have put it ahead by a lead already: each new sampler would add another. It stands against
            // the boot clock of when it was read: others have moved it on while this transaction was on its way.
            let seed = last_low.before(lead).micros() - self.last.micros();
            offset = offset.min(*self.seeds.entry(limit).or_insert(seed));
        } else {
            self.seeds.remove(&limit);
        }
        Timestamp::from_micros(
            offset
                .saturating_add(sent.micros())
                .saturating_add(micros_of(lead)),
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

/// Buckets of an hour that reach back over the longest charge: a month, a quarter of it for D and half of it for L, and more.
const HOURS: usize = 24 * 60;

/// Buckets of a second that reach back over twice [`SAMPLE_GAP_MAX`].
const LEAST_BUCKETS: usize = 5;

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

    /// Over the latest so many buckets that have something, however long ago.
    fn latest(&self, buckets: usize) -> Option<i64> {
        let latest = self.minima.iter().rev().take(buckets);
        latest.map(|(_, minimum)| *minimum).min()
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
