//! What a failed upstream request is about. The rules are data, in `rules/`: one file per provider and those for everybody, evaluated
//! in order, the first that holds decides. Here is what they are evaluated on, and what comes out.

use std::time::Duration;

use super::health::FailureClass;
use super::retry_after;
use super::time::Timestamp;

mod book;
mod condition;
mod delay;
mod evidence;
mod file;
mod glob;
#[cfg(test)]
mod hostile;
mod inner;
mod rule;
#[cfg(test)]
mod samples;
mod scan;
mod text;
mod verdict;

pub use book::{RuleBook, Rules};
pub use file::RuleError;
pub use verdict::{Advice, Blame};

use delay::{Clock, Stated};
use evidence::Evidence;
use rule::Scope;

/// The most of a body that is read.
pub const BODY_BYTES_MAX: usize = 4 * 1024;
/// Headers beyond these are not read.
pub const HEADERS_MAX: usize = 64;
/// The most of a header's value that is read.
pub const HEADER_VALUE_BYTES_MAX: usize = 256;

/// A response as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// 100 to 599; 0 if none came.
    pub status: u16,
    /// Names of any case, and values.
    pub headers: &'a [(String, Vec<u8>)],
    /// The beginning of the body.
    pub body: &'a [u8],
}

/// A failure, and the rule that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<'a> {
    /// What it is.
    pub failure: Failure,
    /// The rule, as `file/id`.
    pub rule: &'a str,
}

/// Explains a response by the rules of its provider; `None` if it is no failure. `now` is when it was made, and is needed only for
/// times of day in a response without a Date.
#[must_use]
pub fn explain<'a>(
    response: &Response<'_>,
    rules: Rules<'a>,
    now: Option<Timestamp>,
) -> Option<Explained<'a>> {
    let evidence = Evidence::of(response);
    if !evidence.is_failure {
        return None;
    }
    let stated = Stated::of(&evidence, Clock::of(&evidence, now, rules.zone_hours()));
    let seconds = stated.longest().map(|longest| longest.as_secs());
    let rule = rules.iter().find(|rule| rule.holds(&evidence, seconds))?;
    let blame = match rule.scope {
        Scope::Fixed(blame) => blame,
        Scope::Limit => rules.limits().unwrap_or_else(|| {
            let words = &evidence.words.text;
            // Budgets of tokens are per model wherever they exist, and so is what is said of a model.
            let is_of_model = ["model", "tokens per", "token rate", "tpm"];
            if is_of_model.iter().any(|word| words.contains(word)) {
                Blame::AccountModel
            } else {
                Blame::Account
            }
        }),
    };
    let failure = Failure {
        class: rule.class,
        blame,
        retry_after: stated.about(rule.class),
        advice: rule.advice,
    };
    Some(Explained {
        failure,
        rule: &rule.id,
    })
}

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
