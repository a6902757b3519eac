//! Which models a key or limit is about.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};

use super::field::{FieldError, Parsed};

/// The most patterns in one list, and entries in one map.
pub const PATTERNS_MAX: usize = 64;
/// The longest model name, in bytes.
pub const MODEL_BYTES_MAX: usize = 256;

/// A pattern of model (or pool) names; `*` is any text, `?` any character.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Parses one pattern of a field.
    ///
    /// # Errors
    /// Names the field and what a pattern may be.
    pub fn parse(field: &str, text: &str) -> Parsed<Self> {
        let legal = !text.is_empty()
            && text.len() <= MODEL_BYTES_MAX
            && !text
                .chars()
                .any(|c| c.is_control() || "[]{}\\!".contains(c));
        let matcher = GlobBuilder::new(text).literal_separator(false).build();
        match matcher {
            Ok(glob) if legal => Ok(Self {
                text: text.to_owned(),
                matcher: glob.compile_matcher(),
            }),
            _ => Err(FieldError::new(
                field,
                "must be a pattern of 1 to 256 bytes; `*` and `?` are wildcards, []{}\\! are not allowed",
            )),
        }
    }

    /// Whether `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.text == "*" || self.matcher.is_match(name)
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// A list of patterns, at most 64.
///
/// # Errors
/// Names the field and the bound.
pub fn patterns(field: &str, texts: &[String]) -> Parsed<Vec<Pattern>> {
    if texts.len() > PATTERNS_MAX {
        return Err(FieldError::new(
            field,
            format!(
                "has {} patterns, at most {PATTERNS_MAX} are allowed",
                texts.len()
            ),
        ));
    }
    texts
        .iter()
        .enumerate()
        .map(|(i, text)| Pattern::parse(&format!("{field}[{i}]"), text))
        .collect()
}

/// A map from the model that is asked for to the provider's name for it, at most 64 entries.
///
/// # Errors
/// Names the field and the bound.
pub fn model_map(field: &str, map: BTreeMap<String, String>) -> Parsed<BTreeMap<String, String>> {
    if map.len() > PATTERNS_MAX {
        return Err(FieldError::new(
            field,
            format!(
                "has {} entries, at most {PATTERNS_MAX} are allowed",
                map.len()
            ),
        ));
    }
    let legal = |name: &String| {
        !name.is_empty() && name.len() <= MODEL_BYTES_MAX && !name.chars().any(char::is_control)
    };
    if !map.iter().all(|(from, to)| legal(from) && legal(to)) {
        return Err(FieldError::new(
            field,
            "must map names of 1 to 256 bytes without control characters to such names",
        ));
    }
    Ok(map)
}

/// Which models a key serves, and what the provider calls them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ModelRules {
    /// Empty: all.
    pub allow: Vec<Pattern>,
    /// Wins over `allow`.
    pub deny: Vec<Pattern>,
    /// From the name asked for to the provider's.
    pub map: BTreeMap<String, String>,
}

impl ModelRules {
    /// Whether a lease for `model` may use the key. A lease that names no model may use any.
    #[must_use]
    pub fn serves(&self, model: Option<&str>) -> bool {
        let Some(model) = model else { return true };
        let any = |patterns: &[Pattern]| patterns.iter().any(|p| p.matches(model));
        (self.allow.is_empty() || any(&self.allow)) && !any(&self.deny)
    }

    /// Whether some name that a lease may ask for is what the provider calls `provider_name`.
    #[must_use]
    pub fn leads_to(&self, provider_name: &str) -> bool {
        self.names_of(provider_name).next().is_some()
    }

    /// What leases may call what is `provider_name` to the provider.
    pub fn names_of<'a>(&'a self, provider_name: &'a str) -> impl Iterator<Item = &'a str> {
        let own = (!self.map.contains_key(provider_name)).then_some(provider_name);
        let mapped = self.map.iter().filter(move |(_, to)| *to == provider_name);
        let names = own.into_iter().chain(mapped.map(|(from, _)| from.as_str()));
        names.filter(|name| self.serves(Some(name)))
    }

    /// What the provider calls `model`.
    #[must_use]
    pub fn provider_name<'a>(&'a self, model: &'a str) -> &'a str {
        self.map.get(model).map_or(model, String::as_str)
    }
}
