//! One rule, parsed: what must hold of a response, and what that means.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::bytes::Regex;
use serde::Deserialize;

use super::condition::{
    cooldown_of, each, ends_a_name, globs, one_of, pattern, shape_of, statuses_of,
};
use super::evidence::{Evidence, Shape, code_of};
use super::glob::Glob;
use super::{Advice, Blame};
use crate::domain::health::FailureClass;

/// A rule as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Unique in its file.
    pub(super) id: String,
    pub(super) class: String,
    pub(super) scope: Option<String>,
    pub(super) advice: Option<String>,
    /// How long it cools where the response itself states nothing.
    pub(super) cooldown: Option<String>,
    #[serde(default)]
    pub(super) status: Vec<String>,
    #[serde(default)]
    pub(super) codes: Vec<String>,
    #[serde(default)]
    pub(super) text: Vec<String>,
    #[serde(default)]
    pub(super) also: Vec<String>,
    #[serde(default)]
    pub(super) unless: Vec<String>,
    #[serde(default)]
    pub(super) address: Vec<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) fields: BTreeMap<String, String>,
    #[serde(default)]
    body: Vec<String>,
    stated_over: Option<u64>,
    #[serde(default)]
    pub(super) fallback: bool,
    /// The class is only what is most likely.
    #[serde(default)]
    pub(super) guess: bool,
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// File and id, as shown to people.
    pub(super) id: String,
    pub(super) class: FailureClass,
    pub(super) scope: Scope,
    pub(super) advice: Advice,
    pub(super) cooldown: Option<Duration>,
    /// Its class is only what is most likely.
    pub(super) is_guess: bool,
    statuses: Vec<(u16, u16)>,
    codes: Vec<Glob>,
    text: Option<Regex>,
    also: Option<Regex>,
    unless: Option<Regex>,
    address: Option<Regex>,
    headers: Vec<(String, Glob)>,
    fields: Vec<(String, Glob)>,
    shapes: Vec<Shape>,
    /// The response states a longer delay than this, in seconds.
    stated_over: Option<u64>,
}

/// What a rule blames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Always the same.
    Fixed(Blame),
    /// Where this provider counts; where that is not known, the account, for one model if the response speaks of a model.
    Limit,
}

impl Rule {
    /// Parses a rule of the file `file`, whose patterns compile to at most so many bytes each.
    pub(super) fn parse(file: &str, written: Written, bytes_max: usize) -> Result<Self, String> {
        let pattern = |name: &str, any_of: &[String]| {
            pattern(any_of, bytes_max).map_err(|what| format!("{name}: {what}"))
        };
        let class = class_of(&written.class)?;
        let scope = written.scope.as_deref().map(scope_of).transpose()?;
        let scope = scope.unwrap_or_else(|| usual_scope(class));
        let advice = written.advice.as_deref().map(advice_of).transpose()?;
        let rule = Self {
            class,
            scope,
            advice: advice.unwrap_or_else(|| usual_advice(class, scope)),
            cooldown: cooldown_of(written.cooldown.as_deref(), class)?,
            is_guess: written.guess,
            statuses: each(&written.status, statuses_of)?,
            codes: each(&written.codes, |c| Glob::parse(c, code_of))?,
            text: pattern("text", &written.text)?,
            also: pattern("also", &written.also)?,
            unless: pattern("unless", &written.unless)?,
            address: pattern("address", &written.address)?,
            headers: globs(&written.headers)?,
            fields: globs(&written.fields)?,
            shapes: each(&written.body, shape_of)?,
            stated_over: written.stated_over,
            id: format!("{file}/{}", written.id),
        };
        if rule.is_unconditional() != written.fallback {
            return Err("must have a condition, or else fallback = true".to_owned());
        }
        Ok(rule)
    }

