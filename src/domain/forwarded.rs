//! A report on its way to the replica that gave the lease, as bytes.

use std::time::Duration;

use super::claims::LeaseClaims;
use super::classify::{Advice, Blame, Failure};
use super::health::FailureClass;
use super::judged::{Judged, Seen};
use super::outcome::Start;
use super::usage::Usage;
use super::wire::{Malformed, Reader, Writer};

/// The format this release writes. What was seen is judged where it came in: what a provider wrote may quote a key, and stays there.
pub const FORMAT: u8 = 3;

/// A report on its way to the replica that gave the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The lease's number at its issuer.
    pub serial: u64,
    /// The report's number.
    pub sequence: u32,
    /// No more will come.
    pub is_final: bool,
    /// What the lease id carries.
    pub claims: LeaseClaims,
    /// What was seen, judged.
    pub outcomes: Vec<Judged>,
}

impl Forwarded {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new(FORMAT);
        to.number(self.serial);
        to.number(u64::from(self.sequence));
        to.number(u64::from(self.is_final));
        to.bytes(&self.claims.encode());
        to.number(self.outcomes.len() as u64);
        for outcome in &self.outcomes {
            encode_outcome(&mut to, outcome);
        }
        to.into_bytes()
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are of another format, or cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes, FORMAT)?;
        let serial = from.number()?;
        let sequence = from.number_as()?;
        let is_final = from.number()? == 1;
        let claims = LeaseClaims::decode(from.bytes()?)?;
        let count = from.number()?;
        let mut outcomes = Vec::new();
        for _ in 0..count {
            outcomes.push(decode_outcome(&mut from)?);
        }
        from.end()?;
        Ok(Self {
            serial,
            sequence,
            is_final,
            claims,
            outcomes,
        })
    }
}

fn encode_outcome(to: &mut Writer, outcome: &Judged) {
    to.number(u64::from(outcome.count));
    outcome.usage.encode(to);
    to.text(outcome.model.as_deref().unwrap_or_default());
    encode_start(to, outcome.start);
    match &outcome.seen {
        Seen::Success => to.number(0),
        Seen::NotSent => to.number(1),
        Seen::Failed { failure, why } => {
            to.number(2);
            to.text(failure.class.as_str());
            to.text(failure.blame.as_str());
            to.text(failure.advice.as_str());
            let stated = failure.retry_after.map(|stated| stated.as_millis());
            // Zero is for nothing stated.
            let stated = stated.map_or(0, |millis| millis.saturating_add(1));
            to.number(u64::try_from(stated).unwrap_or(u64::MAX));
            to.text(why);
        }
    }
}

fn decode_outcome(from: &mut Reader<'_>) -> Result<Judged, Malformed> {
    let count = from.number_as()?;
    let usage = Usage::decode(from)?;
    let model = Some(from.text()?).filter(|model| !model.is_empty());
    let start = decode_start(from)?;
    let seen = match from.number()? {
        0 => Seen::Success,
        1 => Seen::NotSent,
        2 => Seen::Failed {
            failure: decode_failure(from)?,
            why: from.text()?,
        },
        _ => return Err(Malformed),
    };
    Ok(Judged {
        count,
        usage,
        seen,
        start,
        model,
    })
}

fn encode_start(to: &mut Writer, start: Start) {
    match start {
        Start::Never => to.number(0),
        Start::Unknown => to.number(1),
        Start::Answered(None) => to.number(2),
        Start::Answered(Some(after)) => {
            to.number(3);
            to.number(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}

fn decode_start(from: &mut Reader<'_>) -> Result<Start, Malformed> {
    Ok(match from.number()? {
        0 => Start::Never,
        1 => Start::Unknown,
        2 => Start::Answered(None),
        3 => Start::Answered(Some(Duration::from_nanos(from.number()?))),
        _ => return Err(Malformed),
    })
}

fn decode_failure(from: &mut Reader<'_>) -> Result<Failure, Malformed> {
    let class = FailureClass::from_stored(&from.text()?);
    let blame = from.text()?;
    let blame = Blame::ALL.into_iter().find(|b| b.as_str() == blame);
    let advice = from.text()?;
    let advice = Advice::ALL.into_iter().find(|a| a.as_str() == advice);
    let stated = from.number()?.checked_sub(1);
    Ok(Failure {
        class,
        blame: blame.ok_or(Malformed)?,
        advice: advice.ok_or(Malformed)?,
        retry_after: stated.map(Duration::from_millis),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::prices::Tokens;
    use crate::domain::tags::Tags;
    use crate::domain::time::{BootTime, Timestamp};

    fn usage() -> Usage {
        Usage {
            tokens: Some(Tokens {
                input: 5,
                cached_input: 4,
                output: u64::MAX,
            }),
            cost_micros: Some(0),
        }
    }

    #[test]
    fn a_report_comes_back_as_it_was() {
        let failed = |retry_after| Seen::Failed {
            failure: Failure {
                class: FailureClass::Quota,
                blame: Blame::AccountModel,
                retry_after,
                advice: Advice::RetryOtherKey,
            },
            why: "http 429, gemini/per-day".to_owned(),
        };
        let seen = [
            Seen::Success,
            Seen::NotSent,
            failed(None),
            failed(Some(Duration::ZERO)),
            failed(Some(Duration::from_millis(58_821))),
        ];
        let outcome = |seen| Judged {
            count: 2,
            usage: usage(),
            start: Start::Answered(Some(Duration::from_millis(250))),
            model: Some("gpt-4o".to_owned()),
            seen,
        };
        let report = Forwarded {
            serial: 77,
            sequence: 3,
            is_final: true,
            claims: LeaseClaims {
                caller_uid: Uuid::from_u128(1),
                pool_uid: Uuid::from_u128(2),
                account_uid: Uuid::from_u128(3),
                version_uid: Uuid::from_u128(4),
                model: String::new(),
                granted: 10,
                is_canary: false,
                given: Timestamp::from_micros(9),
                received: Some(BootTime::from_nanos(8)),
                report_within: Duration::from_secs(1),
                draws: vec![],
                avoided: vec![],
                tags: Tags::default(),
            },
            outcomes: seen.into_iter().map(outcome).collect(),
        };
        let bytes = report.encode();
        assert_eq!(Forwarded::decode(&bytes).unwrap(), report);
        for end in 0..bytes.len() {
            assert!(Forwarded::decode(&bytes[..end]).is_err());
        }
    }
}
