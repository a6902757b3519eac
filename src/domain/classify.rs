//! What a failed upstream request is about: the starting rules. Quota, models and regions get rules of their own as data later;
//! what these do not know is `Unknown`, and blames nobody until it happens again and again.

use std::time::Duration;

use super::health::FailureClass;
use super::retry_after;
use super::time::Timestamp;

/// What a caller saw in one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The provider did what was asked.
    Success,
    /// The provider answered with a failure.
    Http {
        /// 100 to 599.
        status: u16,
        /// What its headers say about when to come back, as (lower-case name, value).
        headers: Vec<(String, Vec<u8>)>,
    },
    /// No answer came.
    Transport(Transport),
    /// Never started.
    NotSent,
}

/// Where a request without an answer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Sent, and no answer in time.
    Timeout,
    /// No connection, no TLS, no name: our way out.
    Egress,
    /// The caller gave up by its own choice.
    Cancelled,
    /// Unknown.
    Unknown,
}

/// What a failure is blamed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller's request.
    Request,
    /// The version the lease was given with.
    Key,
    /// The account and all its keys.
    Account,
    /// The provider.
    Provider,
    /// Our way out.
    Egress,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// A key outside the blame can serve the same request.
    RetryOtherKey,
    /// The same request later.
    RetrySameLater,
    /// It will fail with any key.
    DoNotRetry,
}

/// A failure, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it is about.
    pub class: FailureClass,
    /// What is blamed.
    pub blame: Blame,
    /// What the response itself says about when to come back.
    pub retry_after: Option<Duration>,
    /// What to do next.
    pub advice: Advice,
}

/// Explains one use; `None` if it was no failure.
#[must_use]
pub fn classify(observation: &Observation, now: Timestamp) -> Option<Failure> {
    match observation {
        Observation::Success | Observation::NotSent => None,
        Observation::Http { status, headers } => {
            Some(by_status(*status, retry_after::stated(headers, now)))
        }
        Observation::Transport(transport) => Some(by_transport(*transport)),
    }
}

fn by_status(status: u16, retry_after: Option<Duration>) -> Failure {
    let (class, blame, advice) = match status {
        401 => (FailureClass::Credential, Blame::Key, Advice::RetryOtherKey),
        429 => (
            FailureClass::RateLimit,
            Blame::Account,
            Advice::RetryOtherKey,
        ),
        400 | 404 | 405 | 406 | 409 | 410 | 411 | 413 | 414 | 415 | 416 | 417 | 422 | 431 => (
            FailureClass::CallerFault,
            Blame::Request,
            Advice::DoNotRetry,
        ),
        408 | 500..=599 => (
            FailureClass::ProviderFault,
            Blame::Provider,
            Advice::RetrySameLater,
        ),
        _ => (FailureClass::Unknown, Blame::Key, Advice::RetryOtherKey),
    };
    Failure {
        class,
        blame,
        retry_after,
        advice,
    }
}

const fn by_transport(transport: Transport) -> Failure {
    let (class, blame, advice) = match transport {
        Transport::Timeout => (
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
        Transport::Unknown => (FailureClass::Unknown, Blame::Key, Advice::RetryOtherKey),
    };
    Failure {
        class,
        blame,
        retry_after: None,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(status: u16) -> Failure {
        let headers = vec![("retry-after".to_owned(), b"7".to_vec())];
        classify(
            &Observation::Http { status, headers },
            Timestamp::from_micros(0),
        )
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
    fn no_5xx_blames_a_key() {
        for status in 500..600 {
            assert_eq!(http(status).blame, Blame::Provider);
        }
    }

    #[test]
    fn a_mistake_of_the_caller_blames_the_request() {
        for status in [400, 404, 413, 422] {
            assert_eq!(http(status).blame, Blame::Request);
        }
    }

    #[test]
    fn a_403_is_not_explained_by_its_status() {
        assert_eq!(http(403).class, FailureClass::Unknown);
    }

    #[test]
    fn success_and_not_sent_are_no_failures() {
        for observation in [Observation::Success, Observation::NotSent] {
            assert_eq!(classify(&observation, Timestamp::from_micros(0)), None);
        }
    }
}
