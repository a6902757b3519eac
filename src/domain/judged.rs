//! What an outcome was judged to be.

use super::classify::{Advice, Blame, Failure, Response, Rules, explain};
use super::health::FailureClass;
use super::ledger::settle::Part;
use super::outcome::{Observation, Outcome, Start, Transport};
use super::time::Timestamp;
use super::usage::Usage;

/// An outcome that was judged: all that is kept of it, and nothing that a provider wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// How many uses.
    pub count: u32,
    /// What was used, per use; as estimated where it is not known.
    pub usage: Usage,
    /// What it came to.
    pub seen: Seen,
    /// When its uses started.
    pub start: Start,
    /// The model that served, where it is not the one leased for.
    pub model: Option<String>,
}

/// What some uses came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The provider did what was asked.
    Success,
    /// Never started.
    NotSent,
    /// It failed.
    Failed {
        /// What the failure is about.
        failure: Failure,
        /// Why, in our own words.
        why: String,
    },
}

impl Outcome {
    /// Judges it by the rules of its provider. The caller's own cancel and what failed on the way come before any rule.
    #[must_use]
    pub fn judged(&self, rules: Rules<'_>, now: Timestamp) -> Judged {
        let seen = match &self.observation {
            Observation::Success { .. } => Seen::Success,
            Observation::NotSent => Seen::NotSent,
            Observation::Transport(transport) => Seen::Failed {
                failure: on_the_way(*transport),
                why: unanswered(*transport).to_owned(),
            },
            Observation::Http {
                status,
                headers,
                body,
            } => answered(*status, headers, body, rules, now),
        };
        Judged {
            count: self.count,
            usage: self.usage,
            seen,
            start: self.start(),
            model: self.model.clone(),
        }
    }
}

fn answered(
    status: u16,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
    rules: Rules<'_>,
    now: Timestamp,
) -> Seen {
    let response = Response {
        status,
        headers,
        body,
    };
    let Some(found) = explain(&response, rules, Some(now)) else {
        return Seen::Success;
    };
    Seen::Failed {
        why: format!("http {status}, {}", found.rule),
        failure: found.failure,
    }
}

const fn unanswered(transport: Transport) -> &'static str {
    match transport {
        Transport::Egress => "no connection",
        Transport::Timeout | Transport::Cancelled | Transport::Unknown => "no answer",
    }
}

const fn on_the_way(transport: Transport) -> Failure {
    let (class, blame, advice) = match transport {
        // Nobody says where it failed: that a key is no good is told by an answer.
        Transport::Timeout | Transport::Unknown => (
            FailureClass::ProviderFault,
            Blame::Provider,
            Advice::RetrySameLater,
        ),
        Transport::Egress => (
            FailureClass::RegionOrEgress,
            Blame::Egress,
            Advice::RetrySameLater,
        ),
        Transport::Cancelled => (
            FailureClass::CallerFault,
            Blame::Request,
            Advice::DoNotRetry,
        ),
    };
    Failure {
        class,
        blame,
        retry_after: None,
        advice,
    }
}

impl Judged {
    /// What it is to the permits of its lease.
    #[must_use]
    pub fn part(&self) -> Part {
        Part {
            uses: u64::from(self.count),
            is_not_sent: self.is_not_sent(),
            consumed: self.usage,
        }
    }

    /// The failure, if it was one.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.seen {
            Seen::Failed { failure, .. } => Some(failure),
            Seen::Success | Seen::NotSent => None,
        }
    }

    /// Whether the request was never started.
    #[must_use]
    pub const fn is_not_sent(&self) -> bool {
        matches!(self.seen, Seen::NotSent)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::classify::built_in;
    use crate::domain::profile::Profile;

    fn failure(observation: Observation) -> Option<Failure> {
        let rules = built_in().unwrap();
        let rules = rules.of_account(Profile::Openai, "https://api.openai.com/v1");
        let outcome = Outcome {
            count: 1,
            observation,
            started_after: None,
            latency: None,
            usage: Usage::default(),
            model: None,
        };
        let judged = outcome.judged(rules, Timestamp::from_micros(0));
        judged.failure().cloned()
    }

    fn http(status: u16) -> Failure {
        let headers = vec![("retry-after".to_owned(), b"7".to_vec())];
        let body = Vec::new();
        failure(Observation::Http {
            status,
            headers,
            body,
        })
        .unwrap()
    }

    #[test]
    fn a_401_blames_the_key_and_advises_another() {
        let failure = http(401);
        assert_eq!(failure.class, FailureClass::Credential);
        assert_eq!(failure.blame, Blame::Key);
        assert_eq!(failure.advice, Advice::RetryOtherKey);
    }

    #[test]
    fn a_429_blames_the_account_for_as_long_as_stated() {
        let failure = http(429);
        assert_eq!(failure.blame, Blame::Account);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn no_5xx_blames_a_key_or_its_account() {
        for status in 500..600 {
            assert!([Blame::Provider, Blame::Egress].contains(&http(status).blame));
        }
    }

    #[test]
    fn a_mistake_of_the_caller_blames_the_request() {
        for status in [400, 404, 413, 422] {
            assert_eq!(http(status).blame, Blame::Request);
        }
    }

    #[test]
    fn what_nobody_explains_blames_no_key() {
        assert_eq!(http(403).class, FailureClass::RegionOrEgress);
        for status in [302, 418] {
            assert_eq!(http(status).blame, Blame::Request);
        }
        let failure = failure(Observation::Transport(Transport::Unknown)).unwrap();
        assert_eq!(failure.class, FailureClass::ProviderFault);
        assert_eq!(failure.blame, Blame::Provider);
    }

    #[test]
    fn success_and_not_sent_are_no_failures() {
        assert_eq!(failure(Observation::Success { headers: vec![] }), None);
        assert_eq!(failure(Observation::NotSent), None);
    }
}
