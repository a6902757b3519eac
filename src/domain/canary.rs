//! The right to a canary: of all replicas one at a time may give the single lease that tries a subject which was found dead.
//!
//! A right is asked for in the database, given for as long as the lease may be reported, and ends before that where the report comes. It
//! is timed as charges of limits are: by two clocks, so that neither a replica that is paused nor a database clock that steps makes room
//! for a second lease while the first is out.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::time::{Timestamp, micros_of};

mod seat;

pub use seat::{Seat, Seating};

/// How long after asking a replica may give its canary. Unused, the right goes back then.
pub const GIVE_WITHIN: Duration = Duration::from_secs(5);

/// How long a single lease that tries something may be reported at most, whatever its caller asks for: nothing else of a version or of a
/// whole provider is leased until then, and a caller who never reports must not shut it out for longer. Most requests end well before.
pub const SINGLE_LASTS_MAX: Duration = Duration::from_mins(2);
/// How long it may go on by being renewed: so long a stream may be, and one caller holds nobody back for longer.
pub const SINGLE_RENEWED_MAX: Duration = Duration::from_mins(10);

/// What a canary tries: whatever is given back to everybody only once a single lease has shown that it is well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

impl Subject {
    /// A key version.
    #[must_use]
    pub fn version(uid: Uuid) -> Self {
        Self(format!("{VERSION}{uid}"))
    }

    /// A provider, by its profile and the host that its accounts go to.
    #[must_use]
    pub fn provider(profile: &str, host: &str) -> Self {
        Self::provider_of(&format!("{profile}/{host}"))
    }

    /// The same, by `profile/host`.
    #[must_use]
    pub fn provider_of(place: &str) -> Self {
        Self(format!("{PROVIDER}{place}"))
    }

    /// The version that it is, if it is one.
    #[must_use]
    pub fn as_version(&self) -> Option<Uuid> {
        self.0.strip_prefix(VERSION)?.parse().ok()
    }

    /// The provider that it is, if it is one: `profile/host`.
    #[must_use]
    pub fn as_provider(&self) -> Option<&str> {
        self.0.strip_prefix(PROVIDER)
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const VERSION: &str = "version/";
const PROVIDER: &str = "provider/";

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a replica asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The replica.
    pub boot_id: Uuid,
    /// The right, as the replica names it before anything is sent: an answer that is lost leaves one behind that it can name as ended.
    pub right: Uuid,
    /// How long its lease may be reported at most.
    pub lasts: Duration,
    /// Earlier rights of this replica by which no lease is out, and none will be.
    pub ended: Vec<Uuid>,
}

/// A right that somebody holds, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// Its name.
    pub id: Uuid,
    /// Who holds it.
    pub boot_id: Uuid,
    /// When it was given.
    pub since: Timestamp,
    /// When its lease can be reported no more.
    pub until: Timestamp,
    /// At or before the true time.
    pub low: Timestamp,
}

/// What became of an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The replica that asked holds the right, which is to be stored.
    Given(Right),
    /// Another holds it, for so long at most; its clock is to be stored.
    Held(Right, Duration),
    /// Rights that were given may have been forgotten: none is given for so long.
    Frozen(Duration),
}

impl Right {
    /// How far back what is known of the database's clock must reach for this right to end in time.
    #[must_use]
    pub fn reach(&self) -> Duration {
        self.until.since(self.since)
    }

    /// Until its lease may be reported no more, counted from `now`: where it goes on. No right goes on for ever, whatever lease it is kept
    /// for.
    #[must_use]
    pub fn going_on(self, lasts: Duration, now: Timestamp) -> Self {
        let now = now.max(self.since).max(self.low);
        let span = GIVE_WITHIN + SINGLE_RENEWED_MAX;
        let last = self.since.after(span + epsilon(span));
        let until = now.after(lasts + epsilon(lasts)).min(last);
        Self {
            until: self.until.max(until),
            ..self
        }
    }
}

impl Ask {
    /// How long the right must outlast the ask: the lease may be given late, and be reported late.
    fn span(&self) -> Duration {
        let span = GIVE_WITHIN + self.lasts;
        span + epsilon(span)
    }

    /// Decides, under the lock of the subject's row. `now` is the database's clock; `believed` the most that the replica, by its own
    /// boot clock, believes the time to be; `lost` when acknowledged writes were last found to have been lost.
    #[must_use]
    pub fn decide(
        &self,
        held: Option<Right>,
        now: Timestamp,
        believed: Timestamp,
        lost: Option<Timestamp>,
    ) -> Answer {
        if let Some(held) = held {
            let low = held.low.max(now.min(believed));
            let is_own = held.boot_id == self.boot_id && self.ended.contains(&held.id);
            if low < held.until && !is_own {
                return Answer::Held(Right { low, ..held }, held.until.since(low));
            }
        }
        // A right that was forgotten was given before that was found.
        let thaws = lost.map(|lost| lost.after(self.span()));
        if let Some(thaws) = thaws.filter(|thaws| now < *thaws && *thaws <= now.after(self.span()))
        {
            return Answer::Frozen(thaws.since(now));
        }
        // No older right counts any more, so the clocks begin anew: both are right here and now.
        Answer::Given(Right {
            id: self.right,
            boot_id: self.boot_id,
            since: now,
            until: now.after(self.span()),
            low: now,
        })
    }
}

/// For clock rates and the jitter of arrival, as with limits.
#[must_use]
pub fn epsilon(span: Duration) -> Duration {
    Duration::from_millis(50) + Duration::from_micros(micros_of(span).unsigned_abs() / 1_000)
}

#[cfg(test)]
mod tests;
