//! What a lease id carries, sealed: enough for any replica to act on a report without having seen the lease.
//!
//! Format 2, after a version byte: integers as LEB128, uids as 16 bytes, text as length and bytes, lists as count and items.

use std::time::Duration;

use uuid::Uuid;

use super::ledger::block::Draw;
use super::tags::Tags;
use super::time::{BootTime, Timestamp};
use super::wire::{Malformed, Reader, Writer};

/// The format this release writes.
pub const FORMAT: u8 = 2;

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
    /// When its call came, by its issuer's boot clock: a use that began some time after that call is known to have begun by then.
    /// `None` if the same call may be sent again, and a use be counted from that.
    pub received: Option<BootTime>,
    /// How long after that it is reported at the latest.
    pub report_within: Duration,
    /// What was drawn for each use.
    pub draws: Vec<(Uuid, Draw)>,
    /// What the call's retry token said to avoid: the next one avoids it too.
    pub avoided: Vec<Avoided>,
    /// For charge-back.
    pub tags: Tags,
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
        to.number(self.received.map_or(0, BootTime::nanos));
        to.number(u64::try_from(self.report_within.as_millis()).unwrap_or(u64::MAX));
        to.number(self.draws.len() as u64);
        for (limit, draw) in &self.draws {
            to.uid(*limit);
            to.number(draw.block);
            to.number(draw.units);
            to.number(draw.ordinal);
        }
        encode_avoided(&mut to, &self.avoided);
        self.tags.encode(&mut to);
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
            received: Some(from.number()?)
                .filter(|nanos| *nanos != 0)
                .map(BootTime::from_nanos),
            report_within: Duration::from_millis(from.number()?),
            draws: decode_draws(&mut from)?,
            avoided: decode_avoided(&mut from)?,
            tags: Tags::decode(&mut from)?,
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
        let ordinal = from.number()?;
        let draw = Draw {
            block,
            units,
            ordinal,
        };
        draws.push((limit, draw));
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
mod laws;
#[cfg(test)]
mod tests;
