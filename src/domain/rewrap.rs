//! Wrapping everything anew under one master key: how far such an operation is, and how it ends.

use uuid::Uuid;

use super::time::Timestamp;

/// Rows a second, unless somebody asks for another pace: a hundred thousand keys take under two minutes, and leases do not feel it.
pub const RATE_DEFAULT: u32 = 1_000;
/// The fastest that may be asked for.
pub const RATE_MAX: u32 = 20_000;

/// How a rewrap stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewrapState {
    /// Some replica works at it, or will.
    Running,
    /// Everything is wrapped with the master key.
    Done,
    /// Everything but rows that do not open, or whose master key no replica holds.
    Incomplete,
    /// The master key has wrapped as often as it may.
    Exhausted,
    /// Somebody stopped it; what was moved stays moved.
    Cancelled,
    /// Another master key was promoted meanwhile.
    Superseded,
}

impl RewrapState {
    const ALL: [Self; 6] = [
        Self::Running,
        Self::Done,
        Self::Incomplete,
        Self::Exhausted,
        Self::Cancelled,
        Self::Superseded,
    ];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Incomplete => "incomplete",
            Self::Exhausted => "exhausted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// How far a rewrap is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrap {
    /// It alone has this.
    pub uid: Uuid,
    /// The fingerprint of the master key that it moves everything to.
    pub master_key: String,
    /// How it stands.
    pub state: RewrapState,
    /// When it began.
    pub create_time: Timestamp,
    /// When it last got on.
    pub update_time: Timestamp,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Rows that were to be moved when it began.
    pub total: i64,
    /// Rows that have been moved.
    pub rewrapped: i64,
    /// Rows of the last walk that could not be.
    pub failed: i64,
    /// At most so many rows a second.
    pub rate_max: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back_from_what_is_stored() {
        for state in RewrapState::ALL {
            assert_eq!(RewrapState::from_stored(state.as_str()), Some(state));
        }
        assert_eq!(RewrapState::from_stored("paused"), None);
    }
}
