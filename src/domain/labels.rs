//! Free labels on resources.

use std::collections::BTreeMap;

use super::field::{FieldError, Parsed};

/// The most labels of one resource.
pub const LABELS_MAX: usize = 16;
const KEY_BYTES_MAX: usize = 63;
const VALUE_BYTES_MAX: usize = 128;

/// At most 16 pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field, the key at fault, and the bound.
    pub fn parse(field: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Parsed<Self> {
        let labels: BTreeMap<_, _> = pairs.into_iter().collect();
        if labels.len() > LABELS_MAX {
            return Err(FieldError::new(
                field,
                format!(
                    "has {} pairs, at most {LABELS_MAX} are allowed",
                    labels.len()
                ),
            ));
        }
        for (key, value) in &labels {
            check_pair(field, key, value)?;
        }
        Ok(Self(labels))
    }

    /// The pairs, ordered by key.
    #[must_use]
    pub const fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// One pair of labels, or of what obeys the same rules.
pub(super) fn check_pair(field: &str, key: &str, value: &str) -> Parsed<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_./".contains(&b);
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(allowed) {
        return Err(FieldError::new(
            field,
            "has a key that is not 1 to 63 characters of a-z, 0-9, '-', '_', '.', '/'",
        ));
    }
    if value.len() > VALUE_BYTES_MAX || value.chars().any(char::is_control) {
        return Err(FieldError::new(
            format!("{field}.{key}"),
            "must have at most 128 bytes and no control characters",
        ));
    }
    Ok(())
}
