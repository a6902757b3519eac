//! News for the replica that gave a lease: another one has renewed it.

use std::time::Duration;

use super::claims::LeaseClaims;
use super::wire::{Malformed, Reader, Writer};

/// The format this release writes: far from those of reports, which travel the same way.
pub const FORMAT: u8 = 129;

/// A lease that was renewed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prolonged {
    /// Its number at its issuer.
    pub serial: u64,
    /// How long it goes on, from when this is read: longer than it does.
    pub report_within: Duration,
    /// What its id carries.
    pub claims: LeaseClaims,
}

impl Prolonged {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new(FORMAT);
        to.number(self.serial);
        to.number(u64::try_from(self.report_within.as_millis()).unwrap_or(u64::MAX));
        to.bytes(&self.claims.encode());
        to.into_bytes()
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are of another format, or cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes, FORMAT)?;
        let prolonged = Self {
            serial: from.number()?,
            report_within: Duration::from_millis(from.number()?),
            claims: LeaseClaims::decode(from.bytes()?)?,
        };
        from.end()?;
        Ok(prolonged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{BootTime, Timestamp};
    use uuid::Uuid;

    #[test]
    fn news_come_back_as_they_were_and_are_no_report() {
        let prolonged = Prolonged {
            serial: 7,
            report_within: Duration::from_millis(90_500),
            claims: LeaseClaims {
                caller_uid: Uuid::from_u128(1),
                pool_uid: Uuid::from_u128(2),
                account_uid: Uuid::from_u128(3),
                version_uid: Uuid::from_u128(4),
                model: "m".to_owned(),
                granted: 2,
                is_canary: false,
                given: Timestamp::from_micros(9),
                received: Some(BootTime::from_nanos(8)),
                report_within: Duration::from_secs(1),
                draws: vec![],
                avoided: vec![],
                tags: crate::domain::tags::Tags::default(),
            },
        };
        let bytes = prolonged.encode();
        assert_eq!(Prolonged::decode(&bytes), Ok(prolonged));
        assert!(crate::domain::forwarded::Forwarded::decode(&bytes).is_err());
        for end in 0..bytes.len() {
            assert!(Prolonged::decode(&bytes[..end]).is_err());
        }
    }
}
