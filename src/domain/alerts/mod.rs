//! Alerts: what people are told of by themselves. A condition holds or does not, by the state of keys and pools at a moment, never by an
//! event that could be missed; whoever sees it first makes an alert of it, and it is over once nobody has seen it for a while.

pub mod conditions;
pub mod delivery;
#[cfg(test)]
mod example;
mod grouping;
pub mod notice;
mod sentences;
pub mod view;

use super::time::Timestamp;

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A current version is dead.
    KeyDied,
    /// A key alone is refused from where we are.
    KeyBarred,
    /// Of a pool of several keys one is healthy.
    LastHealthyKey,
    /// Fewer keys of a pool are healthy than its policy wants.
    FewHealthyKeys,
    /// No key of a pool can serve.
    PoolExhausted,
    /// An account has spent a quota.
    QuotaSpent,
    /// A rotation interval ends soon.
    RotationDue,
    /// A rotation interval has ended.
    RotationOverdue,
    /// A rotation waits for a person, or was undone by the vault itself.
    RotationFailed,
    /// A current secret does not open.
    KeyUndecryptable,
    /// Rows were changed outside of KeyLease, or cannot be read.
    RowsDistrusted,
    /// A provider states another limit than is configured.
    LimitDiffers,
    /// Something befalls many keys at once and is no key's fault.
    MassFailure,
    /// Leases that should be recorded are only counted.
    JournalBehind,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Something to plan.
    Info,
    /// Something to mend before it hurts.
    Warning,
    /// It hurts now.
    Critical,
}

/// What stays the same of a condition for as long as it holds: one alert is open by this name at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConditionName {
    /// What it is about.
    pub kind: Kind,
    /// The resource, by name; [`VAULT`] where there are too many to name each.
    pub resource: String,
}

/// The resource of a condition of many resources.
pub const VAULT: &str = "vault";

/// Something that people should know, as it is at a moment. It never holds any part of a secret: keys are told by name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its name.
    pub name: ConditionName,
    /// What is so, in a sentence.
    pub summary: String,
    /// What to do, in a sentence.
    pub remedy: String,
    /// When it ends by itself, as far as is known.
    pub until: Option<Timestamp>,
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As it is now.
    pub condition: Condition,
    /// An alert is made of it. One that does not open goes on where it is open already: it is told under something worse or wider now, and
    /// is not over.
    pub opens: bool,
}

impl Kind {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::KeyDied, "key_died"),
        (Self::KeyBarred, "key_barred"),
        (Self::LastHealthyKey, "last_healthy_key"),
        (Self::FewHealthyKeys, "few_healthy_keys"),
        (Self::PoolExhausted, "pool_exhausted"),
        (Self::QuotaSpent, "quota_spent"),
        (Self::RotationDue, "rotation_due"),
        (Self::RotationOverdue, "rotation_overdue"),
        (Self::RotationFailed, "rotation_failed"),
        (Self::KeyUndecryptable, "key_undecryptable"),
        (Self::RowsDistrusted, "rows_distrusted"),
        (Self::LimitDiffers, "limit_differs"),
        (Self::MassFailure, "mass_failure"),
        (Self::JournalBehind, "journal_behind"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(kind, _)| *kind == self).map_or("", |k| k.1)
    }

    /// From what is stored; none for what this release does not know.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::RotationDue => Severity::Info,
            Self::KeyDied
            | Self::KeyBarred
            | Self::LastHealthyKey
            | Self::FewHealthyKeys
            | Self::QuotaSpent
            | Self::RotationOverdue
            | Self::JournalBehind
            | Self::RotationFailed
            | Self::LimitDiffers => Severity::Warning,
            Self::PoolExhausted
            | Self::KeyUndecryptable
            | Self::RowsDistrusted
            | Self::MassFailure => Severity::Critical,
        }
    }
}

impl Severity {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// From what is stored; what this release does not know is a warning.
    #[must_use]
    pub fn from_stored(name: &str) -> Self {
        match name {
            "info" => Self::Info,
            "critical" => Self::Critical,
            _ => Self::Warning,
        }
    }
}

impl Condition {
    pub(super) fn new(
        kind: Kind,
        resource: impl ToString,
        summary: String,
        remedy: String,
        until: Option<Timestamp>,
    ) -> Self {
        Self {
            name: ConditionName {
                kind,
                resource: resource.to_string(),
            },
            summary,
            remedy,
            until,
        }
    }
}
