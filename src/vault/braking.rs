//! The mass-death brake: what dies in a pool is counted, and where most of it would die together nothing dies for long.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use super::Vault;
use super::opened::Opened;
use crate::domain::brake::Event;
use crate::domain::classify::Failure;
use crate::domain::health::{FailureClass, Health};
use crate::domain::judged::Judged;
use crate::domain::time::Timestamp;
use crate::live::Live;
use crate::live::snapshot::{PoolEntry, Snapshot};

impl Vault {
    /// Counts what an outcome takes out of its pool. Answers for how long at most, if the pool is braked.
    pub(super) fn brake(
        &self,
        lease: &Opened,
        outcome: &Judged,
        now: Timestamp,
    ) -> Option<Duration> {
        let failure = outcome.failure().filter(|failure| is_death(failure))?;
        let snapshot = self.live.snapshot();
        let claims = &lease.claims;
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid)?;
        let subject = if failure.blame.is_of_account() {
            claims.account_uid
        } else {
            claims.version_uid
        };
        let death = died(pool, subject, Some(claims.caller_uid));
        self.live.brakes.died(claims.pool_uid, death?, now)
    }
}

fn is_death(failure: &Failure) -> bool {
    failure.class == FailureClass::Credential
}

fn died(pool: &PoolEntry, subject: Uuid, caller: Option<Uuid>) -> Option<Event<'static>> {
    let runs = pool.tiers.iter().flat_map(|tier| &tier.runs);
    let candidates = runs.flat_map(|run| run.keys.iter());
    let leased = candidates.filter_map(|c| Some((c, c.version.as_ref()?)));
    let (mut of, mut keys) = (0, 0);
    for (candidate, version) in leased {
        of += 1;
        let account = candidate.account.account.meta.uid;
        keys += usize::from([version.version.meta.uid, account].contains(&subject));
    }
    // What a pool does not lease any more takes nothing out of it.
    (keys > 0).then_some(Event::Died {
        subject,
        keys,
        of,
        caller,
    })
}

/// Counts what died lately by whatever replica's reports: every pool that leases it may be affected.
pub(super) fn count_deaths(live: &Live, snapshot: &Snapshot, dead: &[Uuid], now: Timestamp) {
    if dead.is_empty() {
        return;
    }
    let subjects = dead
        .iter()
        .filter_map(|version| subject(snapshot, *version, now));
    let subjects: HashSet<Uuid> = subjects.collect();
    for pool in snapshot.pools.values() {
        for death in deaths(pool, &subjects) {
            live.brakes.died(pool.pool.meta.uid, death, now);
        }
    }
}

fn deaths(pool: &PoolEntry, subjects: &HashSet<Uuid>) -> Vec<Event<'static>> {
    let runs = pool.tiers.iter().flat_map(|tier| &tier.runs);
    let candidates = runs.flat_map(|run| run.keys.iter());
    let leased = candidates.filter_map(|c| Some((c, c.version.as_ref()?)));
    let (mut of, mut keys) = (0, HashMap::new());
    for (candidate, version) in leased {
        of += 1;
        let of_key = [candidate.account.account.meta.uid, version.version.meta.uid];
        if let Some(subject) = of_key.iter().find(|uid| subjects.contains(*uid)) {
            *keys.entry(*subject).or_insert(0) += 1;
        }
    }
    let death = |(subject, keys)| Event::Died {
        subject,
        keys,
        of,
        caller: None,
    };
    keys.into_iter().map(death).collect()
}

/// Its account, where that is what was found closed.
fn subject(snapshot: &Snapshot, version: Uuid, now: Timestamp) -> Option<Uuid> {
    let entry = snapshot.versions.get(&version)?;
    let account = snapshot.accounts.get(&entry.key.account_uid)?;
    let cooling = account.live.cooling(None, now);
    let is_closed = cooling.is_some_and(|cause| cause.class == FailureClass::Credential);
    Some(if is_closed {
        account.account.meta.uid
    } else {
        version
    })
}

/// Whether what is stored of a version says that it died lately.
pub(super) fn died_lately(health: &Health, changed: Timestamp, now: Timestamp) -> bool {
    let is_rejected = |class| class == FailureClass::Credential;
    matches!(health, Health::Dead(cause) if is_rejected(cause.class) && now < cause.until)
        && now.since(changed) < Duration::from_mins(1)
}
