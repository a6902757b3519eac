//! What is wrong with a request, field by field.

use crate::characters::is_invisible;

/// The most faults that an answer names: error details travel in a header, of which some clients take 8 KiB.
pub const FIELD_ERRORS_MAX: usize = 16;

/// One field that is malformed or out of bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field as in the proto, such as `account.base_url` or `outcomes[2].count`.
    pub field: String,
    /// What is wrong, the bound, and the remedy. Never the value of a secret.
    pub message: String,
}

impl FieldError {
    /// A fault of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same fault, of a field inside `parent`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

/// The outcome of parsing one field.
pub type Parsed<T> = Result<T, FieldError>;

/// Collects what is wrong with a request, so that its author learns of all of it at once.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// The value, or none and the fault noted.
    pub fn take<T>(&mut self, parsed: Parsed<T>) -> Option<T> {
        parsed.map_err(|error| self.push(error)).ok()
    }

    /// As [`take`](Self::take), for a field inside `parent`.
    pub fn take_within<T>(&mut self, parent: &str, parsed: Parsed<T>) -> Option<T> {
        self.take(parsed.map_err(|error| error.within(parent)))
    }

    /// Notes a fault. Those beyond the bound are dropped: their author has enough to mend.
    pub fn push(&mut self, error: FieldError) {
        if self.0.len() < FIELD_ERRORS_MAX {
            self.0.push(error);
        }
    }

    /// What was parsed, if nothing is wrong with anything.
    ///
    /// # Errors
    /// All that was noted.
    pub fn ready<T>(self, parsed: Option<T>) -> Result<T, Vec<FieldError>> {
        match parsed {
            Some(parsed) if self.0.is_empty() => Ok(parsed),
            _ => Err(self.0),
        }
    }

    /// What was noted.
    #[must_use]
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }
}

/// Whether text begins or ends with what is not seen there: a copy from a page or a chat brings it along.
#[must_use]
pub fn has_blank_ends(text: &str) -> bool {
    let is_blank = |c: char| c.is_whitespace() || is_invisible(c);
    text.starts_with(is_blank) || text.ends_with(is_blank)
}

/// Text of at most `bytes_max` bytes without control and format characters; empty is allowed.
///
/// # Errors
/// Names the field and the bound.
pub fn text(field: &str, value: String, bytes_max: usize) -> Parsed<String> {
    if value.len() > bytes_max {
        return Err(FieldError::new(
            field,
            format!("has {} bytes, at most {bytes_max} are allowed", value.len()),
        ));
    }
    if value.chars().any(is_invisible) {
        return Err(FieldError::new(
            field,
            "has control or invisible format characters, remove them",
        ));
    }
    Ok(value)
}

/// Text as by [`text`] that must not be empty.
///
/// # Errors
/// Names the field and the bound.
pub fn required_text(field: &str, value: String, bytes_max: usize) -> Parsed<String> {
    if value.is_empty() {
        return Err(FieldError::new(field, "is required"));
    }
    text(field, value, bytes_max)
}

/// A number between bounds, both included.
///
/// # Errors
/// Names the field and the bounds.
pub fn bounded<T: PartialOrd + std::fmt::Display>(
    field: &str,
    value: T,
    min: T,
    max: T,
) -> Parsed<T> {
    if value < min || value > max {
        return Err(FieldError::new(
            field,
            format!("is {value}, must be from {min} to {max}"),
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_nothing_that_shows_it_as_something_else() {
        for hidden in ["a\u{202e}b", "a\u{1b}[2J", "a\u{200b}b", "\u{feff}a"] {
            let fault = text("why", hidden.to_owned(), 99).unwrap_err();
            assert!(fault.message.contains("remove them"), "{fault:?}");
        }
        let shown = "größer als ١٢ · 字".to_owned();
        assert_eq!(text("why", shown.clone(), 99), Ok(shown));
    }
}
