//! What changed since a revision, over all tables that replicas keep in memory: one snapshot of the database, read at one revision.
//!
//! It looks into many tables at once, so that all of it is of one moment: everything here is read by revision, and nothing is written.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::accounts::AccountRow;
use super::callers::CallerRow;
use super::convert::timestamp;
use super::cooldowns::CooldownRow;
use super::grants::GrantRow;
use super::key_versions::KeyVersionRow;
use super::keys::KeyRow;
use super::limit_rows::LimitRow;
use super::pool_members::MemberRow;
use super::pools::PoolRow;
use super::secrets::SecretRow;
use super::tokens::TokenRow;
use super::{Result, Stored, incidents, prices, version_cooldowns};
use crate::domain::account::{Account, Cooldown};
use crate::domain::caller::{Caller, Grant, Token};
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::key::{Key, KeyVersion, ModelCooldown};
use crate::domain::limit::Limit;
use crate::domain::pool::{Member, Pool};
use crate::domain::prices::OperatorPrice;
use crate::domain::time::Timestamp;

mod gone;
mod unread;

pub use gone::{Gone, GoneKind};
pub use unread::Unread;
use unread::readable;

/// What changed since a revision. Rows under a MAC are not verified yet.
#[derive(Debug, Default)]
pub struct Changes {
    /// Everything up to here.
    pub rev: i64,
    /// The database's time when it was read.
    pub now: Timestamp,
    /// Accounts.
    pub accounts: Vec<Stored<Account>>,
    /// Limits that are in force.
    pub limits: Vec<Limit>,
    /// Keys.
    pub keys: Vec<Stored<Key>>,
    /// Versions that are not revoked.
    pub versions: Vec<KeyVersion>,
    /// The sealed secrets of those that are current, by version.
    pub secrets: HashMap<Uuid, Vec<SecretRow>>,
    /// Pools, without their members.
    pub pools: Vec<Stored<Pool>>,
    /// Members of those pools, by pool.
    pub members: HashMap<Uuid, Vec<Stored<Member>>>,
    /// Callers, without their grants.
    pub callers: Vec<Stored<Caller>>,
    /// Grants of those callers, by caller.
    pub grants: HashMap<Uuid, Vec<Stored<Grant>>>,
    /// Tokens.
    pub tokens: Vec<Stored<Token>>,
    /// Cooldowns that are new, and all of accounts some of whose were cleared; none that has ended.
    pub cooldowns: Vec<Cooldown>,
    /// The same of models of single versions.
    pub version_cooldowns: Vec<ModelCooldown>,
    /// What befell providers and pools, by kind and subject.
    pub incidents: Vec<(IncidentKind, String, Incident)>,
    /// Prices that operators have set.
    pub prices: Vec<OperatorPrice>,
    /// What is gone.
    pub gone: Vec<Gone>,
    /// What cannot be read.
    pub unread: Vec<Unread>,
}

/// Reads what changed after the revision `since`, within a transaction of one moment.
///
/// # Errors
/// As every query. A row that cannot be read is logged and told as such: one bad row must not stop a fleet.
pub async fn read_within(conn: &mut PgConnection, since: i64) -> Result<Changes> {
    let read = sqlx::query!("select rev, clock_timestamp() as \"now!\" from cluster")
        .fetch_one(&mut *conn)
        .await?;
    let mut changes = Changes {
        rev: read.rev,
        now: timestamp(read.now),
        ..Changes::default()
    };
    read_accounts(conn, since, &mut changes).await?;
    read_keys(conn, since, &mut changes).await?;
    read_pools(conn, since, &mut changes).await?;
    read_callers(conn, since, &mut changes).await?;
    changes.version_cooldowns = version_cooldowns::since(conn, since).await?;
    changes.incidents = incidents::since(conn, since).await?;
    changes.prices = prices::readable_since(conn, since).await?;
    changes.gone.extend(gone::read(conn, since).await?);
    Ok(changes)
}

