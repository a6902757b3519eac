//! What is recorded of leases: how closely, by the pool, and what a record says. Never a secret.

use super::time::Timestamp;

/// The characters at the beginning of a lease id that hold its version, purpose, boot and serial: no other id begins so.
const LEASE_CHARS: usize = 35;
/// The length of what a rollup counts, in microseconds.
const MINUTE_MICROS: i64 = 60_000_000;

/// How closely the leases of a pool are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Journaling {
    /// Not at all.
    Off,
    /// Counted per minute, key and caller.
    #[default]
    Rollup,
    /// One record for each lease, written soon after.
    Full,
    /// One record for each lease, written before the secret leaves.
    Strict,
}

/// A record of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// When the lease was given; of counts the minute.
    pub record_time: Timestamp,
    /// `pools/{pool}`.
    pub pool: String,
    /// `accounts/{account}/keys/{key}`.
    pub key: String,
    /// The number of its version.
    pub version: i64,
    /// `callers/{caller}`.
    pub caller: String,
    /// How many leases.
    pub leases: i64,
    /// How many uses they grant.
    pub uses: i64,
    /// How the id of the one lease begins; empty where leases are counted.
    pub lease: String,
    /// Its tags as an object in JSON; empty where leases are counted.
    pub tags: String,
}

impl Journaling {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Off, "off"),
        (Self::Rollup, "rollup"),
        (Self::Full, "full"),
        (Self::Strict, "strict"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(one, _)| *one == self).map_or("", |one| one.1)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, n)| *n == name).map(|(one, _)| *one)
    }
}

impl JournalRecord {
    /// Whether it counts leases.
    #[must_use]
    pub const fn is_rollup(&self) -> bool {
        self.lease.is_empty()
    }

    /// What [`Self::kind`] can be.
    pub const KINDS: [&'static str; 2] = ["lease", "rollup"];

    /// As stored and shown.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        Self::KINDS[self.is_rollup() as usize]
    }
}

/// How a lease id begins, as it is recorded: the id itself would let whoever reads the journal report on the lease.
#[must_use]
pub fn beginning(lease_id: &str) -> &str {
    lease_id.get(..LEASE_CHARS).unwrap_or(lease_id)
}

/// The minute of a time.
#[must_use]
pub const fn minute(time: Timestamp) -> Timestamp {
    let micros = time.micros();
    Timestamp::from_micros(micros - micros.rem_euclid(MINUTE_MICROS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_belongs_to_the_minute_that_it_is_in() {
        let of = |micros| minute(Timestamp::from_micros(micros)).micros();
        assert_eq!((of(0), of(59_999_999), of(60_000_000)), (0, 0, 60_000_000));
        assert_eq!(of(-1), -60_000_000);
    }

    #[test]
    fn every_mode_has_a_stored_name_of_its_own() {
        for (mode, name) in Journaling::ALL {
            assert_eq!(Journaling::from_stored(name), Some(mode));
            assert_eq!(mode.as_str(), name);
        }
        assert_eq!(Journaling::from_stored("other"), None);
    }
}
