//! How the health of a pool's keys is judged.

use std::time::Duration;

/// How health is judged; what is unset has the default in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthPolicy {
    /// How long a dead version stays blacklisted.
    pub dead_ttl: Option<Duration>,
    /// How long an unhealthy version cools.
    pub unhealthy_ttl: Option<Duration>,
    /// Unexplained failures in a row that make a version unhealthy.
    pub failure_threshold: Option<u32>,
    /// Whether versions are probed.
    pub probe_enabled: bool,
    /// Time between probes.
    pub probe_interval: Option<Duration>,
    /// What one caller's word against a key is.
    pub verdicts: VerdictPolicy,
    /// How long a version that one caller accused waits for somebody to confirm it.
    pub quarantine: Option<Duration>,
    /// Over how long a version that was dead grows back to its whole share.
    pub recovery_ramp: Option<Duration>,
    /// How many keys are to be healthy; fewer raise an alert.
    pub healthy_keys_min: Option<u32>,
}

/// In a busy pool somebody else comes within it; where nobody does, a lone caller is not kept from its key for longer.
const ACCUSER_PATIENCE_MAX: Duration = Duration::from_secs(10);

/// What one caller's word that a key is no good is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VerdictPolicy {
    /// A short quarantine, in which somebody else confirms it.
    #[default]
    Confirm,
    /// Death.
    Trust,
}

impl VerdictPolicy {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Trust => "trust",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let all = [Self::Confirm, Self::Trust];
        all.into_iter().find(|policy| policy.as_str() == name)
    }
}

impl HealthPolicy {
    /// How long a dead version stays blacklisted: 24 hours unless set.
    #[must_use]
    pub fn dead_ttl(&self) -> Duration {
        self.dead_ttl.unwrap_or(Duration::from_hours(24))
    }

    /// The same for a pool whose brake holds: no death is longer than the pause.
    #[must_use]
    pub fn braked(self, pause: Option<Duration>) -> Self {
        let dead_ttl = pause.map(|pause| pause.min(self.dead_ttl()));
        Self {
            dead_ttl: dead_ttl.or(self.dead_ttl),
            ..self
        }
    }

    /// How long an unhealthy version cools: 30 minutes unless set.
    #[must_use]
    pub fn unhealthy_ttl(&self) -> Duration {
        self.unhealthy_ttl.unwrap_or(Duration::from_mins(30))
    }

    /// Unexplained failures in a row that make a version unhealthy: 5 unless set.
    #[must_use]
    pub fn failure_threshold(&self) -> u32 {
        self.failure_threshold.unwrap_or(5)
    }

    /// How long a version that one caller accused waits for a confirmation: a minute unless set.
    #[must_use]
    pub fn quarantine(&self) -> Duration {
        self.quarantine.unwrap_or(Duration::from_mins(1))
    }

    /// How long whoever accused a version lets others try it first, once its quarantine is over.
    #[must_use]
    pub fn accuser_patience(&self) -> Duration {
        self.quarantine().min(ACCUSER_PATIENCE_MAX)
    }

    /// Over how long a version that was dead grows back to its whole share: 5 minutes unless set.
    #[must_use]
    pub fn recovery_ramp(&self) -> Duration {
        self.recovery_ramp.unwrap_or(Duration::from_mins(5))
    }

    /// Time between probes: 6 hours unless set.
    #[must_use]
    pub fn probe_interval(&self) -> Duration {
        self.probe_interval.unwrap_or(Duration::from_hours(6))
    }
}
