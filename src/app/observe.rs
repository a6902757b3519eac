//! What a replica tells about its own state, as gauges and as counters that are summed elsewhere.

use std::collections::BTreeMap;

use metrics::{counter, gauge};

use crate::domain::health::Health;
use crate::domain::incident::IncidentKind;
use crate::domain::journal::JournalRecord;
use crate::live::clock::boot_now;
use crate::live::line;
use crate::live::snapshot::Snapshot;
use crate::metric_names;
use crate::vault::{Charged, Vault};

/// What costs little, once a second.
pub(super) fn glance(vault: &Vault) {
    let live = vault.live();
    let snapshot = live.snapshot();
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!(metric_names::SNAPSHOT_REV).set(snapshot.rev as f64);
    let age = live.snapshot_age(boot_now());
    gauge!(metric_names::SNAPSHOT_AGE_SECONDS).set(age.as_secs_f64());
    let (all, idle) = (vault.pool().size(), vault.pool().num_idle());
    let idle = u32::try_from(idle).unwrap_or(all).min(all);
    gauge!(metric_names::DATABASE_CONNECTIONS, "state" => "idle").set(f64::from(idle));
    gauge!(metric_names::DATABASE_CONNECTIONS, "state" => "used").set(f64::from(all - idle));
    let slot = live.slot().map_or(-1.0, |slot| f64::from(slot.slot));
    gauge!(metric_names::OFFLINE_SLOT).set(slot);
    for (kind, count) in &snapshot.distrusted_rows {
        let count = u32::try_from(*count).unwrap_or(u32::MAX);
        gauge!(metric_names::ROWS_DISTRUSTED, "kind" => *kind).set(f64::from(count));
    }
    live.journal.observe();
    // Shown from the start, so that the first can be told from none.
    counter!(metric_names::JOURNAL_DEGRADED).increment(0);
    for kind in JournalRecord::KINDS {
        counter!(metric_names::JOURNAL_RECORDS, "kind" => kind).increment(0);
    }
    waiters(&snapshot);
    incidents(vault, &snapshot);
    units(&snapshot);
}

/// What looks at every key.
pub(super) fn survey(vault: &Vault) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    for (account, count) in vault.overdue() {
        gauge!(metric_names::ROTATIONS_OVERDUE, "account" => account).set(count as f64);
    }
    let snapshot = vault.live().snapshot();
    let now = vault.live().now().database;
    let accounts = snapshot.accounts.iter();
    let mut counts: BTreeMap<_, [u32; 3]> = accounts.map(|(uid, _)| (*uid, [0; 3])).collect();
    for version in snapshot.versions.values() {
        let place = match version.live.health(now) {
            Health::Active => 0,
            Health::Cooling(_) => 1,
            Health::Dead(_) => 2,
        };
        if let Some(counts) = counts.get_mut(&version.key.account_uid) {
            counts[place] += 1;
        }
    }
    for (uid, counts) in counts {
        let Some(entry) = snapshot.accounts.get(&uid) else {
            continue;
        };
        for (health, count) in ["active", "cooling", "dead"].into_iter().zip(counts) {
            let account = entry.account.id.to_string();
            gauge!(metric_names::KEY_VERSIONS, "account" => account, "health" => health)
                .set(f64::from(count));
        }
    }
}

/// How full the limits are, as the database knows.
pub(super) fn limits(charged: &[Charged]) {
    for Charged {
        account,
        limit,
        units,
    } in charged
    {
        let labels = [
            ("account", account.to_string()),
            ("limit", limit.id.to_string()),
            ("mode", limit.mode.as_str().to_owned()),
        ];
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        let (amount, units) = (limit.amount as f64, *units as f64);
        gauge!(metric_names::LIMIT_UNITS, &labels).set(amount);
        gauge!(metric_names::LIMIT_UNITS_CHARGED, &labels).set(units);
    }
}

fn waiters(snapshot: &Snapshot) {
    for pool in snapshot.pools.values() {
        let waiting = u32::try_from(line::waiting(&pool.live)).unwrap_or(u32::MAX);
        gauge!(metric_names::LEASE_WAITERS, "pool" => pool.pool.id.to_string())
            .set(f64::from(waiting));
    }
}

/// What befell many keys at once, and what did not.
fn incidents(vault: &Vault, snapshot: &Snapshot) {
    let now = vault.live().now().database;
    for kind in IncidentKind::ALL {
        // Shown from the start, so that the first can be told from none.
        counter!(metric_names::INCIDENTS, "kind" => kind.as_str()).increment(0);
    }
    for provider in &snapshot.providers {
        for kind in [IncidentKind::Breaker, IncidentKind::Egress] {
            let holds = provider.incident(kind, now).is_some();
            let labels = [
                ("provider", provider.place().host.clone()),
                ("kind", kind.as_str().to_owned()),
            ];
            gauge!(metric_names::PROVIDER_INCIDENT, &labels).set(f64::from(u8::from(holds)));
        }
    }
    for pool in snapshot.pools.values() {
        let brake = vault.live().brakes.incident(pool.pool.meta.uid, now);
        let braked = f64::from(u8::from(brake.is_some()));
        gauge!(metric_names::POOL_BRAKED, "pool" => pool.pool.id.to_string()).set(braked);
    }
}

/// Counted under each account's lock as they are taken, so that a lease adds to nothing that others share.
fn units(snapshot: &Snapshot) {
    for entry in snapshot.accounts.values() {
        for (limit, counted) in entry.live.count() {
            let labels = [
                ("account", entry.account.id.to_string()),
                ("limit", limit.id.to_string()),
            ];
            counter!(metric_names::UNITS_GRANTED, &labels).increment(counted.granted);
            counter!(metric_names::UNITS_RETURNED, &labels).increment(counted.returned);
            counter!(metric_names::UNITS_OFFLINE, &labels).increment(counted.offline);
            counter!(metric_names::UNITS_OVER, &labels).increment(counted.over);
        }
    }
}
