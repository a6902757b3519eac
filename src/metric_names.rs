//! The name, kind and meaning of every metric, for the floors that emit them and the one that publishes them. No floor: it imports
//! nothing, and any may import it.
//!
//! Labels hold names of ours (methods, pools, accounts, classes), never a caller's text and never a key.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Is distributed; its unit is seconds.
    Histogram,
}

/// A metric as `/metrics` describes it.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it counts, with its labels and unit.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident $kind:ident $name:literal $help:literal)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*
        /// All metrics.
        pub const ALL: &[Description] = &[
            $(Description { name: $constant, kind: Kind::$kind, help: $help },)*
        ];
    };
}

metrics! {
    BUILD_INFO Gauge "keylease_build_info" "Always 1; the label version says which build this is."
    RPCS Counter "keylease_rpcs_total" "Calls answered, by method and gRPC code."
    RPC_SECONDS Histogram "keylease_rpc_seconds" "How long calls took to answer, by method, in seconds; waiting in a pool's queue included."
    LEASES Counter "keylease_leases_total" "Leases given, by pool."
    LEASE_REFUSALS Counter "keylease_lease_refusals_total" "Leases refused, by pool and reason."
    LEASE_WAITERS Gauge "keylease_lease_waiters" "Calls that wait in a pool's queue now, by pool."
    OUTCOMES Counter "keylease_outcomes_total" "Outcomes reported, by pool and class, each counted once, where its lease was given."
    UPSTREAM_SECONDS Histogram "keylease_upstream_seconds" "How long uses took at their providers, by pool, in seconds, as far as reports say (`latency`); each counted once, where it was reported."
    PROBES Counter "keylease_probes_total" "Probes of keys at their providers, by result: well, rejected, spent or unclear."
    BLOCK_RESERVES Counter "keylease_block_reserves_total" "Permit blocks asked of Postgres, by result: granted, empty, late or failed."
    BLOCK_RESERVE_SECONDS Histogram "keylease_block_reserve_seconds" "How long a transaction that reserves blocks took, in seconds."
    UNITS_GRANTED Counter "keylease_units_granted_total" "Units of limits handed out, by account and limit."
    UNITS_RETURNED Counter "keylease_units_returned_total" "Units of limits given back unused, by account and limit."
    UNITS_OVER Counter "keylease_units_over_total" "Units that shadow limits let pass and would have refused, by account and limit."
    UNITS_OFFLINE Counter "keylease_units_offline_total" "Units of limits handed out from the offline share, while Postgres could not be reached, by account and limit; they count among those handed out, too."
    LIMIT_UNITS Gauge "keylease_limit_units" "N of each limit, by account, limit and mode (enforce or shadow)."
    LIMIT_UNITS_CHARGED Gauge "keylease_limit_units_charged" "Units charged to each limit over all replicas, by account, limit and mode, read every 10 s. Near keylease_limit_units: it refuses soon, or would if it were no shadow."
    OFFLINE_SLOT Gauge "keylease_offline_slot" "The slot that this replica serves from while Postgres cannot be reached, from 0; -1 for none."
    SNAPSHOT_AGE_SECONDS Gauge "keylease_snapshot_age_seconds" "How long ago this replica last saw Postgres, in seconds; leases are refused beyond KEYLEASE_SNAPSHOT_AGE_MAX."
    SNAPSHOT_REV Gauge "keylease_snapshot_rev" "The revision of configuration and health that this replica serves from."
    INCIDENTS Counter "keylease_incidents_total" "What befell many keys at once, as this replica committed it, by kind: breaker (a provider fails), egress (the way to one is suspected), brake (a pool's keys died together). One that goes on counts again."
    PROVIDER_INCIDENT Gauge "keylease_provider_incident" "1 while a provider fails (kind breaker: no lease but a trial) or the way to it is suspected to be barred (kind egress), by provider (its host) and kind."
    POOL_BRAKED Gauge "keylease_pool_braked" "1 while most keys of a pool were rejected at once, so that none of them dies for long, by pool."
    KEY_VERSIONS Gauge "keylease_key_versions" "Key versions, by account and health."
    ROTATIONS_OVERDUE Gauge "keylease_rotations_overdue" "Keys whose rotation is overdue, by account."
    ROWS_DISTRUSTED Gauge "keylease_rows_distrusted" "Rows that are not believed, since they were changed outside of KeyLease or do not open, by kind. Not 0: look at once."
    ALERTS_OPEN Gauge "keylease_alerts_open" "Alerts that are open, by kind, over all replicas."
    ALERT_DELIVERIES Counter "keylease_alert_deliveries_total" "Tries to send a message about an alert, by sink and result: delivered, failed (it is tried again) or given_up."
    ALERT_UNDELIVERED_SECONDS Gauge "keylease_alert_undelivered_seconds" "How long the oldest message about an alert waits to be delivered, by sink, in seconds, over all replicas; 0 where none waits."
    JOURNAL_DEPTH Gauge "keylease_journal_depth" "Records of leases that wait to be written to the journal, of at most 16,384."
    JOURNAL_RECORDS Counter "keylease_journal_records_total" "Records of leases written to the journal, by kind: lease or rollup."
    JOURNAL_DEGRADED Counter "keylease_journal_degraded_total" "Leases of pools with a full journal that were only counted, since too many records waited or none was written, and leases that were counted without key and caller."
    CONNECTIONS Gauge "keylease_connections" "Connections of clients that are open, by listener: grpc, health or metrics."
    CONNECTIONS_REFUSED Counter "keylease_connections_refused_total" "Connections of clients that were closed at once, since all places were taken, by listener."
    DATABASE_CONNECTIONS Gauge "keylease_database_connections" "Connections to Postgres, by state: idle or used."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for metric in ALL {
            assert!(metric.name.starts_with("keylease_"), "{}", metric.name);
            let counts = metric.kind == Kind::Counter;
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            let lasts = metric.kind == Kind::Histogram;
            assert!(
                !lasts || metric.name.ends_with("_seconds"),
                "{}",
                metric.name
            );
        }
    }
}
