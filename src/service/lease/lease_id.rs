//! The field `lease_id` of reports and renewals.

use crate::domain::field::{FieldError, Parsed};

/// As long as LeaseKey answers it at most.
const LEASE_ID_BYTES_MAX: usize = 1_024;

/// Parses the field.
pub(super) fn parse(lease_id: String) -> Parsed<String> {
    if lease_id.is_empty() {
        let message = "is required, as LeaseKey answered it";
        return Err(FieldError::new("lease_id", message));
    }
    if lease_id.len() > LEASE_ID_BYTES_MAX {
        let message = format!(
            "has {} bytes, must have at most {LEASE_ID_BYTES_MAX}; send it as LeaseKey answered it",
            lease_id.len()
        );
        return Err(FieldError::new("lease_id", message));
    }
    Ok(lease_id)
}
