//! What goes wrong in a scenario.

use std::time::Duration;

/// What goes wrong. Probabilities are per second, or per message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// A replica is killed and starts anew.
    pub(crate) crash: f64,
    /// A replica ends in order, and comes back.
    pub(crate) drain: f64,
    /// A replica stops for a while.
    pub(crate) pause: f64,
    pub(crate) pause_max: Duration,
    /// Messages to and from the database that take long.
    pub(crate) slow_database: f64,
    /// Replies of the database that never come, although it has committed.
    pub(crate) lost_reply: f64,
    /// Answers to callers that take long.
    pub(crate) slow_lease: f64,
    /// Answers that never come, to callers who send their call again then.
    pub(crate) lost_lease: f64,
    pub(crate) slow_max: Duration,
    /// A standby takes over that lacks what was committed last.
    pub(crate) failover: f64,
    /// A dump is restored in place.
    pub(crate) restore: f64,
    /// The database's disk is set back.
    pub(crate) set_back: f64,
    /// The database is gone for a while.
    pub(crate) outage: f64,
    pub(crate) outage_max: Duration,
    /// A replica cannot reach the database for a while.
    pub(crate) cut_off: f64,
    pub(crate) cut_off_max: Duration,
    /// The offline shares are changed.
    pub(crate) reshare: f64,
    /// The database's clock is set, or slews.
    pub(crate) clock: f64,
    /// The same, and forward alone.
    pub(crate) clock_forward: f64,
    /// The same, and set right again before every replica has seen it.
    pub(crate) clock_blink: f64,
    /// The same, by less than it may be apart from a provider's.
    pub(crate) clock_near: f64,
    /// Every reply to the first replica comes this late.
    pub(crate) late_to_first: Option<Duration>,
    /// The limits are changed: raised, lowered, with other D and L.
    pub(crate) reconfigure: f64,
}
