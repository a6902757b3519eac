//! Probes: what is asked of a provider to see whether a key is well, when, and what the answer says.

use std::time::Duration;

use url::Url;
use uuid::Uuid;

use super::classify::{Blame, Explained, Failure, Response, Rules, explain};
use super::health::FailureClass;
use super::profile::Profile;
use super::time::{Timestamp, micros_of};

mod agreeing;

/// A page that only lists what the key may use costs nothing and changes nothing, and providers show it to those alone whom they know.
/// Behind a host they also say what to ask there instead: OpenRouter lists its models to everybody.
const PATHS_OF_HOSTS: [(&str, &str); 1] = [("openrouter.ai", "/key")];

impl Profile {
    /// What a probe asks for, after the base URL; `None` where nobody has said what is harmless and tells.
    #[must_use]
    pub const fn probe_path(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("/v1/models"),
            Self::Anthropic => Some("/v1/models?limit=1"),
            Self::Gemini => Some("/v1beta/models?pageSize=1"),
            Self::Stripe => Some("/v1/balance"),
            Self::Generic => None,
        }
    }
}

/// Where a probe of an account goes. Base URLs come with and without their version: one that has a path of its own has it already.
#[must_use]
pub fn url(profile: Profile, base_url: &str) -> Option<Url> {
    let base = Url::parse(base_url).ok()?;
    let path = profile.probe_path()?;
    let host = base.host_str()?;
    let own = PATHS_OF_HOSTS.iter().find(|(known, _)| *known == host);
    let has_path = base.path() != "/";
    let versionless = path[1..].find('/').map_or(path, |at| &path[at + 1..]);
    let path = match own {
        Some((_, own)) => own,
        None if has_path => versionless,
        None => path,
    };
    let joined = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&joined).ok()
}

/// What a probe says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// The provider knows the key.
    Well,
    /// The provider says that it is no good.
    Rejected,
    /// A budget is spent, and the key is one of those it is for.
    Spent,
    /// Nothing: no answer, a fault of the provider, or one that could be said to any key.
    Unclear,
}

impl ProbeResult {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Well, "well"),
        (Self::Rejected, "rejected"),
        (Self::Spent, "spent"),
        (Self::Unclear, "unclear"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(result, _)| *result == self);
        found.map_or("unclear", |(_, name)| name)
    }

    /// From what is stored; `Unclear` for what this release does not know.
    #[must_use]
    pub fn from_stored(name: &str) -> Self {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map_or(Self::Unclear, |(result, _)| *result)
    }
}

/// A probe that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// What it says.
    pub result: ProbeResult,
    /// The provider knows the key by its own word. Whoever limits rates may say so to any key.
    pub is_proof: bool,
    /// What the provider answered, where that was a failure.
    pub failure: Option<Failure>,
    /// The rule that explains it, or a few words of ours. Nothing that a provider wrote.
    pub why: String,
    /// How long the answer took.
    pub took: Duration,
}

impl Probed {
    /// No answer came, or none that can be read.
    #[must_use]
    pub fn unanswered(why: &str, took: Duration) -> Self {
        Self {
            result: ProbeResult::Unclear,
            is_proof: false,
            failure: None,
            why: why.to_owned(),
            took,
        }
    }

    /// What an answer says by the rules of its provider, by which reports are judged too.
    #[must_use]
    pub fn judged(
        response: &Response<'_>,
        rules: Rules<'_>,
        now: Timestamp,
        took: Duration,
    ) -> Self {
        let Some(found) = explain(response, rules, Some(now)) else {
            let (result, why) = if is_page(response) {
                let why = "the answer is a page for people, as proxies send it";
                (ProbeResult::Unclear, why)
            } else {
                (ProbeResult::Well, "the provider knows the key")
            };
            return Self {
                result,
                is_proof: result == ProbeResult::Well,
                ..Self::unanswered(why, took)
            };
        };
        let failure = found.failure.clone();
        let result = match failure.class {
            FailureClass::Credential
                if is_page(response)
                    || is_about_the_page(found.rule, response.body)
                    || is_about_something_else(found.rule, response.body) =>
            {
                ProbeResult::Unclear
            }
            FailureClass::Credential if matches!(failure.blame, Blame::Key | Blame::Account) => {
                ProbeResult::Rejected
            }
            FailureClass::Quota | FailureClass::RateLimit => ProbeResult::Spent,
            FailureClass::Credential
            | FailureClass::CallerFault
            | FailureClass::ProviderFault
            | FailureClass::ModelAccess
            | FailureClass::RegionOrEgress
            | FailureClass::Unknown => ProbeResult::Unclear,
        };
        Self {
            result,
            is_proof: is_spent_budget(&found) && !is_page(response),
            failure: Some(failure),
            why: found.rule.to_owned(),
            took,
        }
    }
}

/// The provider says in words that a budget of this key or its account is spent: then it knows whose.
fn is_spent_budget(found: &Explained<'_>) -> bool {
    let is_of_key = matches!(
        found.failure.blame,
        Blame::Key | Blame::KeyModel | Blame::Account | Blame::AccountModel
    );
    let is_said = found.is_by_words && !found.is_guess;
    found.failure.class == FailureClass::Quota && is_of_key && is_said
}

/// A captive portal, or a gateway's own page: whoever sent it may never have asked the provider.
fn is_page(response: &Response<'_>) -> bool {
    let is_html = |(name, value): &(String, Vec<u8>)| {
        let value = String::from_utf8_lossy(value).to_ascii_lowercase();
        name.eq_ignore_ascii_case("content-type") && value.contains("html")
    };
    let is_marked_up = response.body.trim_ascii_start().starts_with(b"<");
    is_marked_up || response.headers.iter().any(is_html)
}

/// A provider that rejects a key says so. Where nothing but the status does, and the body is about something else, somebody on the way may
/// have answered.
fn is_about_something_else(rule: &str, body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    let mut words = ["key", "token", "auth", "credential"].into_iter();
    rule.ends_with("status/401") && !body.is_empty() && !words.any(|word| body.contains(word))
}

/// A key that may not list models may be good for all that it is leased for: the provider knows it, or it could not say so.
fn is_about_the_page(rule: &str, body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    rule.ends_with("/key-permission") || rule.ends_with("/restricted-key") || body.contains("scope")
}

/// When a version is probed next after `after`: each has a moment of its own in every interval, so that probes are spread however many
/// keys come at once, or fall due while nobody is there; and that moment moves by up to an eighth from one interval to the next.
#[must_use]
pub fn next_time(version: Uuid, interval: Duration, after: Timestamp) -> Timestamp {
    let interval = micros_of(interval).max(1);
    let seed = version.as_u64_pair().1;
    let fraction = |seed: u64, of: i64| {
        let of = of.max(1).unsigned_abs();
        (mixed(seed) % of).cast_signed()
    };
    let phase = fraction(seed, interval);
    let moment = |cycle: i64| {
        let jitter = fraction(seed ^ cycle.cast_unsigned(), interval / 8);
        phase
            .saturating_add(cycle.saturating_mul(interval))
            .saturating_add(jitter)
    };
    let mut cycle = after.micros().saturating_sub(phase).div_euclid(interval);
    while moment(cycle) <= after.micros() {
        cycle += 1;
    }
    Timestamp::from_micros(moment(cycle))
}

/// The next one after a probe that was made at `now`: one that was late is not followed by another at once.
#[must_use]
pub fn following(version: Uuid, interval: Duration, now: Timestamp) -> Timestamp {
    next_time(version, interval, now.after(interval / 2))
}

/// A fixed mixture of bits (the finalizer of splitmix64): every replica of every release has the same.
const fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests;
