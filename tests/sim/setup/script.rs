//! What happens by the script of a scenario.

use std::time::Duration;

use keylease::domain::limit::Mode;
use keylease::domain::offline::OfflineShare;

/// Something that happens by a script.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// A replica cannot reach the database for so long.
    CutOff(usize, Duration),
    /// The database is gone for so long.
    Outage(Duration),
    /// The limits have this offline share, or none.
    Share(Option<OfflineShare>),
    /// A replica is stopped for so long.
    Pause(usize, Duration),
    /// For so long, most callers are odd.
    Odd(Odd, Duration),
    /// The limits have these D and L.
    Terms(Duration, Duration),
    /// The limits have this W, D and L.
    Span(Duration, Duration, Duration),
    /// The limits are of this amount.
    Amount(u64),
    /// The limits refuse from now on, or only count.
    Mode(Mode),
    /// The limits are deleted, and others like them created.
    Anew,
    /// A standby takes over that lacks what was committed in this last stretch, and all replicas start anew, or all live on.
    FailOver(Duration, Replicas),
    /// Every replica is killed, and another is there at once.
    Replace,
    /// The machines of the database and of all replicas lose their power.
    PowerCut,
}

/// What becomes of the replicas when a standby takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replicas {
    Live,
    Die,
}

/// What is odd about callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Odd {
    /// Their answers are lost.
    Lost,
    /// They say that they do not use what they were given, and ask for it again.
    Forgetful,
    /// They say of the last use alone that it was, and that no more will be said.
    Incomplete,
    /// They do not use what they were given.
    Unsent,
    /// The same, and they say so late.
    UnsentLate,
}
