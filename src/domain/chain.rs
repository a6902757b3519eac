//! Chains of records: each row carries the hash of the row before, so that none can be changed, removed or moved unseen.

use std::collections::BTreeMap;

use uuid::Uuid;

mod standing;
mod walk;

pub use standing::{Adopted, Standing};
pub use walk::Walk;

/// A keyed hash of a row.
pub type Hash = [u8; 32];

/// Bytes of a sighting: writer, sequence, hash.
const SIGHTING_BYTES: usize = 16 + 8 + 32;
/// The most heads that a writer notes as it begins: more than a fleet has boots within a retention.
pub const SIGHTINGS_MAX: usize = 256;

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chain {
    /// Changes of the configuration.
    Changes,
    /// Leases.
    Leases,
}

/// Where a chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Of its last row; 0 before the first.
    pub sequence: i64,
    /// Of its last row; of its birth before the first.
    pub hash: Hash,
}

/// A row's place in its chain, as stored: nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose chain.
    pub writer: Uuid,
    /// From 1, without a gap.
    pub sequence: i64,
    /// The hash of the row before.
    pub previous: Vec<u8>,
    /// The hash of this row.
    pub mac: Vec<u8>,
}

/// The head of a writer, as somebody has seen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Whose.
    pub writer: Uuid,
    /// As it was.
    pub head: Head,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A row is not what was written, or stands where another was written.
    Changed,
    /// A row that was written stands at another place: here is where it belongs.
    Moved {
        /// Its own sequence.
        from: i64,
    },
    /// A row does not follow the one before it.
    Unlinked,
    /// Rows are gone.
    Missing {
        /// The last of them.
        until: i64,
    },
    /// A row stands where none may be: a second time, or before the anchor.
    Stray,
    /// A row stands beyond the head, which was set back.
    BeyondHead,
    /// The head, the anchor or the birth of a chain is not what was written.
    HeadChanged,
    /// Somebody has seen more of the chain than there is, or something else.
    SetBack,
    /// A row is of no chain.
    Unchained,
    /// Rows of a writer whose chain has no head, or a chain that somebody has seen is gone.
    HeadMissing,
    /// Of a kind of chain fewer are there than have begun.
    ChainsMissing {
        /// How many have begun.
        begun: i64,
    },
    /// What is known of all chains together is not what was written, or is gone.
    StandingChanged,
    /// Records of no chain were put into one though there was another before.
    AdoptedLate,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Of what.
    pub chain: Chain,
    /// Whose; none for a row of no chain.
    pub writer: Option<Uuid>,
    /// Of the row, or of the first; of a row of no chain its number.
    pub sequence: i64,
    /// What.
    pub fault: Fault,
}

impl Chain {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Changes, Self::Leases];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Leases => "leases",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chain| chain.as_str() == name)
    }
}

impl Fault {
    /// As shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Moved { .. } => "moved",
            Self::Unlinked => "unlinked",
            Self::Missing { .. } => "missing",
            Self::Stray => "stray",
            Self::BeyondHead => "beyond_head",
            Self::HeadChanged => "head_changed",
            Self::SetBack => "set_back",
            Self::Unchained => "unchained",
            Self::HeadMissing => "head_missing",
            Self::ChainsMissing { .. } => "chains_missing",
            Self::StandingChanged => "standing_changed",
            Self::AdoptedLate => "adopted_late",
        }
    }
}

/// Sightings as one column.
#[must_use]
pub fn encode(sightings: &[Sighting]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sightings.len() * SIGHTING_BYTES);
    for sighting in sightings {
        bytes.extend_from_slice(sighting.writer.as_bytes());
        bytes.extend_from_slice(&sighting.head.sequence.to_be_bytes());
        bytes.extend_from_slice(&sighting.head.hash);
    }
    bytes
}

/// Sightings from their column; none of one that [`encode`] did not make.
#[must_use]
pub fn decode(bytes: &[u8]) -> Vec<Sighting> {
    let one = |bytes: &[u8]| {
        let (writer, rest) = bytes.split_first_chunk::<16>()?;
        let (sequence, hash) = rest.split_first_chunk::<8>()?;
        let head = Head {
            sequence: i64::from_be_bytes(*sequence),
            hash: hash.try_into().ok()?,
        };
        let writer = Uuid::from_bytes(*writer);
        Some(Sighting { writer, head })
    };
    let sightings = bytes.chunks(SIGHTING_BYTES).map(one);
    sightings.collect::<Option<_>>().unwrap_or_default()
}

/// What others have seen of one chain, by sequence.
pub type Sightings = BTreeMap<i64, Vec<Hash>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sightings_survive_the_way_to_a_column_and_back() {
        let sighting = |byte: u8| Sighting {
            writer: Uuid::from_u128(byte.into()),
            head: Head {
                sequence: i64::from(byte) << 40,
                hash: [byte; 32],
            },
        };
        let sightings = [sighting(1), sighting(2)];
        let bytes = encode(&sightings);
        assert_eq!(decode(&bytes), sightings);
        assert_eq!(decode(&bytes[1..]), []);
        assert_eq!(decode(&[]), []);
    }
}
