//! The mass-death brake: what dies in a pool is counted, and where most of it would die together nothing dies for long.

use std::time::Duration;

use uuid::Uuid;

use super::Vault;
use super::opened::Opened;
use crate::domain::brake::{Event, Loss};
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Blame, Failure};
use crate::domain::health::{FailureClass, Health};
use crate::domain::judged::Judged;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Event::Rejected;
use crate::live::Live;
use crate::live::snapshot::{AccountEntry, PoolEntry, Snapshot, VersionEntry};

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
        let brakes = &self.live.brakes;
        let Some((loss, is_alleged)) = self.loss(&snapshot, pool, (claims, outcome, failure), now)
        else {
            return brakes.pause(claims.pool_uid, now);
        };
        let death = Event::Died {
            loss,
            of: pool.leased(),
            until: None,
            caller: Some(claims.caller_uid),
            is_alleged,
        };
        brakes.died(claims.pool_uid, [death], now)
    }

    /// What the word takes out, and whether by itself alone: a word that is doubted, or is about what is dead already, takes nothing.
    fn loss(
        &self,
        snapshot: &Snapshot,
        pool: &PoolEntry,
        (claims, outcome, failure): (&LeaseClaims, &Judged, &Failure),
        now: Timestamp,
    ) -> Option<(Loss, bool)> {
        let account = snapshot.account_of(claims)?;
        let version = snapshot.versions.get(&claims.version_uid)?;
        let word = self.word(claims, failure, now);
        let policy = pool.pool.health_policy;
        let policy = self.seconded(account, claims, outcome, policy, now);
        let news = version.live.foreseen(Rejected(word), &policy, now);
        let is_new = news.is_some();
        let then = news.unwrap_or_else(|| version.live.health(now));
        let is_proven = matches!(then, Health::Dead(cause) if cause.accuser.is_none());
        // The account cools once its key is proven dead, and not before.
        if failure.blame == Blame::Account && is_proven {
            let is_news = !is_closed(account, now);
            let loss = is_news.then(|| of_account(pool, claims.account_uid))?;
            return loss.map(|loss| (loss, false));
        }
        let takes_out = is_new && (is_proven || !word.is_doubted);
        let loss = takes_out.then(|| of_version(pool, version))?;
        loss.map(|loss| (loss, !is_proven))
    }
}

fn is_death(failure: &Failure) -> bool {
    failure.class == FailureClass::Credential
}

/// What a pool does not lease takes nothing out of it.
fn of_account(pool: &PoolEntry, account: Uuid) -> Option<Loss> {
    let keys = pool.leased_of(account);
    (keys > 0).then_some(Loss {
        account,
        version: None,
        keys,
    })
}

fn of_version(pool: &PoolEntry, version: &VersionEntry) -> Option<Loss> {
    pool.serves(version).then(|| Loss {
        account: version.key.account_uid,
        version: Some(version.version.meta.uid),
        keys: 1,
    })
}

/// Counts what died lately by whatever replica's reports: every pool that leases it may be affected.
pub(super) fn count_deaths(live: &Live, snapshot: &Snapshot, dead: &[Uuid], now: Timestamp) {
    let dead: Vec<_> = dead
        .iter()
        .filter_map(|version| {
            let version = snapshot.versions.get(version)?;
            let account = snapshot.accounts.get(&version.key.account_uid)?;
            let cause = version.live.health(now).cause()?.clone();
            Some((version, cause, is_closed(account, now)))
        })
        .collect();
    for pool in snapshot.pools.values() {
        let mut deaths = dead.iter().filter_map(|(version, cause, is_closed)| {
            // Its account, where that is what was found closed.
            let loss = if *is_closed {
                of_account(pool, version.key.account_uid)
            } else {
                of_version(pool, version)
            };
            Some(Event::Died {
                loss: loss?,
                of: pool.leased(),
                until: Some(cause.until),
                caller: cause.accuser,
                is_alleged: cause.accuser.is_some(),
            })
        });
        // Only pools in which something died have a brake.
        if let Some(first) = deaths.next() {
            let all = std::iter::once(first).chain(deaths);
            live.brakes.died(pool.pool.meta.uid, all, now);
        }
    }
}

/// Whether an account cools down since it was found closed.
fn is_closed(account: &AccountEntry, now: Timestamp) -> bool {
    let cooling = account.live.whole(now);
    cooling.is_some_and(|cause| cause.class == FailureClass::Credential)
}

/// Whether what is stored of a version says that it died lately.
pub(super) fn died_lately(health: &Health, changed: Timestamp, now: Timestamp) -> bool {
    let is_rejected = |class| class == FailureClass::Credential;
    matches!(health, Health::Dead(cause) if is_rejected(cause.class) && now < cause.until)
        && now.since(changed) < Duration::from_mins(1)
}
