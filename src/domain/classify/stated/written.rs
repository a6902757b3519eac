//! Which headers tell of a budget, as written beside the rules of a provider.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::classify::Blame;
use crate::domain::limit::{Dimension, WINDOW_MAX, WINDOW_MIN};

/// Stands for `limit`, `remaining` or `reset` in the name of a header.
const PLACE: &str = "{}";

/// The headers of one budget as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::domain::classify) struct Written {
    /// Such as `x-ratelimit-{}-requests`.
    headers: String,
    dimension: String,
    /// None where nobody knows; several where limit, rest and reset together tell which.
    #[serde(default)]
    windows: Vec<String>,
    /// Where it is not where the provider's limits are.
    scope: Option<String>,
    /// What is used comes back steadily, and the reset is when all of it is.
    #[serde(default)]
    steady: bool,
    /// Only where another header has this value.
    #[serde(default)]
    only_where: BTreeMap<String, String>,
    /// Where it is known from.
    source: String,
}

/// The headers of one budget.
#[derive(Debug)]
pub(in crate::domain::classify) struct HeaderSet {
    pub(super) limit: String,
    pub(super) remaining: String,
    pub(super) reset: String,
    pub(super) dimension: Dimension,
    pub(super) windows: Vec<Duration>,
    pub(super) blame: Option<Blame>,
    pub(super) is_steady: bool,
    /// A header and its value; an empty name is none.
    pub(super) only_where: (String, String),
}

impl HeaderSet {
    /// Parses what is written.
    pub(in crate::domain::classify) fn parse(written: &Written) -> Result<Self, String> {
        let headers = &written.headers;
        let within = |what: String| format!("limit {headers}: {what}");
        if headers.matches(PLACE).count() != 1 || headers.chars().any(char::is_uppercase) {
            return Err(within("must be lower case with one {} in it".to_owned()));
        }
        if written.source.is_empty() {
            return Err(within("must say where it is known from".to_owned()));
        }
        let of = |what| headers.replace(PLACE, what);
        let dimension = Dimension::from_stored(&written.dimension)
            .ok_or_else(|| within(format!("dimension {:?} is none", written.dimension)))?;
        let windows = written.windows.iter().map(|text| window(text));
        let windows: Result<Vec<_>, String> = windows.collect();
        let blame = written.scope.as_deref().map(|scope| {
            let found = Blame::ALL.into_iter().find(|b| b.as_str() == scope);
            found.ok_or_else(|| within(format!("scope {scope:?} is none")))
        });
        let only_where = written.only_where.iter().next();
        Ok(Self {
            limit: of("limit"),
            remaining: of("remaining"),
            reset: of("reset"),
            dimension,
            windows: windows.map_err(within)?,
            blame: blame.transpose()?,
            is_steady: written.steady,
            only_where: only_where.map_or_else(Default::default, |(name, value)| {
                (name.clone(), value.clone())
            }),
        })
    }
}

fn window(text: &str) -> Result<Duration, String> {
    let window = humantime::parse_duration(text).ok();
    let window = window.filter(|window| (WINDOW_MIN..=WINDOW_MAX).contains(window));
    window.ok_or_else(|| format!("window {text:?} is none"))
}
