//! Who makes a change.

use uuid::Uuid;

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerRef {
    /// The caller's uid; nil for the vault itself.
    pub uid: Uuid,
    /// `callers/{caller}`, or `system`.
    pub name: String,
}

impl CallerRef {
    /// The vault itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            uid: Uuid::nil(),
            name: "system".to_owned(),
        }
    }
}
