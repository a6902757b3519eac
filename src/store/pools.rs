//! Table `pools`. Members have a table, and a file, of their own: a pool that is read here has none yet.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::PgConnection;
use sqlx::types::Json;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{
    Reading, as_millis, as_seconds, disablement, millis, offset, seconds, timestamp,
};
use super::{Error, Result, Slice, Stored};
use crate::domain::classify::PoolRules;
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::journal::Journaling;
use crate::domain::key::Meta;
use crate::domain::labels::Labels;
use crate::domain::pool::{Pool, Strategy};

mod parts;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct PoolRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) id: String,
    pub(crate) labels: Json<BTreeMap<String, String>>,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) strategy: String,
    pub(crate) dead_ttl_ms: Option<i64>,
    pub(crate) unhealthy_ttl_ms: Option<i64>,
    pub(crate) failure_threshold: Option<i32>,
    pub(crate) probe_enabled: bool,
    pub(crate) probe_interval_ms: Option<i64>,
    pub(crate) verdicts: Option<String>,
    pub(crate) quarantine_ms: Option<i64>,
    pub(crate) recovery_ramp_ms: Option<i64>,
    pub(crate) healthy_keys_min: Option<i32>,
    pub(crate) estimate_input_tokens: Option<i64>,
    pub(crate) estimate_output_tokens: Option<i64>,
    pub(crate) estimate_cost_micros: Option<i64>,
    pub(crate) rotation_seconds: Option<i64>,
    pub(crate) lease_duration_ms: Option<i64>,
    pub(crate) failure_rules: Option<String>,
    pub(crate) journal: Option<String>,
    pub(crate) disabled_why: Option<String>,
    pub(crate) disabled_since: Option<OffsetDateTime>,
    pub(crate) disabled_until: Option<OffsetDateTime>,
    pub(crate) disabled_by: Option<String>,
    pub(crate) mac: Vec<u8>,
}

impl TryFrom<PoolRow> for Stored<Pool> {
    type Error = Error;

    fn try_from(row: PoolRow) -> Result<Self> {
        let reading = Reading {
            table: "pools",
            uid: row.uid,
        };
        let pool = Pool {
            id: reading.parsed(Id::parse("id", &row.id))?,
            members: Vec::new(),
            strategy: reading.known("strategy", Strategy::from_stored(&row.strategy))?,
            health_policy: row.health_policy(reading)?,
            default_estimate: row.estimate(reading)?,
            rotation_interval: seconds(row.rotation_seconds),
            lease_duration: millis(row.lease_duration_ms),
            journal: row.journaling(reading)?,
            failure_rules: row.failure_rules.map(PoolRules::stored).map(Arc::new),
            meta: Meta {
                uid: row.uid,
                rev: row.rev,
                labels: reading.parsed(Labels::parse("labels", row.labels.0))?,
                create_time: timestamp(row.create_time),
                update_time: timestamp(row.update_time),
                distrust: None,
            },
            disablement: disablement(
                row.disabled_why,
                row.disabled_since,
                row.disabled_until,
                row.disabled_by,
            ),
        };
        Ok(Self {
            resource: pool,
            mac: row.mac,
        })
    }
}

