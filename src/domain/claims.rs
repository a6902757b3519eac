//! What a lease id carries, sealed: enough for any replica to act on a report without having seen the lease.
//!
//! Format 1, after a version byte: integers as LEB128, uids as 16 bytes, text as length and bytes, lists as count and items.

use std::time::Duration;

use uuid::Uuid;

use super::ledger::held::Draw;
use super::time::Timestamp;
use super::wire::{Malformed, Reader, Writer};

/// The format this release writes.
pub const FORMAT: u8 = 1;

/// What a lease id carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseClaims {
    /// Whose lease it is.
    pub caller_uid: Uuid,
    /// The pool it was taken from: its policy judges the outcome.
    pub pool_uid: Uuid,
    /// The account whose limits it drew from.
    pub account_uid: Uuid,
    /// The version it was given with: an outcome belongs to it.
    pub version_uid: Uuid,
    /// The model it was taken for; empty if none.
    pub model: String,
    /// Uses granted.
    pub granted: u32,
    /// The single lease that decides over a dead version.
    pub is_canary: bool,
    /// When it was given, by the database's clock.
    pub given: Timestamp,
    /// How long after that it is reported at the latest.
    pub report_within: Duration,
    /// What was drawn for each use.
    pub draws: Vec<(Uuid, Draw)>,
    /// What the call's retry token said to avoid: the next one avoids it too.
    pub avoided: Vec<Avoided>,
}

impl LeaseClaims {
    /// When a report comes too late.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.given.after(self.report_within)
    }

    /// The version, as something to avoid.
    #[must_use]
    pub const fn version(&self) -> Avoided {
        Avoided::Version(self.version_uid)
    }

    /// The account, as something to avoid.
    #[must_use]
    pub const fn account(&self) -> Avoided {
        Avoided::Account(self.account_uid)
    }

    /// As bytes, to be sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new(FORMAT);
        for uid in [
            self.caller_uid,
            self.pool_uid,
            self.account_uid,
            self.version_uid,
        ] {
            to.uid(uid);
        }
        to.text(&self.model);
        to.number(u64::from(self.granted));
        to.number(u64::from(self.is_canary));
        to.number(self.given.micros().unsigned_abs());
        to.number(u64::try_from(self.report_within.as_millis()).unwrap_or(u64::MAX));
        to.number(self.draws.len() as u64);
        for (limit, draw) in &self.draws {
            to.uid(*limit);
            to.number(draw.block);
            to.number(draw.units);
        }
        encode_avoided(&mut to, &self.avoided);
        to.into_bytes()
    }

    /// From bytes that were sealed.
    ///
    /// # Errors
    /// When they are of another format, or cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes, FORMAT)?;
        let claims = Self {
            caller_uid: from.uid()?,
            pool_uid: from.uid()?,
            account_uid: from.uid()?,
            version_uid: from.uid()?,
            model: from.text()?,
            granted: from.number_as()?,
            is_canary: from.number()? == 1,
            given: Timestamp::from_micros(from.number_as()?),
            report_within: Duration::from_millis(from.number()?),
            draws: decode_draws(&mut from)?,
            avoided: decode_avoided(&mut from)?,
        };
        from.end()?;
        Ok(claims)
    }
}

fn decode_draws(from: &mut Reader<'_>) -> Result<Vec<(Uuid, Draw)>, Malformed> {
    let count = from.number()?;
    let mut draws = Vec::new();
    for _ in 0..count {
        let limit = from.uid()?;
        let block = from.number()?;
        let units = from.number()?;
        draws.push((limit, Draw { block, units }));
    }
    Ok(draws)
}

fn encode_avoided(to: &mut Writer, all: &[Avoided]) {
    to.number(all.len() as u64);
    for avoided in all {
        let (kind, uid) = match avoided {
            Avoided::Version(uid) => (0, *uid),
            Avoided::Account(uid) => (1, *uid),
        };
        to.number(kind);
        to.uid(uid);
    }
}

fn decode_avoided(from: &mut Reader<'_>) -> Result<Vec<Avoided>, Malformed> {
    let count = from.number()?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(match from.number()? {
            0 => Avoided::Version(from.uid()?),
            1 => Avoided::Account(from.uid()?),
            _ => return Err(Malformed),
        });
    }
    Ok(all)
}

