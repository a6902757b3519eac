//! A report on its way to the replica that gave the lease, as bytes.

use std::time::Duration;

use super::claims::LeaseClaims;
use super::classify::{Observation, Transport};
use super::outcome::Outcome;
use super::pool::Estimate;
use super::wire::{Malformed, Reader, Writer};

/// The format this release writes.
pub const FORMAT: u8 = 1;

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
    /// What was seen.
    pub outcomes: Vec<Outcome>,
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

fn encode_outcome(to: &mut Writer, outcome: &Outcome) {
    to.number(u64::from(outcome.count));
    to.number(u64::from(outcome.usage.is_some()));
    if let Some(usage) = outcome.usage {
        to.number(usage.input_tokens);
        to.number(usage.output_tokens);
        to.number(usage.cost_micros);
    }
    // In nanoseconds, and one more, so that 0 is none.
    let nanos = outcome.started_after.map(|after| after.as_nanos() + 1);
    to.number(nanos.map_or(0, |nanos| u64::try_from(nanos).unwrap_or(u64::MAX)));
    match &outcome.observation {
        Observation::Success => to.number(0),
        Observation::NotSent => to.number(1),
        Observation::Transport(transport) => {
            to.number(2);
            to.number(transport_number(*transport));
        }
        Observation::Http { status, headers } => {
            to.number(3);
            to.number(u64::from(*status));
            to.number(headers.len() as u64);
            for (name, value) in headers {
                to.text(name);
                to.bytes(value);
            }
        }
    }
}

fn decode_outcome(from: &mut Reader<'_>) -> Result<Outcome, Malformed> {
    let count = from.number_as()?;
    let usage = match from.number()? {
        0 => None,
        _ => Some(Estimate {
            input_tokens: from.number()?,
            output_tokens: from.number()?,
            cost_micros: from.number()?,
        }),
    };
    let nanos = from.number()?.checked_sub(1);
    let started_after = nanos.map(Duration::from_nanos);
    let observation = match from.number()? {
        0 => Observation::Success,
        1 => Observation::NotSent,
        2 => Observation::Transport(transport_of(from.number()?)),
        3 => decode_http(from)?,
        _ => return Err(Malformed),
    };
    Ok(Outcome {
        count,
        observation,
        usage,
        started_after,
    })
}

fn decode_http(from: &mut Reader<'_>) -> Result<Observation, Malformed> {
    let status = from.number_as()?;
    let count = from.number()?;
    let mut headers = Vec::new();
    for _ in 0..count {
        headers.push((from.text()?, from.bytes()?.to_vec()));
    }
    Ok(Observation::Http { status, headers })
}

const fn transport_number(transport: Transport) -> u64 {
    match transport {
        Transport::Unknown => 0,
        Transport::Timeout => 1,
        Transport::Egress => 2,
        Transport::Cancelled => 3,
    }
}

const fn transport_of(number: u64) -> Transport {
    match number {
        1 => Transport::Timeout,
        2 => Transport::Egress,
        3 => Transport::Cancelled,
        _ => Transport::Unknown,
    }
}

#[cfg(test)]
mod tests {

    use uuid::Uuid;

    use super::*;
    use crate::domain::time::{BootTime, Timestamp};

    #[test]
    fn a_report_comes_back_as_it_was() {
        let observations = [
            Observation::Success,
            Observation::NotSent,
            Observation::Transport(Transport::Timeout),
            Observation::Http {
                status: 429,
                headers: vec![("retry-after".to_owned(), vec![0xff, b'3'])],
            },
        ];
        let usage = Estimate {
            input_tokens: 5,
            output_tokens: u64::MAX,
            cost_micros: 0,
        };
        let outcome = |observation| Outcome {
            count: 2,
            observation,
            usage: Some(usage),
            started_after: Some(Duration::from_millis(250)),
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
                received: BootTime::from_nanos(8),
                report_within: Duration::from_secs(1),
                draws: vec![],
                avoided: vec![],
            },
            outcomes: observations.into_iter().map(outcome).collect(),
        };
        let bytes = report.encode();
        assert_eq!(Forwarded::decode(&bytes).unwrap(), report);
        for end in 0..bytes.len() {
            assert!(Forwarded::decode(&bytes[..end]).is_err());
        }
    }
}
