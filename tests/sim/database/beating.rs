//! Heartbeats, and what follows where one finds that writes were lost.

use keylease::domain::ledger::standing::{Memory, Replication};
use keylease::store::replicas::LAPSE;

use super::*;

/// What a heartbeat answers, if that is heard.
pub(crate) struct Beaten {
    /// What the replica is to remember.
    pub(crate) memory: Memory,
    /// Replicas that live.
    pub(crate) live: u64,
    /// The database's clock.
    pub(crate) heard: Timestamp,
}

impl Database {
    /// A heartbeat.
    pub(crate) fn beat(&mut self, client: &Client<'_>, time: Time) -> Beaten {
        let (boot_id, memory) = (client.replica.boot_id, client.replica.memory);
        if let Some(finding) = self.seen(boot_id).finding(memory) {
            self.skip_numbers(memory.incarnation);
            let number = i64::try_from(self.state.incarnations.len()).unwrap() + 1;
            let replicas = self.state.replicas.len() as u64;
            let standing = self.standing(boot_id);
            let lag = standing.loss(finding, memory, Replication::Asynchronous(LAG_MAX));
            let loss = lag.map(|lag| Loss::over(number, replicas, lag));
            self.state.incarnations.push((self.sight.clone(), loss));
        }
        let standing = self.standing(boot_id);
        let beats = memory.beats.max(standing.beats.unwrap_or(0)) + 1;
        let heard = self.clock.at(time);
        let pulse = Pulse { beats, heard };
        self.state.replicas.insert(boot_id, pulse);
        let pulses = self.state.replicas.values();
        let live = pulses
            .filter(|pulse| heard.before(LAPSE) < pulse.heard)
            .count();
        Beaten {
            memory: Memory {
                beats,
                incarnation: standing.number,
            },
            live: live as u64,
            heard,
        }
    }

    /// The incarnation in which writes were lost last.
    pub(crate) fn lossy(&self, boot_id: Uuid) -> i64 {
        self.standing(boot_id).loss.incarnation
    }

    /// After a heartbeat: what the replica alone knows is told, and limits answer to what was lost. False if it has to look first.
    pub(crate) fn sweep(&mut self, told: &[Work], client: &Client<'_>, time: Time) -> bool {
        let lossy = self.lossy(client.replica.boot_id);
        if self.bug == Some(Bug::NoFreeze) || self.reserve(told, client, time).is_none() {
            return false;
        }
        let behind = self.state.limits.values();
        let behind = behind.filter(|row| row.entry.incarnation < lossy);
        let works: Vec<Work> = behind.map(|row| Work::silent(row.limit.uid)).collect();
        self.reserve(&works, client, time).is_some()
    }
}
