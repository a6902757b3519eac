//! Why a lease is not given: counted over the keys of a pool, so that the answer says what would help, and when.

use super::hindrance::Hindrance;
use super::time::Timestamp;

/// Why one key cannot serve a call, in the order in which mixed refusals are named: what clears by itself first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRefusal {
    /// A limit of its account is used up.
    Limit,
    /// A limit of its account is frozen, since the database may have lost grants of it.
    Frozen,
    /// A limit of its account cannot be asked about, since the database does not answer.
    Unreachable,
    /// It, its account, or its account for this model cools down.
    Cooling,
    /// Its provider fails for everybody: no lease but one trial at a time.
    Provider,
    /// Blacklisted.
    Dead,
    /// Its row, its account's or its membership was changed outside of KeyLease, so that it is not believed.
    Tampered,
    /// Its account has a limit that this release cannot read, and so cannot keep.
    LimitUnread,
    /// The secret of its current version does not open, or is sealed for other hosts.
    Undecryptable,
    /// The retry token says to avoid it.
    Avoided,
    /// Disabled by a person, itself or its account.
    Disabled,
    /// It has no current version.
    NoVersion,
    /// It does not serve the model.
    Model,
    /// The need is larger than a limit of its account.
    TooLarge,
    /// Its account has limits per model, and the call names none.
    ModelRequired,
    /// Its account has limits on cost, and nobody has said what a use costs.
    CostRequired,
}

/// Why a lease is not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseRefusal {
    /// While it waited, the caller's token ended or was revoked, or the caller was disabled.
    TokenRejected,
    /// No grant for the pool, or no such pool.
    PoolDenied,
    /// A person has disabled the pool.
    PoolDisabled {
        /// Why, in that person's words.
        why: String,
        /// When that ends by itself.
        until: Option<Timestamp>,
    },
    /// The pool's row was changed outside of KeyLease, so that it is not believed.
    PoolDistrusted,
    /// The pinned account has no key in this pool.
    AccountNotInPool,
    /// The retry token is malformed, expired, or of another caller.
    RetryTokenInvalid,
    /// The request id was used for another call.
    RequestIdReused,
    /// The lease given for this request id cannot be started any more.
    RequestIdSpent,
    /// Too many leases with a request id can still be started.
    TooManyRequestIds,
    /// Too many calls wait already.
    QueueFull,
    /// The call's deadline came first.
    Deadline,
    /// This replica is shutting down.
    Draining,
    /// This replica's view of the configuration is too old.
    SnapshotStale,
    /// The pool has each lease recorded first, and the journal cannot be written now.
    JournalBehind,
    /// So many limits of the account apply at once that no lease id can carry what was drawn from each.
    TooManyLimits,
    /// No key can serve now, or ever: by count, and what the matter is by name.
    NoKey(Tally, Vec<Hindrance>),
}

/// Keys that cannot serve a call, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    reasons: Vec<Counted>,
}

/// Keys refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The reason.
    pub refusal: KeyRefusal,
    /// How many keys.
    pub count: u32,
    /// When the earliest of them could serve; `None` where waiting does not help.
    pub retry: Option<Timestamp>,
}

impl Tally {
    /// Counts one key.
    pub fn add(&mut self, refusal: KeyRefusal, retry: Option<Timestamp>) {
        let found = self.reasons.iter_mut().find(|c| c.refusal == refusal);
        let Some(counted) = found else {
            self.reasons.push(Counted {
                refusal,
                count: 1,
                retry,
            });
            return;
        };
        counted.count += 1;
        counted.retry = match (counted.retry, retry) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// By reason.
    #[must_use]
    pub fn reasons(&self) -> &[Counted] {
        &self.reasons
    }

    /// The earliest time at which any key could serve; `None` where waiting does not help.
    #[must_use]
    pub fn retry(&self) -> Option<Timestamp> {
        self.reasons.iter().filter_map(|c| c.retry).min()
    }

    /// The reason that clears first; among those that never clear, the first in order, and what the call itself avoids last: it asks for
    /// others. `None` for a pool without keys.
    #[must_use]
    pub fn foremost(&self) -> Option<KeyRefusal> {
        let order = |c: &&Counted| {
            let is_avoided = c.refusal == KeyRefusal::Avoided;
            (c.retry.is_none(), c.retry, is_avoided, c.refusal)
        };
        self.reasons.iter().min_by_key(order).map(|c| c.refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mixed_reasons_the_one_that_clears_first_is_named() {
        let mut tally = Tally::default();
        tally.add(KeyRefusal::Model, None);
        tally.add(KeyRefusal::Dead, Some(Timestamp::from_micros(90)));
        tally.add(KeyRefusal::Cooling, Some(Timestamp::from_micros(50)));
        tally.add(KeyRefusal::Cooling, Some(Timestamp::from_micros(30)));
        assert_eq!(tally.foremost(), Some(KeyRefusal::Cooling));
        assert_eq!(tally.retry(), Some(Timestamp::from_micros(30)));
        assert_eq!(tally.reasons()[2].count, 2);
    }

    #[test]
    fn what_the_call_avoids_is_named_where_nothing_else_is_in_its_way() {
        let mut tally = Tally::default();
        tally.add(KeyRefusal::Avoided, None);
        assert_eq!(tally.foremost(), Some(KeyRefusal::Avoided));
        tally.add(KeyRefusal::TooLarge, None);
        assert_eq!(tally.foremost(), Some(KeyRefusal::TooLarge));
    }

    #[test]
    fn an_empty_pool_has_no_reason() {
        assert_eq!(Tally::default().foremost(), None);
        assert_eq!(Tally::default().retry(), None);
    }
}
