//! Whether the database still is what a replica takes it for, or has lost writes that it had acknowledged.

use std::time::Duration;

use super::loss::Loss;

/// A database, as it names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Made by initdb: another cluster has another one.
    pub system_id: String,
    /// Rises when a standby is promoted, and when a backup is recovered from.
    pub timeline: String,
    /// Where its charges are kept: a restored dump keeps them elsewhere.
    pub filenode: i64,
}

/// What a replica sees of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is.
    pub sight: Sight,
    /// What limits were last granted in; `None` if that was never noted.
    pub known: Option<Sight>,
    /// The number of that.
    pub number: i64,
    /// How often this replica has said that it lives, as the database remembers it; `None` if it has forgotten the replica.
    pub beats: Option<i64>,
    /// How long the database has heard of no replica at all, as far as it remembers; `None` if of none ever.
    pub silence: Option<Duration>,
    /// The last time that writes may have been lost.
    pub loss: Loss,
}

/// How the database keeps what it has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// A standby that takes over has it all.
    Synchronous,
    /// A standby that takes over may lack what was acknowledged last, over so long.
    Asynchronous(Duration),
}

impl Replication {
    /// What was committed as long ago as this is not lost; zero where nothing ever is.
    #[must_use]
    pub const fn loses_within(self) -> Duration {
        match self {
            Self::Synchronous => Duration::ZERO,
            Self::Asynchronous(lag_max) => lag_max,
        }
    }
}

/// What a replica remembers of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Heartbeats whose commit was acknowledged.
    pub beats: i64,
    /// The incarnation at the last of them.
    pub incarnation: i64,
}

/// What to note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The first database of all.
    First,
    /// A standby was promoted: what the old primary acknowledged last may be gone.
    Promoted,
    /// Another database, or a restored dump: anything may be gone.
    Other,
    /// The same database has forgotten heartbeats of this replica.
    Forgot,
}

impl Sight {
    fn is_same_but_promoted(&self, now: &Self) -> bool {
        self.timeline != now.timeline
            && self.system_id == now.system_id
            && self.filenode == now.filenode
    }
}

impl Standing {
    /// What has to be noted before limits can be granted; `None` if the database is the one that the replica takes it for.
    #[must_use]
    pub fn finding(&self, memory: Memory) -> Option<Finding> {
        match &self.known {
            None if memory.incarnation == 0 => return Some(Finding::First),
            None => return Some(Finding::Other),
            Some(known) if known.is_same_but_promoted(&self.sight) => {
                return Some(Finding::Promoted);
            }
            Some(known) if *known != self.sight => return Some(Finding::Other),
            Some(_) => {}
        }
        // Writes are lost from the end: where a later incarnation is noted already, it was noted after these were lost.
        if self.number > memory.incarnation {
            return None;
        }
        let forgotten = self.forgotten(memory);
        forgotten.map(|_| Finding::Forgot)
    }

    /// How much time of this replica's life the database has forgotten.
    fn forgotten(&self, memory: Memory) -> Option<Duration> {
        let missing = memory.beats.saturating_sub(self.beats.unwrap_or(0));
        if missing <= 0 {
            return None;
        }
        // One that has forgotten the whole replica may have forgotten anything.
        let beats = self.beats.and(u32::try_from(missing + 1).ok());
        Some(beats.map_or(Duration::MAX, |beats| BEAT_MAX.saturating_mul(beats)))
    }

    /// How long nobody was there who could tell whether anything was lost. A database that is recovered from a backup while all
    /// replicas are stopped looks like one whose synchronous standby took over: only what was acknowledged to somebody tells them apart.
    fn unvouched(&self, memory: Memory) -> Option<Duration> {
        let silence = self.silence.unwrap_or(Duration::MAX);
        (memory.beats == 0 && silence > SILENCE_MAX).then_some(silence)
    }

    /// What a finding means: over how long writes may have been lost, if at all.
    #[must_use]
    pub fn loss(
        &self,
        finding: Finding,
        memory: Memory,
        replication: Replication,
    ) -> Option<Duration> {
        let forgotten = self.forgotten(memory);
        let lag = match (finding, replication) {
            (Finding::First, _) => None,
            (Finding::Promoted, Replication::Synchronous) => forgotten.or(self.unvouched(memory)),
            (Finding::Promoted, Replication::Asynchronous(lag_max)) => {
                Some(forgotten.unwrap_or_default().max(lag_max))
            }
            (Finding::Forgot, _) => forgotten,
            // Nobody knows how old a dump was.
            (Finding::Other, _) => Some(Duration::MAX),
        };
        // Where nothing is expected to be lost, nothing is paced either.
        match replication {
            Replication::Synchronous => lag.map(|_| Duration::MAX),
            Replication::Asynchronous(_) => lag,
        }
    }
}

/// There is a heartbeat a second, but one may take long.
const BEAT_MAX: Duration = Duration::from_secs(6);
/// While a database was silent for no longer, some replica went on and will tell if it has forgotten something.
const SILENCE_MAX: Duration = Duration::from_mins(1);

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
