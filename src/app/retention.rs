//! How long the audit is kept: once an hour every replica looks, and whoever comes first removes what is old.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::domain::chain::Chain;
use crate::live::choose::Now;
use crate::vault::Vault;

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Until the database's clock has been sampled.
const SETTLES: Duration = Duration::from_mins(1);
/// What the database's clock may be ahead without having been set: a month of drift.
const AHEAD_MIN: Duration = Duration::from_mins(5);

/// How long the audit is kept; none for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Records of changes.
    pub changes: Option<Duration>,
    /// Records of leases.
    pub leases: Option<Duration>,
}

/// The database's clock as it was when this replica looked first, and went on by the replica's own: what seems to be old since somebody set
/// the former forward is not removed, which nobody could take back.
#[derive(Debug)]
struct Steady(Now);

impl Steady {
    /// How far the database's clock has been set forward since.
    fn ahead(&self, now: Now) -> Duration {
        let Self(first) = self;
        let steady = first.database.after(now.boot.since(first.boot));
        let ahead = now.database.since(steady);
        // Clocks run at rates of their own.
        if ahead < AHEAD_MIN {
            Duration::ZERO
        } else {
            ahead
        }
    }
}

/// Removes what is old until the replica ends, from an hour after it began: by then a clock that is wrong may have been seen.
pub(super) async fn retain(vault: Arc<Vault>, retention: Retention, stop: CancellationToken) {
    // The first tick of each comes at once: the clock is looked at when it has been sampled, and removing begins a whole period later.
    let mut settling = every(SETTLES);
    if !is_next(&mut settling, &stop).await || !is_next(&mut settling, &stop).await {
        return;
    }
    let steady = Steady(vault.live().now());
    let mut ticks = every(PRUNE_EVERY);
    if !is_next(&mut ticks, &stop).await {
        return;
    }
    while is_next(&mut ticks, &stop).await {
        let ahead = steady.ahead(vault.live().now());
        if !ahead.is_zero() {
            tracing::warn!(
                ahead.seconds = ahead.as_secs(),
                "the database's clock was set forward, the audit is kept for so much longer until this replica starts anew"
            );
        }
        let ages = [
            (Chain::Changes, retention.changes),
            (Chain::Leases, retention.leases),
        ];
        for (chain, age) in ages {
            let Some(age) = age else { continue };
            let pruning = Arc::clone(&vault);
            let age = age.saturating_add(ahead);
            let pruned = round(async move { pruning.prune_audit(chain, age).await });
            if let Ok(Err(error)) = pruned.await {
                tracing::warn!(%error, audit.chain = chain.as_str(), "old rows of the audit could not be removed, it is tried again in an hour");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{BootTime, Timestamp};

    const fn now(boot_seconds: u64, database_seconds: i64) -> Now {
        Now {
            boot: BootTime::from_nanos(boot_seconds * 1_000_000_000),
            database: Timestamp::from_micros(database_seconds * 1_000_000),
        }
    }

    #[test]
    fn a_clock_that_is_set_forward_makes_nothing_older() {
        let steady = Steady(now(100, 5_000));
        assert_eq!(steady.ahead(now(3_700, 8_600)), Duration::ZERO);
        assert_eq!(steady.ahead(now(3_700, 8_660)), Duration::ZERO);
        let year = 365 * 24 * 3_600;
        let ahead = steady.ahead(now(3_700, 8_600 + year));
        assert_eq!(ahead.as_secs(), year.unsigned_abs());
        // Set back, everything is young.
        assert_eq!(steady.ahead(now(3_700, 10)), Duration::ZERO);
    }
}
