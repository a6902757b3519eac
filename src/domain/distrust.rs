//! What the vault does not believe of its own database. Health, stage and a person's word are told of what was written by KeyLease;
//! a row that somebody else made or changed is told as such, whatever it says of itself.

/// Why something is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// In one word.
    pub kind: DistrustKind,
    /// In a sentence, which names what to do. Never a secret.
    pub why: String,
}

/// Ways of not being what KeyLease wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistrustKind {
    /// The MAC of a row does not hold.
    Tampered,
    /// A secret does not open, or is sealed for other hosts.
    Undecryptable,
    /// This release cannot read a row.
    Unreadable,
}

impl Distrust {
    /// The row of `what` was made or changed outside of KeyLease.
    #[must_use]
    pub fn tampered(what: &str) -> Self {
        let why = format!(
            "{what} was changed in the database outside of keylease: restore the row, or delete it and create it anew"
        );
        Self {
            kind: DistrustKind::Tampered,
            why,
        }
    }

    /// A row cannot be read, for this cause.
    #[must_use]
    pub fn unreadable(cause: &str) -> Self {
        Self {
            kind: DistrustKind::Unreadable,
            why: format!(
                "{cause}, so nothing is leased by it: use the newer release that wrote it, or restore the row"
            ),
        }
    }

    /// The rules of `pool` cannot be read, for this cause.
    #[must_use]
    pub fn rules_unread(pool: &str, cause: &str) -> Self {
        Self {
            kind: DistrustKind::Unreadable,
            why: format!(
                "the failure rules of {pool} cannot be read by this release ({cause}), so the built-in rules judge alone: use the newer \
                release that wrote them, or set them anew"
            ),
        }
    }

    /// A secret needs this master key, by fingerprint, and the replica lacks it: nobody has touched the rows.
    #[must_use]
    pub fn master_key_missing(key: &str) -> Self {
        Self {
            kind: DistrustKind::Undecryptable,
            why: format!(
                "this replica lacks master key {key}; add it to its file and restart; `keylease master-key status` shows which are needed"
            ),
        }
    }

    /// A secret cannot be used, for this cause.
    #[must_use]
    pub fn undecryptable(cause: &str) -> Self {
        Self {
            kind: DistrustKind::Undecryptable,
            why: format!("{cause}: restore its rows, or rotate a new secret in"),
        }
    }
}
