//! Heartbeats: rows of replicas, of what the database was, and of slots.

use std::time::Duration;

use keylease::domain::ledger::offline::slots::Claim;
use keylease::store::Result;
use keylease::store::heartbeat_rows::HeartbeatRows;
use keylease::store::incarnations::NewIncarnation;
use keylease::store::replicas::{self, Enrolment, LAPSE};

use super::*;

/// Replicas that were heard of for so long before the last word of any may have lost grants.
const RECENT: Duration = Duration::from_mins(2);

/// A database that limits were granted in, as stored.
#[derive(Debug, Clone)]
pub(super) struct Incarnation {
    number: i64,
    sight: Sight,
    is_lossy: bool,
    replicas: u64,
    lag: Duration,
}

impl Incarnation {
    fn loss(&self) -> Loss {
        Loss::over(self.number, self.replicas, self.lag)
    }
}

impl State {
    /// The last lossy one of those that `is_it`.
    fn lossy(&self, is_it: impl Fn(&Incarnation) -> bool) -> Option<&Incarnation> {
        let mut lossy = self.incarnations.iter().rev();
        lossy.find(|incarnation| incarnation.is_lossy && is_it(incarnation))
    }

    fn last_heard(&self) -> Option<Timestamp> {
        self.replicas.values().map(|pulse| pulse.heard).max()
    }

    /// How many were heard of after this.
    fn heard_since(&self, time: Timestamp) -> usize {
        let pulses = self.replicas.values();
        pulses.filter(|pulse| time < pulse.heard).count()
    }
}

impl Database {
    fn standing(&self, boot_id: Uuid, now: Timestamp) -> Standing {
        let state = &self.state;
        let last = state.incarnations.last();
        Standing {
            sight: self.sight.clone(),
            known: last.map(|last| last.sight.clone()),
            number: last.map_or(0, |last| last.number),
            silence: state.last_heard().map(|heard| now.since(heard)),
            beats: state.replicas.get(&boot_id).map(|pulse| pulse.beats),
            loss: state
                .lossy(|_| true)
                .map(Incarnation::loss)
                .unwrap_or_default(),
        }
    }

    /// As whoever asks sees it.
    pub(super) fn seen(&self, boot_id: Uuid, now: Timestamp) -> Standing {
        let standing = self.standing(boot_id, now);
        match self.bug {
            Some(Bug::NoFreeze) => Standing {
                known: Some(self.sight.clone()),
                beats: Some(i64::MAX / 2),
                loss: Loss::default(),
                ..standing
            },
            _ => standing,
        }
    }
}

impl HeartbeatRows for Rows<'_> {
    async fn lock_incarnations(&mut self) -> Result<()> {
        Ok(())
    }

    /// As the statement says it.
    async fn incarnate(&mut self, new: &NewIncarnation<'_>) -> Result<()> {
        let now = self.database.clock.at(self.time);
        let state = &mut self.database.state;
        let unanswered = state.lossy(|incarnation| {
            let mut limits = state.limits.values();
            limits.any(|row| row.entry.incarnation < incarnation.number)
        });
        let (replicas, lag) = unanswered.map_or((0, Duration::ZERO), |u| (u.replicas, u.lag));
        let heard = state.last_heard();
        let recent = heard.map_or(0, |heard| state.heard_since(heard.before(RECENT)));
        let silence = heard.map_or(Duration::ZERO, |heard| now.since(heard));
        let last = state.incarnations.last().map_or(0, |last| last.number);
        state.incarnations.push(Incarnation {
            number: new.number_min.max(last + 1),
            sight: new.sight.clone(),
            is_lossy: new.is_lossy,
            replicas: new.live.max(replicas).max(recent as u64),
            lag: lag.saturating_add(new.lag.max(silence)),
        });
        Ok(())
    }

    async fn beat(
        &mut self,
        boot_id: Uuid,
        _enrolment: &Enrolment,
        _master_keys: &[String],
        beats: i64,
    ) -> Result<replicas::Pulse> {
        let now = self.database.clock.at(self.time);
        let state = &mut self.database.state;
        let known = state.replicas.get(&boot_id).map(|pulse| pulse.beats);
        let beats = beats.max(known.unwrap_or(0));
        state.replicas.insert(boot_id, Pulse { beats, heard: now });
        Ok(replicas::Pulse {
            now: now.before(self.after),
            rev: 0,
            live: i64::try_from(state.heard_since(now.before(LAPSE))).unwrap(),
        })
    }

    async fn slots(&mut self) -> Result<Vec<SlotRow>> {
        Ok(self.database.state.slots.clone())
    }

    async fn claim(&mut self, boot_id: Uuid, claim: &Claim) -> Result<bool> {
        let slots = &mut self.database.state.slots;
        let slot = slots.iter_mut().find(|row| **row == claim.seen);
        Ok(slot.is_some_and(|row| {
            row.owner = Some(boot_id);
            row.beats += 1;
            row.reach = claim.reach;
            true
        }))
    }
}