/// The pool of this id, without its members.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, id: &Id) -> Result<Option<Stored<Pool>>> {
    let row = sqlx::query_as!(
        PoolRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, strategy, dead_ttl_ms, unhealthy_ttl_ms,
            failure_threshold, probe_enabled, probe_interval_ms, verdicts, quarantine_ms, recovery_ramp_ms, healthy_keys_min, estimate_input_tokens, estimate_output_tokens,
            estimate_cost_micros, rotation_seconds, lease_duration_ms, failure_rules, journal, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from pools where id = $1"#,
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Pools in the order of their ids, without their members.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    slice: Slice<'_>,
    filter: &Filter,
) -> Result<Vec<Stored<Pool>>> {
    let rows = sqlx::query_as!(
        PoolRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, strategy, dead_ttl_ms, unhealthy_ttl_ms,
            failure_threshold, probe_enabled, probe_interval_ms, verdicts, quarantine_ms, recovery_ramp_ms, healthy_keys_min, estimate_input_tokens, estimate_output_tokens,
            estimate_cost_micros, rotation_seconds, lease_duration_ms, failure_rules, journal, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from pools
        where id collate "C" > $1 and labels @> $2
            and ($3::boolean is null
                or $3 = (disabled_since is not null and coalesce(disabled_until > now(), true)))
        order by id collate "C" limit $4"#,
        slice.after.unwrap_or_default(),
        Json(&filter.labels) as _,
        filter.disabled,
        slice.rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The part of a number that a column holds.
fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Inserts a pool, not its members, with nothing but its name and strategy; `update` brings the rest.
///
/// # Errors
/// [`Error::Unique`] if the id is taken; else as every query.
pub async fn insert(conn: &mut PgConnection, pool: &Pool, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into pools (uid, rev, id, create_time, strategy, mac) values ($1, $2, $3, $4, $5, $6)",
        pool.meta.uid,
        pool.meta.rev,
        pool.id.as_str(),
        offset(pool.meta.create_time),
        pool.strategy.as_str(),
        mac
    )
    .execute(&mut *conn)
    .await?;
    update(conn, pool, mac).await
}

/// Writes all of a pool that can change, but its members.
///
/// # Errors
/// As every query.
pub async fn update(conn: &mut PgConnection, pool: &Pool, mac: &[u8]) -> Result<()> {
    let policy = &pool.health_policy;
    let estimate = pool.default_estimate;
    let word = pool.disablement.as_ref();
    sqlx::query!(
        "update pools set rev = $2, labels = $3, update_time = $4, strategy = $5, dead_ttl_ms = $6, unhealthy_ttl_ms = $7,
            failure_threshold = $8, probe_enabled = $9, probe_interval_ms = $10, estimate_input_tokens = $11,
            estimate_output_tokens = $12, estimate_cost_micros = $13, rotation_seconds = $14, lease_duration_ms = $15,
            disabled_why = $16, disabled_since = $17, disabled_until = $18, disabled_by = $19, mac = $20,
            verdicts = $21, quarantine_ms = $22, recovery_ramp_ms = $23, healthy_keys_min = $24, failure_rules = $25, journal = $26,
            mac_before = case when pools.xmin = pg_current_xact_id()::xid then pools.mac_before else pools.mac end,
            members_before = case when pools.xmin = pg_current_xact_id()::xid then pools.members_before else
                sha256(coalesce((select string_agg(m.mac, '' order by m.mac) from pool_members m where m.pool_uid = pools.uid), '')) end
        where uid = $1",
        pool.meta.uid,
        pool.meta.rev,
        Json(pool.meta.labels.pairs()) as _,
        offset(pool.meta.update_time),
        pool.strategy.as_str(),
        as_millis(policy.dead_ttl),
        as_millis(policy.unhealthy_ttl),
        policy.failure_threshold.map(u32::cast_signed),
        policy.probe_enabled,
        as_millis(policy.probe_interval),
        estimate.map(|e| column(e.input_tokens)),
        estimate.map(|e| column(e.output_tokens)),
        estimate.map(|e| column(e.cost_micros.unwrap_or(0))),
        as_seconds(pool.rotation_interval),
        as_millis(pool.lease_duration),
        word.map(|word| word.why.as_str()),
        word.map(|word| offset(word.since)),
        word.and_then(|word| word.until).map(offset),
        word.map(|word| word.by.as_str()),
        mac,
        policy.verdicts.as_str(),
        as_millis(policy.quarantine),
        as_millis(policy.recovery_ramp),
        policy.healthy_keys_min.map(u32::cast_signed),
        pool.failure_rules.as_ref().map(|rules| rules.text()),
        Some(pool.journal).filter(|mode| *mode != Journaling::Rollup).map(Journaling::as_str)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a pool with its members.
///
/// # Errors
/// As every query.
pub async fn delete(conn: &mut PgConnection, uid: Uuid) -> Result<()> {
    sqlx::query!("delete from pools where uid = $1", uid)
        .execute(conn)
        .await?;
    Ok(())
}