async fn read_accounts(conn: &mut PgConnection, since: i64, changes: &mut Changes) -> Result<()> {
    let rows = sqlx::query_as!(AccountRow,
        "select uid, rev, id, labels as \"labels: _\", create_time, update_time, profile, base_url, allowed_hosts, allow_http, placement_kind,
            placement_name, placement_prefix, rotation_seconds, learned_limits, disabled_why, disabled_since, disabled_until, disabled_by, mac
        from accounts where rev > $1", since).fetch_all(&mut *conn).await?;
    changes.accounts = readable(rows, &mut changes.unread);
    let rows = sqlx::query_as!(LimitRow,
        "select uid, rev, owner_kind, owner_uid, id, create_time, update_time, dimension, amount, window_ms, calendar_period,
            calendar_time_zone, lease_duration_max_ms, models, mode, validity_ms, start_within_ms, blackout_ms, offline_percent, offline_slots,
            offline_outage_max_ms from limits where rev > $1 and delete_time is null", since).fetch_all(&mut *conn).await?;
    changes.limits = readable(rows, &mut changes.unread);
    let gone = sqlx::query_scalar!(
        "select uid from limits where rev > $1 and delete_time is not null",
        since
    )
    .fetch_all(&mut *conn)
    .await?;
    changes.gone.extend(gone.into_iter().map(|uid| Gone {
        kind: GoneKind::Limit,
        uid,
    }));
    let cleared = sqlx::query_scalar!(
        "select distinct uid from deletions where rev > $1 and kind = 'cooldowns'",
        since
    )
    .fetch_all(&mut *conn)
    .await?;
    // In the order they came, so that memory drops for want of places what the table dropped.
    let rows = sqlx::query_as!(
        CooldownRow,
        "select account_uid, model, until, why, class, accuser, tried_time, strikes from cooldowns
        where (rev > $1 or account_uid = any($2)) and until > clock_timestamp() order by rev",
        since,
        &cleared
    )
    .fetch_all(conn)
    .await?;
    changes.cooldowns = rows.into_iter().map(Cooldown::from).collect();
    Ok(())
}

async fn read_keys(conn: &mut PgConnection, since: i64, changes: &mut Changes) -> Result<()> {
    let rows = sqlx::query_as!(KeyRow,
        "select uid, rev, account_uid, id, labels as \"labels: _\", create_time, update_time, model_allow, model_deny,
            model_map as \"model_map: _\", rotation_seconds, disabled_why, disabled_since, disabled_until, disabled_by, mac
        from keys where rev > $1", since).fetch_all(&mut *conn).await?;
    changes.keys = readable(rows, &mut changes.unread);
    let rows = sqlx::query_as!(KeyVersionRow,
        "select uid, rev, key_uid, number, stage, create_time, update_time, promote_time, revoke_time, drain_until,
            sealed_hosts, health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time
        from key_versions where rev > $1 and stage <> 'revoked'", since).fetch_all(&mut *conn).await?;
    changes.versions = readable(rows, &mut changes.unread);
    let gone = sqlx::query_scalar!(
        "select uid from key_versions where rev > $1 and stage = 'revoked'",
        since
    )
    .fetch_all(&mut *conn)
    .await?;
    changes.gone.extend(gone.into_iter().map(|uid| Gone {
        kind: GoneKind::Version,
        uid,
    }));
    let rows = sqlx::query!(
        "select s.version_uid, s.field, s.master_key_fingerprint, s.wrapped_dek, s.ciphertext, s.fingerprint
        from secrets s join key_versions v on v.uid = s.version_uid where v.rev > $1 and v.stage = 'current'", since)
        .fetch_all(conn).await?;
    for row in rows {
        changes
            .secrets
            .entry(row.version_uid)
            .or_default()
            .push(SecretRow {
                field: row.field,
                master_key_fingerprint: row.master_key_fingerprint,
                wrapped_dek: row.wrapped_dek,
                ciphertext: row.ciphertext,
                fingerprint: row.fingerprint,
            });
    }
    Ok(())
}

async fn read_pools(conn: &mut PgConnection, since: i64, changes: &mut Changes) -> Result<()> {
    let rows = sqlx::query_as!(PoolRow,
        "select uid, rev, id, labels as \"labels: _\", create_time, update_time, strategy, dead_ttl_ms, unhealthy_ttl_ms,
            failure_threshold, probe_enabled, probe_interval_ms, verdicts, quarantine_ms, recovery_ramp_ms, healthy_keys_min, estimate_input_tokens, estimate_output_tokens,
            estimate_cost_micros, rotation_seconds, lease_duration_ms, failure_rules, journal, disabled_why, disabled_since, disabled_until, disabled_by, mac
        from pools where rev > $1", since).fetch_all(&mut *conn).await?;
    changes.pools = readable(rows, &mut changes.unread);
    let rows = sqlx::query_as!(
        MemberRow,
        "select m.pool_uid, m.target_kind, m.target_uid, m.tier, m.weight, m.mac
        from pool_members m join pools p on p.uid = m.pool_uid where p.rev > $1",
        since
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let pool_uid = row.pool_uid;
        changes
            .members
            .entry(pool_uid)
            .or_default()
            .extend(readable(vec![row], &mut changes.unread));
    }
    Ok(())
}

async fn read_callers(conn: &mut PgConnection, since: i64, changes: &mut Changes) -> Result<()> {
    let rows = sqlx::query_as!(CallerRow,
        "select uid, rev, id, labels as \"labels: _\", create_time, update_time, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from callers where rev > $1", since).fetch_all(&mut *conn).await?;
    changes.callers = readable(rows, &mut changes.unread);
    let rows = sqlx::query_as!(
        GrantRow,
        "select g.caller_uid, g.role, g.pool_pattern, g.mac
        from grants g join callers c on c.uid = g.caller_uid where c.rev > $1",
        since
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let caller_uid = row.caller_uid;
        changes
            .grants
            .entry(caller_uid)
            .or_default()
            .extend(readable(vec![row], &mut changes.unread));
    }
    let rows = sqlx::query_as!(TokenRow,
        "select id, uid, rev, caller_uid, hash, display_name, create_time, expire_time, revoke_time, mac
        from tokens where rev > $1", since).fetch_all(conn).await?;
    changes.tokens = rows.into_iter().map(Stored::from).collect();
    Ok(())
}
