//! The field `lease_id` of reports and renewals.

use crate::crypto::SEALED_ID_CHARS_MAX;
use crate::domain::field::{FieldError, Parsed};

/// Parses the field.
pub(super) fn parse(lease_id: String) -> Parsed<String> {
    if lease_id.is_empty() {
        let message = "is required, as LeaseKey answered it";
        return Err(FieldError::new("lease_id", message));
    }
    if lease_id.len() > SEALED_ID_CHARS_MAX {
        let message = format!(
            "has {} bytes, must have at most {SEALED_ID_CHARS_MAX}; send it as LeaseKey answered it",
            lease_id.len()
        );
        return Err(FieldError::new("lease_id", message));
    }
    Ok(lease_id)
}
