//! What is wrong with a request, field by field.

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

/// Text of at most `bytes_max` bytes without control characters; empty is allowed.
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
    if value.chars().any(char::is_control) {
        return Err(FieldError::new(
            field,
            "has control characters, remove them",
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