    /// Whether it holds of a response that states a delay of `stated` seconds.
    pub(super) fn holds(&self, evidence: &Evidence, stated: Option<u64>) -> bool {
        let is_text = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_none_or(|p| p.is_match(text.as_bytes()))
        };
        let words = &evidence.words;
        self.holds_of_codes(evidence)
            && self.stated_over.is_none_or(|over| stated > Some(over))
            && is_text(&self.address, &words.addresses)
            && is_text(&self.text, &words.text)
            && is_text(&self.also, &words.text)
            && !(self.unless.is_some() && is_text(&self.unless, &words.text))
    }

    fn holds_of_codes(&self, evidence: &Evidence) -> bool {
        let status = evidence.status;
        let in_range = |(low, high): &(u16, u16)| (*low..=*high).contains(&status);
        let is_code = |glob: &Glob| evidence.codes.iter().any(|code| glob.matches(code));
        let has_header = |(name, glob): &(String, Glob)| {
            let mut values = evidence.headers.iter().filter(|(n, _)| n == name);
            values.any(|(_, value)| glob.matches(&value.to_lowercase()))
        };
        let has_field = |(path, glob): &(String, Glob)| {
            let is_path = |p: &str| p.strip_suffix(path.as_str()).is_some_and(ends_a_name);
            let mut values = evidence.fields.iter().filter(|f| is_path(&f.path));
            values.any(|field| glob.matches(&field.value.to_lowercase()))
        };
        (self.statuses.is_empty() || self.statuses.iter().any(in_range))
            && (self.shapes.is_empty() || self.shapes.contains(&evidence.shape))
            && (self.codes.is_empty() || self.codes.iter().any(is_code))
            && self.headers.iter().all(has_header)
            && self.fields.iter().all(has_field)
    }

    /// Whether it asks for nothing but a status, and takes one that the provider's own troubles have too.
    pub(super) fn takes_any_fault(&self) -> bool {
        let takes = |(low, high): &(u16, u16)| *low < 600 && *high >= 500;
        let asks_nothing = self.codes.is_empty()
            && self.headers.is_empty()
            && self.fields.is_empty()
            && self.text.is_none()
            && self.address.is_none();
        asks_nothing && (self.statuses.is_empty() || self.statuses.iter().any(takes))
    }

    /// Whether it asks for something that the body says.
    pub(super) const fn reads_words(&self) -> bool {
        !self.codes.is_empty()
            || !self.fields.is_empty()
            || self.text.is_some()
            || self.address.is_some()
    }

    const fn is_unconditional(&self) -> bool {
        self.statuses.is_empty()
            && self.shapes.is_empty()
            && self.codes.is_empty()
            && self.headers.is_empty()
            && self.fields.is_empty()
            && self.text.is_none()
            && self.address.is_none()
            && self.stated_over.is_none()
    }
}

fn class_of(written: &str) -> Result<FailureClass, String> {
    let all = FailureClass::ALL.iter();
    one_of("class", written, all.map(|(class, name)| (*name, *class)))
}

fn scope_of(written: &str) -> Result<Scope, String> {
    let fixed = Blame::ALL.into_iter();
    let fixed = fixed.map(|blame| (blame.as_str(), Scope::Fixed(blame)));
    one_of("scope", written, fixed.chain([("limit", Scope::Limit)]))
}

fn advice_of(written: &str) -> Result<Advice, String> {
    let all = Advice::ALL.into_iter();
    one_of(
        "advice",
        written,
        all.map(|advice| (advice.as_str(), advice)),
    )
}

const fn usual_scope(class: FailureClass) -> Scope {
    match class {
        FailureClass::CallerFault => Scope::Fixed(Blame::Request),
        FailureClass::Credential | FailureClass::Unknown => Scope::Fixed(Blame::Key),
        FailureClass::Quota | FailureClass::RateLimit => Scope::Limit,
        FailureClass::ProviderFault => Scope::Fixed(Blame::Provider),
        FailureClass::ModelAccess => Scope::Fixed(Blame::AccountModel),
        FailureClass::RegionOrEgress => Scope::Fixed(Blame::Egress),
    }
}

const fn usual_advice(class: FailureClass, scope: Scope) -> Advice {
    match (class, scope) {
        (FailureClass::ProviderFault, _)
        | (FailureClass::RateLimit, Scope::Fixed(Blame::Egress)) => Advice::RetrySameLater,
        (FailureClass::CallerFault | FailureClass::RegionOrEgress, _) => Advice::DoNotRetry,
        (
            FailureClass::Credential
            | FailureClass::Quota
            | FailureClass::RateLimit
            | FailureClass::ModelAccess
            | FailureClass::Unknown,
            _,
        ) => Advice::RetryOtherKey,
    }
}
