//! What a failed upstream request is about. The rules are data, in `rules/`: one file per provider and those for everybody, evaluated
//! in order, the first that holds decides. Here is what they are evaluated on, and what comes out.

use std::sync::LazyLock;
use std::time::Duration;

use super::health::FailureClass;
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
mod kept;
mod pool_rules;
mod rule;
#[cfg(test)]
mod samples;
mod scan;
mod stated;
mod text;
mod verdict;

pub use book::{RuleBook, Rules};
pub use file::RuleError;
pub use kept::{kept_of_body, kept_of_headers};
pub use pool_rules::{POOL_RULES_BYTES_MAX, PoolRules};
pub use stated::{Spent, Statement, stated};
pub use verdict::{Advice, Blame};

use delay::{Clock, Stated};
use evidence::Evidence;
use inner::Told;
use rule::{Rule, Scope};

/// The most of a body that is read.
pub const BODY_BYTES_MAX: usize = 4 * 1024;
/// Headers beyond these are not read.
pub const HEADERS_MAX: usize = 64;
/// A header with a longer name is not read: no rule can name one.
pub const HEADER_NAME_BYTES_MAX: usize = 256;
/// The most of a header's value that is read.
pub const HEADER_VALUE_BYTES_MAX: usize = 256;

/// A response as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// 100 to 599; 0 if none came.
    pub status: u16,
    /// Names of any case, and values.
    pub headers: &'a [(String, Vec<u8>)],
    /// The body, or what is kept of it.
    pub body: &'a [u8],
}

/// A failure, and the rule that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<'a> {
    /// What it is judged to be.
    pub failure: Failure,
    /// No rule explains it, and this is what it most likely is. No guess blames a key.
    pub is_guess: bool,
    /// The rule reads what the body says, and not only a status, a header or a delay, which anybody on the way may answer.
    pub is_by_words: bool,
    /// The rule, as `file/id`; one of a pool's own as `pool/id`.
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
    if evidence.told == Told::Not {
        return None;
    }
    let stated = Stated::of(&evidence, Clock::of(&evidence, now, rules.zone_hours()));
    let seconds = stated.longest().map(|longest| longest.as_secs());
    let rule = rules.iter().find(|rule| rule.holds(&evidence, seconds))?;
    if rule.is_guess && evidence.told == Told::Perhaps {
        return None;
    }
    let failure = Failure {
        class: rule.class,
        blame: blamed(rule, rules, &evidence),
        retry_after: stated.about(rule.class).or(rule.cooldown),
        advice: rule.advice,
    };
    Some(Explained {
        failure,
        is_guess: rule.is_guess,
        is_by_words: rule.reads_words(),
        rule: &rule.id,
    })
}

fn blamed(rule: &Rule, rules: Rules<'_>, evidence: &Evidence) -> Blame {
    match rule.scope {
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
    }
}

/// A failure, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it is about.
    pub class: FailureClass,
    /// What is blamed.
    pub blame: Blame,
    /// What the response itself says about when to come back, or else the rule.
    pub retry_after: Option<Duration>,
    /// What to do next.
    pub advice: Advice,
}

/// The built-in rules, made once for the process.
///
/// # Errors
/// Names the rule that is wrong: checked at start, so that no report meets it.
pub fn built_in() -> Result<&'static RuleBook, &'static RuleError> {
    static BUILT_IN: LazyLock<Result<RuleBook, RuleError>> = LazyLock::new(RuleBook::built_in);
    BUILT_IN.as_ref()
}