/// What a retry token says to avoid. At most this many, the oldest forgotten first: a lease id carries them too.
pub const AVOIDED_MAX: usize = 8;

/// What a retry token carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryClaims {
    /// Whose it is.
    pub caller_uid: Uuid,
    /// When it ends.
    pub ends: Timestamp,
    /// What to avoid, over all attempts so far.
    pub avoided: Vec<Avoided>,
}

/// Something to avoid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Avoided {
    /// A key version.
    Version(Uuid),
    /// An account and all its keys.
    Account(Uuid),
}

impl RetryClaims {
    /// Nothing to avoid.
    #[must_use]
    pub const fn nothing(caller_uid: Uuid) -> Self {
        Self {
            caller_uid,
            ends: Timestamp::from_micros(0),
            avoided: Vec::new(),
        }
    }

    /// As bytes, to be sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new(FORMAT);
        to.uid(self.caller_uid);
        to.number(self.ends.micros().unsigned_abs());
        encode_avoided(&mut to, &self.avoided);
        to.into_bytes()
    }

    /// From bytes that were sealed.
    ///
    /// # Errors
    /// When they are of another format, or cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes, FORMAT)?;
        let caller_uid = from.uid()?;
        let ends = Timestamp::from_micros(from.number_as()?);
        let avoided = decode_avoided(&mut from)?;
        from.end()?;
        Ok(Self {
            caller_uid,
            ends,
            avoided,
        })
    }

    /// The same with one more thing to avoid.
    #[must_use]
    pub fn avoiding(mut self, more: Avoided) -> Self {
        self.avoided.retain(|held| *held != more);
        self.avoided.push(more);
        if self.avoided.len() > AVOIDED_MAX {
            self.avoided.remove(0);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> LeaseClaims {
        LeaseClaims {
            caller_uid: Uuid::from_u128(1),
            pool_uid: Uuid::from_u128(2),
            account_uid: Uuid::from_u128(3),
            version_uid: Uuid::from_u128(4),
            model: "gpt-4o".to_owned(),
            granted: 3,
            is_canary: true,
            given: Timestamp::from_micros(1_700_000_000_000_000),
            report_within: Duration::from_mins(10),
            draws: vec![(
                Uuid::from_u128(5),
                Draw {
                    block: 1 << 40,
                    units: 8_000,
                },
            )],
            avoided: vec![Avoided::Account(Uuid::from_u128(6))],
        }
    }

    #[test]
    fn claims_come_back_as_they_were() {
        assert_eq!(LeaseClaims::decode(&claims().encode()).unwrap(), claims());
        let retry = RetryClaims {
            caller_uid: Uuid::from_u128(9),
            ends: Timestamp::from_micros(5),
            avoided: vec![Avoided::Version(Uuid::max()), Avoided::Account(Uuid::nil())],
        };
        assert_eq!(RetryClaims::decode(&retry.encode()).unwrap(), retry);
    }

    #[test]
    fn claims_cut_anywhere_or_with_more_behind_are_malformed() {
        let bytes = claims().encode();
        for end in 0..bytes.len() {
            assert!(LeaseClaims::decode(&bytes[..end]).is_err(), "{end}");
        }
        assert!(LeaseClaims::decode(&[bytes, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_huge_count_of_draws_is_malformed_and_allocates_nothing() {
        let mut bytes = LeaseClaims {
            draws: vec![],
            avoided: vec![],
            ..claims()
        }
        .encode();
        bytes.truncate(bytes.len() - 2);
        bytes.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert!(LeaseClaims::decode(&bytes).is_err());
    }

    #[test]
    fn a_retry_token_forgets_the_oldest_beyond_its_bound() {
        let mut retry = RetryClaims {
            caller_uid: Uuid::nil(),
            ends: Timestamp::from_micros(0),
            avoided: vec![],
        };
        for uid in 0..40 {
            retry = retry.avoiding(Avoided::Version(Uuid::from_u128(uid)));
        }
        assert_eq!(retry.avoided.len(), AVOIDED_MAX);
        assert_eq!(retry.avoided[0], Avoided::Version(Uuid::from_u128(32)));
    }
}
